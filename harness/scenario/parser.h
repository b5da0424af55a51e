#ifndef FTF_SCENARIO_PARSER_H
#define FTF_SCENARIO_PARSER_H
/*
 * What the parts of the parser share; only files named parse*.c, lex.c and fragment.c include it.
 *
 * The parser reads one line at a time and never looks back further than a token. lex.c knows characters, parse_value.c
 * literals, parse_op.c what a line does, parse.c sections. Every function returns false after it has described the
 * trouble in err, and its caller passes that on.
 */
#include <stddef.h>

#include "scenario/fragment.h"
#include "scenario/scenario.h"

typedef struct ftf_parser {
    const char *at;  /* the rest of the current line */
    const char *end; /* its end: the newline, or the end of the text */
    int line;
    int owner; /* the section the line stands in */
    ftf_arena *arena;
    ftf_scenario *scenario; /* NULL where names mean nothing but globals */
    ftf_fragment *fragment; /* the names of a fragment stand for slots of its own; NULL in a scenario */
    ftf_error *err;
} ftf_parser;

/* A stretch of the text. */
typedef struct ftf_span {
    const char *text;
    size_t len;
} ftf_span;

/* ---- lex.c ------------------------------------------------------------------------------------------------------- */

/* Describes the trouble and returns false. */
bool ftf_parse_refuse(ftf_parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Skips blanks, and a comment up to the end of the line. */
void ftf_lex_blanks(ftf_parser *parser);

/* The next character that is no blank, '\0' at the end of the line; it is not consumed. */
char ftf_lex_peek(ftf_parser *parser);

/* Consumes this character if it comes next. */
bool ftf_lex_accept(ftf_parser *parser, char c);
bool ftf_lex_expect(ftf_parser *parser, char c);

/* Refuses what is left on the line, if anything. */
bool ftf_lex_end(ftf_parser *parser);

/* An identifier that stands right here; len 0 when there is none. */
ftf_span ftf_lex_word(ftf_parser *parser);

/* An identifier that may be a name: no keyword, not too long. */
bool ftf_lex_name(ftf_parser *parser, const char *what, ftf_span *out);

/* Decimal digits that fit, no sign. */
bool ftf_lex_number(ftf_parser *parser, const char *what, uint64_t max, uint64_t *out);

/* An int or float literal, its minus sign included. */
bool ftf_lex_numeral(ftf_parser *parser, ftf_value *out);

/* A quoted string; the parser stands on the quote. */
bool ftf_lex_string(ftf_parser *parser, bool bytes, ftf_value *out);

bool ftf_span_is(ftf_span span, const char *string);

/* ---- parse_value.c ----------------------------------------------------------------------------------------------- */

/* Any value. depth counts the literals around it. */
bool ftf_parse_value(ftf_parser *parser, int depth, ftf_value *out);

/* The value that the word just read begins: None, True, False, float("inf"), a slot or a global with its dots. */
bool ftf_parse_word_value(ftf_parser *parser, ftf_span word, ftf_value *out);

/* float("inf"), float("-inf") or float("nan"), the parser standing behind `float`. Leaves it there when it is another
   call. */
bool ftf_parse_special_float(ftf_parser *parser, ftf_value *out);

/* The slot that a word means here, or FTF_NO_SLOT. */
int ftf_parse_resolve(const ftf_parser *parser, ftf_span word);

/* ---- parse_op.c -------------------------------------------------------------------------------------------------- */

/* The line as an op, appended to section parser->owner of parser->scenario. */
bool ftf_parse_op(ftf_parser *parser);

#endif
