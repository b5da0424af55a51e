/* Characters: blanks, names, numbers, strings. ASCII only, whatever the locale is; strings hold UTF-8. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scenario/ops.h"
#include "scenario/parser.h"

bool ftf_parse_refuse(ftf_parser *parser, const char *format, ...) {
    char text[sizeof((ftf_error *)0)->text];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0) {
        text[0] = '\0';
    }
    va_end(arguments);
    ftf_fail_at(parser->err, parser->line, "%s", text);
    return false;
}

/* ---- blanks and punctuation -------------------------------------------------------------------------------------- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

static bool is_word(char c) { return is_word_start(c) || is_digit(c); }

void ftf_lex_blanks(ftf_parser *parser) {
    const char *p = parser->at;
    while (p < parser->end && (*p == ' ' || *p == '\t' || *p == '\r')) {
        p++;
    }
    if (p < parser->end && *p == '#') {
        p = parser->end;
    }
    parser->at = p;
}

char ftf_lex_peek(ftf_parser *parser) {
    ftf_lex_blanks(parser);
    return parser->at < parser->end ? *parser->at : '\0';
}

bool ftf_lex_accept(ftf_parser *parser, char c) {
    if (ftf_lex_peek(parser) != c || c == '\0') {
        return false;
    }
    if (parser->at == parser->end) {
        return false;
    }
    parser->at++;
    return true;
}

/* How what stands at the parser is named in a message: control characters must not reach a terminal. */
static const char *here(ftf_parser *parser, char room[16]) {
    ftf_lex_blanks(parser);
    if (parser->at == parser->end) {
        return "the end of the line";
    }
    unsigned char c = (unsigned char)*parser->at;
    if (c >= 0x20 && c < 0x7f) {
        snprintf(room, 16, "'%c'", c);
    } else {
        snprintf(room, 16, "byte 0x%02x", c);
    }
    return room;
}

bool ftf_lex_expect(ftf_parser *parser, char c) {
    if (ftf_lex_accept(parser, c)) {
        return true;
    }
    char room[16];
    return ftf_parse_refuse(parser, "expected '%c' instead of %s", c, here(parser, room));
}

