/* `ftfuzz COMMAND ...`: finds the command and calls it. The rest of the program is a library, so that tests can call
 * it. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "ftfuzz_config.h"

typedef struct command {
    const char *name, *operand, *summary;
    int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
#define FTF_COMMAND(name, operand, summary) {#name, operand, summary, ftf_command_##name},
#include "cli/commands.def"
#undef FTF_COMMAND
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_help(FILE *to) {
    fputs("usage: ftfuzz COMMAND [argument...]\n\n"
          "Finds out whether a CPython extension module is safe without the GIL.\n\n",
          to);
    for (int i = 0; i < COMMAND_COUNT; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].operand);
        fprintf(to, "  %-16s %s\n", left, commands[i].summary);
    }
    fputs("\n  ftfuzz COMMAND --help says more about one; ftfuzz --version prints the version.\n\n"
          "Exit codes: 0 clean, 1 findings, 2 usage or set-up, 3 a bug of ftfuzz itself.\n",
          to);
}

static int fail_unknown(const char *word) {
    const char *names[COMMAND_COUNT + 1];
    ftf_error err = {0};
    for (int i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
    }
    names[COMMAND_COUNT] = NULL;
    const char *nearest = ftf_options_nearest(word, names);
    if (nearest != NULL) {
        ftf_fail(&err, FTF_USAGE, "there is no command '%s'; did you mean %s?", word, nearest);
    } else {
        ftf_fail(&err, FTF_USAGE, "there is no command '%s'; see: ftfuzz --help", word);
    }
    return ftf_command_fail(&err);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return FTF_EXIT_SETUP;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return FTF_EXIT_CLEAN;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("ftfuzz " FTF_CONFIG_VERSION);
        return FTF_EXIT_CLEAN;
    }
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return fail_unknown(argv[1]);
}
