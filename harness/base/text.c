#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { ROOM_FIRST = 256 };

/* Makes room for len more bytes and the NUL after them. */
static void reserve(ftf_text *text, size_t len) {
    size_t wanted = text->len + len + 1;
    if (wanted <= text->room) {
        return;
    }
    size_t room = text->room ? text->room : ROOM_FIRST;
    while (room < wanted) {
        room *= 2;
    }
    text->data = realloc(text->data, room);
    FTF_ASSERT(text->data != NULL);
    text->room = room;
}

void ftf_text_add(ftf_text *text, const char *bytes, size_t len) {
    reserve(text, len);
    memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void ftf_text_str(ftf_text *text, const char *string) { ftf_text_add(text, string, strlen(string)); }

void ftf_text_char(ftf_text *text, char c) { ftf_text_add(text, &c, 1); }

void ftf_text_printf(ftf_text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    FTF_ASSERT(len >= 0);
    reserve(text, (size_t)len);
    vsnprintf(text->data + text->len, (size_t)len + 1, format, again);
    va_end(again);
    text->len += (size_t)len;
}

void ftf_text_clear(ftf_text *text) {
    text->len = 0;
    if (text->data) {
        text->data[0] = '\0';
    }
}

void ftf_text_release(ftf_text *text) {
    free(text->data);
    *text = (ftf_text){0};
}

const char *ftf_text_last_line(ftf_text *text) {
    while (text->len > 0 && isspace((unsigned char)text->data[text->len - 1])) {
        text->data[--text->len] = '\0';
    }
    const char *start = text->len > 0 ? strrchr(text->data, '\n') : NULL;
    return text->len == 0 ? "" : start != NULL ? start + 1 : text->data;
}