bool ftf_lex_end(ftf_parser *parser) {
    ftf_lex_blanks(parser);
    if (parser->at == parser->end) {
        return true;
    }
    char room[16];
    return ftf_parse_refuse(parser, "unexpected %s; a line holds one operation", here(parser, room));
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

ftf_span ftf_lex_word(ftf_parser *parser) {
    const char *p = parser->at;
    if (p < parser->end && is_word_start(*p)) {
        do {
            p++;
        } while (p < parser->end && is_word(*p));
    }
    ftf_span word = {parser->at, (size_t)(p - parser->at)};
    parser->at = p;
    return word;
}

bool ftf_lex_name(ftf_parser *parser, const char *what, ftf_span *out) {
    *out = ftf_lex_word(parser);
    if (out->len == 0) {
        char room[16];
        return ftf_parse_refuse(parser, "expected %s instead of %s", what, here(parser, room));
    }
    if (out->len > FTF_NAME_MAX) {
        return ftf_parse_refuse(parser, "a name is longer than %d bytes", FTF_NAME_MAX);
    }
    if (ftf_name_is_keyword(out->text, out->len)) {
        return ftf_parse_refuse(parser, "'%.*s' is a keyword of Python", (int)out->len, out->text);
    }
    return true;
}

bool ftf_span_is(ftf_span span, const char *string) {
    return strlen(string) == span.len && memcmp(span.text, string, span.len) == 0;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

bool ftf_lex_number(ftf_parser *parser, const char *what, uint64_t max, uint64_t *out) {
    const char *p = parser->at;
    uint64_t number = 0;
    for (; p < parser->end && is_digit(*p); p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (digit > max || number > (max - digit) / 10) {
            return ftf_parse_refuse(parser, "%s is more than %llu", what, (unsigned long long)max);
        }
        number = number * 10 + digit;
    }
    if (p == parser->at) {
        char room[16];
        return ftf_parse_refuse(parser, "expected %s instead of %s", what, here(parser, room));
    }
    if (p < parser->end && is_word(*p)) {
        return ftf_parse_refuse(parser, "%s is not a decimal number", what);
    }
    parser->at = p;
    *out = number;
    return true;
}

static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

static const char *skip_digits(const char *p, const char *end) {
    while (p < end && is_digit(*p)) {
        p++;
    }
    return p;
}

/* Moves *at over `.digits` and `e[+-]digits`; false when one is begun and not finished. */
static bool skip_fraction(const char **at, const char *end, bool *is_float) {
    const char *p = *at;
    if (p < end && *p == '.') {
        const char *digits = p + 1;
        p = skip_digits(digits, end);
        *is_float = true;
        if (p == digits) {
            return false;
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }
        const char *digits = p;
        p = skip_digits(digits, end);
        *is_float = true;
        if (p == digits) {
            return false;
        }
    }
    *at = p;
    return true;
}

bool ftf_lex_numeral(ftf_parser *parser, ftf_value *out) {
    const char *start = parser->at;
    const char *p = start + (*start == '-');
    const char *digits = p;
    bool is_float = false;
    bool well_formed = true;
    if (parser->end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        for (p += 2, digits = p; p < parser->end && is_hex(*p); p++) {
        }
        well_formed = p > digits;
    } else {
        p = skip_digits(p, parser->end);
        bool leading_zero = p - digits > 1 && *digits == '0';
        well_formed = p > digits && skip_fraction(&p, parser->end, &is_float) && (is_float || !leading_zero);
    }
    if (!well_formed || (p < parser->end && (is_word(*p) || *p == '.'))) {
        return ftf_parse_refuse(parser, "malformed number");
    }
    out->kind = is_float ? FTF_VALUE_FLOAT : FTF_VALUE_INT;
    out->text = ftf_arena_copy(parser->arena, start, (size_t)(p - start));
    parser->at = p;
    return true;
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

/* Writes a code point as UTF-8; a lone surrogate takes three bytes like its neighbours (WTF-8). */
static char *encode(char *to, uint32_t code) {
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

/* The length of the well-formed UTF-8 sequence at p, 0 when there is none. */
static size_t utf8_len(const char *text, const char *end) {
    const unsigned char *p = (const unsigned char *)text;
    size_t len = p[0] >= 0xc2 && p[0] < 0xe0   ? 2
                 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                               : 0;
    if (len == 0 || (size_t)(end - text) < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] >= 0xa0;
    bool beyond = p[0] == 0xf4 && p[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : len;
}

static uint32_t hex_digit(char c) { return (uint32_t)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10); }

static bool lex_hex(ftf_parser *parser, int digits, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < digits; i++) {
        if (parser->at == parser->end || !is_hex(*parser->at)) {
            return ftf_parse_refuse(parser, "an escape needs %d hexadecimal digits", digits);
        }
        *code = *code << 4 | hex_digit(*parser->at++);
    }
    if (*code > 0x10ffff) {
        return ftf_parse_refuse(parser, "an escape is beyond \\U0010ffff");
    }
    return true;
}

/* What follows a backslash. */
static bool lex_escape(ftf_parser *parser, bool bytes, uint32_t *code) {
    char c = parser->at < parser->end ? *parser->at++ : '\0';
    switch (c) {
    case 'n': *code = '\n'; return true;
    case 't': *code = '\t'; return true;
    case 'r': *code = '\r'; return true;
    case '\\':
    case '"':
    case '\'': *code = (uint32_t)c; return true;
    case 'x': return lex_hex(parser, 2, code);
    case 'u':
    case 'U':
        if (!bytes) {
            return lex_hex(parser, c == 'u' ? 4 : 8, code);
        }
        break;
    default: break;
    }
    return ftf_parse_refuse(parser, "unknown escape; write one of \\n \\t \\r \\\\ \\\" \\' \\xNN%s",
                            bytes ? "" : " \\uNNNN \\UNNNNNNNN");
}

/* One character that is no escape: copied as it is. */
static bool lex_plain(ftf_parser *parser, bool bytes, char **to) {
    unsigned char c = (unsigned char)*parser->at;
    size_t len = 1;
    if (c < 0x20 || c == 0x7f) {
        return ftf_parse_refuse(parser, "byte 0x%02x in a string must be written as an escape", c);
    }
    if (c >= 0x80) {
        len = bytes ? 0 : utf8_len(parser->at, parser->end);
        if (len == 0) {
            return ftf_parse_refuse(parser,
                                    bytes ? "byte 0x%02x in a bytes literal must be written as an escape"
                                          : "byte 0x%02x in a string is not UTF-8",
                                    c);
        }
    }
    memcpy(*to, parser->at, len);
    *to += len;
    parser->at += len;
    return true;
}

bool ftf_lex_string(ftf_parser *parser, bool bytes, ftf_value *out) {
    char quote = *parser->at++;
    const char *close = parser->at;
    while (close < parser->end && *close != quote) {
        close += *close == '\\' && parser->end - close > 1 ? 2 : 1;
    }
    if (close == parser->end) {
        return ftf_parse_refuse(parser, "a string is not closed on its line");
    }
    /* No escape is shorter than what it stands for, so the text fits in as many bytes as were written. */
    char *text = ftf_arena_alloc(parser->arena, (size_t)(close - parser->at) + 1);
    char *to = text;
    while (*parser->at != quote) {
        if (*parser->at != '\\') {
            if (!lex_plain(parser, bytes, &to)) {
                return false;
            }
            continue;
        }
        parser->at++;
        uint32_t code = 0;
        if (!lex_escape(parser, bytes, &code)) {
            return false;
        }
        if (bytes) {
            *to++ = (char)(unsigned char)code;
        } else {
            to = encode(to, code);
        }
    }
    parser->at++;
    out->kind = bytes ? FTF_VALUE_BYTES : FTF_VALUE_STR;
    out->text = text;
    out->len = (uint32_t)(to - text);
    return true;
}
