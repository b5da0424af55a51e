/* `ftfuzz list`: the targets that come with ftfuzz. Any importable module is one, too; the list says so. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/target.h"

typedef struct listing {
    const char *last; /* the heading that was printed last */
    json_t *json;     /* NULL: print text */
} listing;

/* What a target file says under `description = "..."`, and a canary after its `K<number>,`. */
static void first_words(const char *path, bool canary, char *words, size_t room) {
    enum { LINES_MAX = 40 };
    static const char description[] = "description = \"";
    FILE *file = fopen(path, "re");
    char line[300];
    *words = '\0';
    for (int i = 0; file != NULL && i < LINES_MAX && *words == '\0' && fgets(line, sizeof line, file) != NULL; i++) {
        const char *start = line + strspn(line, "/* ");
        if (canary && start[0] == 'K' && start[1] >= '0' && start[1] <= '9') {
            snprintf(words, room, "%.*s", (int)strcspn(start, ".\n"), start);
        } else if (!canary && strncmp(line, description, sizeof description - 1) == 0) {
            start = line + sizeof description - 1;
            snprintf(words, room, "%.*s", (int)strcspn(start, "\"\n"), start);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

static void on_target(void *self, const char *name, const char *what, const char *file) {
    listing *list = self;
    char words[200];
    bool canary = strcmp(what, "canary") == 0;
    first_words(file, canary, words, sizeof words);
    if (list->json != NULL) {
        json_array_append_new(
            list->json, json_pack("{s:s, s:s, s:s, s:s}", "name", name, "kind", what, "file", file, "about", words));
        return;
    }
    if (list->last == NULL || strcmp(list->last, what) != 0) {
        puts(canary ? "\ncanaries (planted bugs; each has a twin NAME_fixed without the bug):"
                    : "targets with a file in targets/:");
        list->last = what;
    }
    printf("  %-24s %s\n", name, words);
}

int ftf_command_list(int argc, char **argv) {
    static ftf_paths paths;
    bool json = false, help = false;
    ftf_error err = {0};
    const ftf_option rows[] = {{"--json", FTF_OPTION_FLAG, &json, NULL, "as JSON"}, {0}};
    const ftf_usage usage = {.command = "list", .summary = "Prints the targets that come with ftfuzz.", .rows = rows};
    if (ftf_options_parse(&usage, argc, argv, NULL, &help, &err) != FTF_OK) {
        return ftf_command_fail(&err);
    }
    if (help) {
        ftf_options_help(&usage, stdout);
        return FTF_EXIT_CLEAN;
    }
    listing list = {.json = json ? json_array() : NULL};
    if (ftf_paths_find(&paths, &err) != FTF_OK || ftf_target_list(&paths, on_target, &list, &err) != FTF_OK) {
        json_decref(list.json);
        return ftf_command_fail(&err);
    }
    if (json) {
        json_dumpf(list.json, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(list.json);
    } else {
        puts("\nAny other module that the interpreter can import is a target as well: ftfuzz fuzz NAME\n"
             "And so is a folder with a built extension in it:                       ftfuzz fuzz ./folder");
    }
    return FTF_EXIT_CLEAN;
}
