#ifndef FTF_CLI_OPTIONS_H
#define FTF_CLI_OPTIONS_H
/*
 * The command line of one command, as a table: what is accepted, what --help prints and what a mistake is told all
 * come from the same rows, so they cannot disagree.
 *
 *     uint64_t seconds = 120;
 *     const ftf_option rows[] = {
 *         {"--time", FTF_OPTION_SECONDS, &seconds, "S", "how long to fuzz (120, 5m, 1h; 0: until Ctrl-C)"},
 *         {0},
 *     };
 *     const ftf_usage usage = {.command = "fuzz", .operand = "TARGET", .summary = "...", .rows = rows};
 *     status = ftf_options_parse(&usage, argc, argv, &operand, &err);
 *
 * Options may stand before or after the operand, as `--time 5` or `--time=5`. A name that is none is refused with the
 * nearest one that is. `to` keeps its value, the default, when the option is not given.
 *
 * Ownership: nothing is copied; texts point into argv. Threads: none of this is shared.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

typedef enum ftf_option_kind {
    FTF_OPTION_FLAG,    /* bool: no value */
    FTF_OPTION_NUMBER,  /* uint64_t */
    FTF_OPTION_SECONDS, /* uint64_t: 90, 90s, 5m, 2h */
    FTF_OPTION_TEXT,    /* const char * */
    FTF_OPTION_CHOICE,  /* const char *: one of the words in `argument`, separated by | */
} ftf_option_kind;

typedef struct ftf_option {
    const char *name; /* "--time", "-n"; NULL ends the table */
    ftf_option_kind kind;
    void *to;
    const char *argument; /* what --help calls the value */
    const char *help;
} ftf_option;

typedef struct ftf_usage {
    const char *command;
    const char *operand; /* "TARGET"; NULL: it takes none. The operand is required where there is one. */
    const char *summary;
    const ftf_option *rows;
    const char *notes; /* printed at the end of --help; may be NULL */
} ftf_usage;

/*
 * argv[0] is the command. FTF_OK with *help set when --help was asked for: nothing else was checked then.
 * `operand` may be NULL when usage names none.
 */
ftf_status ftf_options_parse(const ftf_usage *usage, int argc, char **argv, const char **operand, bool *help,
                             ftf_error *err);

void ftf_options_help(const ftf_usage *usage, FILE *to);

/* The candidate (NULL-terminated list) that word was probably meant to be, or NULL when none is near. */
const char *ftf_options_nearest(const char *word, const char *const *candidates);

#endif
