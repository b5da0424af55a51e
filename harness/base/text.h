#ifndef FTF_BASE_TEXT_H
#define FTF_BASE_TEXT_H
/*
 * A growing string. The caller owns the struct: `ftf_text out = {0}; ...; ftf_text_release(&out);`. `data` is always
 * NUL-terminated once anything was added, and NULL before.
 */
#include <stddef.h>

typedef struct ftf_text {
    char *data;
    size_t len;
    size_t room;
} ftf_text;

void ftf_text_add(ftf_text *text, const char *bytes, size_t len);
void ftf_text_str(ftf_text *text, const char *string);
void ftf_text_char(ftf_text *text, char c);
void ftf_text_printf(ftf_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ftf_text_clear(ftf_text *text);
void ftf_text_release(ftf_text *text);

/* Cuts white space off the end; what is left of the last line, "" of an empty text. Valid until the text changes. */
const char *ftf_text_last_line(ftf_text *text);

#endif
