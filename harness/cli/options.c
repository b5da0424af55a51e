#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORD_MAX = 64,       /* longer words are no typing mistakes of ours */
    CANDIDATES_MAX = 64, /* options of one command */
    HELP_COLUMN = 28,
};

/* ---- the nearest word -------------------------------------------------------------------------------------------- */

static size_t min3(size_t a, size_t b, size_t c) {
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein distance; WORD_MAX when one of the words is too long to be compared. */
static size_t distance(const char *a, const char *b) {
    size_t rows = strlen(a), columns = strlen(b), row[WORD_MAX + 1];
    if (rows > WORD_MAX || columns > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t j = 0; j <= columns; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= rows; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t above = row[j];
            row[j] = min3(row[j - 1] + 1, above + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[columns];
}

const char *ftf_options_nearest(const char *word, const char *const *candidates) {
    const char *best = NULL;
    size_t best_distance = 1 + strlen(word) / 2; /* half of it may be wrong, no more */
    for (size_t i = 0; candidates[i] != NULL; i++) {
        size_t d = distance(word, candidates[i]);
        if (d < best_distance) {
            best = candidates[i];
            best_distance = d;
        }
    }
    return best;
}

static ftf_status fail_unknown(const ftf_usage *usage, const char *word, ftf_error *err) {
    const char *names[CANDIDATES_MAX + 2];
    size_t count = 0;
    while (count < CANDIDATES_MAX && usage->rows[count].name != NULL) {
        names[count] = usage->rows[count].name;
        count++;
    }
    names[count++] = "--help";
    names[count] = NULL;
    const char *nearest = ftf_options_nearest(word, names);
    if (nearest != NULL) {
        return ftf_fail(err, FTF_USAGE, "%s has no option %s; did you mean %s?", usage->command, word, nearest);
    }
    return ftf_fail(err, FTF_USAGE, "%s has no option %s; see: ftfuzz %s --help", usage->command, word, usage->command);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool parse_number(const char *text, uint64_t *out, const char **rest) {
    if (*text < '0' || *text > '9') { /* strtoull would take a sign and blanks */
        return false;
    }
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    *rest = end;
    return errno == 0;
}

static bool parse_seconds(const char *text, uint64_t *out) {
    const char *rest;
    if (!parse_number(text, out, &rest) || *out > UINT32_MAX) {
        return false;
    }
    if (strcmp(rest, "m") == 0) {
        *out *= 60;
    } else if (strcmp(rest, "h") == 0) {
        *out *= 3600;
    } else if (*rest != '\0' && strcmp(rest, "s") != 0) {
        return false;
    }
    return true;
}

/* Is word one of "a|b|c"? */
static bool is_choice(const char *choices, const char *word) {
    size_t len = strlen(word);
    for (const char *at = choices;; at = strchr(at, '|') + 1) {
        size_t choice = strcspn(at, "|");
        if (choice == len && memcmp(at, word, len) == 0) {
            return true;
        }
        if (at[choice] == '\0') {
            return false;
        }
    }
}

static ftf_status set(const ftf_option *row, const char *value, ftf_error *err) {
    const char *rest;
    switch (row->kind) {
    case FTF_OPTION_FLAG: *(bool *)row->to = true; return FTF_OK;
    case FTF_OPTION_NUMBER:
        if (!parse_number(value, row->to, &rest) || *rest != '\0') {
            return ftf_fail(err, FTF_USAGE, "%s wants a number, not '%s'", row->name, value);
        }
        return FTF_OK;
    case FTF_OPTION_SECONDS:
        if (!parse_seconds(value, row->to)) {
            return ftf_fail(err, FTF_USAGE, "%s wants a time such as 90, 5m or 2h, not '%s'", row->name, value);
        }
        return FTF_OK;
    case FTF_OPTION_CHOICE:
        if (!is_choice(row->argument, value)) {
            return ftf_fail(err, FTF_USAGE, "%s is one of %s, not '%s'", row->name, row->argument, value);
        }
        break;
    case FTF_OPTION_TEXT:
        if (*value == '\0') {
            return ftf_fail(err, FTF_USAGE, "%s wants a value (%s), not an empty one", row->name, row->argument);
        }
        break;
    }
    *(const char **)row->to = value;
    return FTF_OK;
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static const ftf_option *find(const ftf_usage *usage, const char *name, size_t len) {
    for (const ftf_option *row = usage->rows; row->name != NULL; row++) {
        if (strlen(row->name) == len && memcmp(row->name, name, len) == 0) {
            return row;
        }
    }
    return NULL;
}

/* Takes argv[*i], which begins with a dash, and its value. */
static ftf_status take_option(const ftf_usage *usage, int argc, char **argv, int *i, ftf_error *err) {
    const char *word = argv[*i];
    size_t len = strcspn(word, "=");
    const ftf_option *row = find(usage, word, len);
    if (row == NULL) {
        char name[WORD_MAX + 1];
        snprintf(name, sizeof name, "%.*s", (int)(len < WORD_MAX ? len : WORD_MAX), word);
        return fail_unknown(usage, name, err);
    }
    if (row->kind == FTF_OPTION_FLAG) {
        return word[len] == '\0' ? set(row, NULL, err) : ftf_fail(err, FTF_USAGE, "%s takes no value", row->name);
    }
    if (word[len] == '=') {
        return set(row, word + len + 1, err);
    }
    if (*i + 1 >= argc) {
        return ftf_fail(err, FTF_USAGE, "%s wants a value (%s)", row->name, row->argument);
    }
    *i += 1;
    return set(row, argv[*i], err);
}

ftf_status ftf_options_parse(const ftf_usage *usage, int argc, char **argv, const char **operand, bool *help,
                             ftf_error *err) {
    const char *given = NULL;
    *help = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            *help = true;
            return FTF_OK;
        }
    }
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            ftf_status status = take_option(usage, argc, argv, &i, err);
            if (status != FTF_OK) {
                return status;
            }
        } else if (usage->operand == NULL || given != NULL) {
            return ftf_fail(err, FTF_USAGE, "%s does not know what to do with '%s'; see: ftfuzz %s --help",
                            usage->command, argv[i], usage->command);
        } else {
            given = argv[i];
        }
    }
    if (usage->operand != NULL) {
        if (given == NULL || *given == '\0') {
            return ftf_fail(err, FTF_USAGE, "%s needs a %s; see: ftfuzz %s --help", usage->command, usage->operand,
                            usage->command);
        }
        *operand = given;
    }
    return FTF_OK;
}

void ftf_options_help(const ftf_usage *usage, FILE *to) {
    fprintf(to, "usage: ftfuzz %s%s%s%s\n\n%s\n\n", usage->command, usage->operand != NULL ? " " : "",
            usage->operand != NULL ? usage->operand : "", usage->rows[0].name != NULL ? " [option...]" : "",
            usage->summary);
    for (const ftf_option *row = usage->rows; row->name != NULL; row++) {
        char left[WORD_MAX * 2];
        snprintf(left, sizeof left, "%s %s", row->name, row->argument != NULL ? row->argument : "");
        fprintf(to, "  %-*s %s\n", HELP_COLUMN, left, row->help);
    }
    fprintf(to, "  %-*s %s\n", HELP_COLUMN, "--help", "this text");
    if (usage->notes != NULL) {
        fprintf(to, "\n%s\n", usage->notes);
    }
}
