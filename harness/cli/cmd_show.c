/* `ftfuzz show TARGET`: the catalog for a person: what lanes can call, what was accepted, what is left out and why. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/learn.h"
#include "cli/options.h"
#include "scenario/kinds.h"

static const char *const trait_names[] = {"iterable", "iterator", "sized",    "mapping",   "sequence", "buffer",
                                          "context",  "hashable", "copyable", "picklable", "callable", "endless"};

static void print_arg(const ftf_catalog *catalog, const ftf_arg *arg) {
    switch (arg->source) {
    case FTF_ARG_KIND: fputs(ftf_kinds[arg->index].name, stdout); break;
    case FTF_ARG_TYPE: fputs(catalog->types[arg->index].name, stdout); break;
    case FTF_ARG_LITERAL: fputs(arg->text, stdout); break;
    }
}

static void print_pattern(const ftf_catalog *catalog, const ftf_pattern *pattern) {
    putchar('(');
    for (uint32_t i = 0; i < pattern->argc; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        print_arg(catalog, &pattern->args[i]);
    }
    for (uint32_t i = 0; i < pattern->kwargc; i++) {
        printf("%s%s=", pattern->argc + i > 0 ? ", " : "", pattern->kwnames[i]);
        print_arg(catalog, &pattern->kwargs[i]);
    }
    putchar(')');
}

static void print_callable(const ftf_catalog *catalog, const ftf_callable *callable) {
    enum { SHOWN_MAX = 4 }; /* more patterns of one callable say nothing new to a reader */
    printf("    %-24s", callable->name);
    for (uint32_t i = 0; i < callable->pattern_count && i < SHOWN_MAX; i++) {
        fputs(i > 0 ? "  " : " ", stdout);
        print_pattern(catalog, &callable->patterns[i]);
    }
    if (callable->pattern_count > SHOWN_MAX) {
        printf("  and %u more", callable->pattern_count - SHOWN_MAX);
    }
    printf("%s%s\n", callable->pattern_count == 0 ? " -" : "", callable->mutates == 1 ? "  [mutates]" : "");
}

static void print_type(const ftf_catalog *catalog, const ftf_type *type) {
    printf("\n  %s%s", type->name, type->is_public ? "" : " (only as a result)");
    for (size_t i = 0; i < sizeof trait_names / sizeof *trait_names; i++) {
        if ((type->traits & (1u << i)) != 0) {
            printf(" %s", trait_names[i]);
        }
    }
    putchar('\n');
    for (uint32_t i = 0; i < type->make_count && i < 2; i++) {
        const ftf_make *make = &type->makes[i];
        fputs("    made by ", stdout);
        for (uint32_t j = 0; j < make->line_count; j++) {
            printf("%s%s", j > 0 ? "; " : "", make->lines[j]);
        }
        putchar('\n');
    }
    for (uint32_t i = 0; i < type->method_count; i++) {
        print_callable(catalog, &catalog->callables[type->methods[i]]);
    }
    for (uint32_t i = 0; i < type->attribute_count; i++) {
        const ftf_attribute *attribute = &type->attributes[i];
        printf("    .%-23s %s%s\n", attribute->name, attribute->can_set ? "get, set" : "get",
               attribute->can_delete ? ", delete" : "");
    }
}

static void print_left_out(const char *heading, const ftf_skip *list, uint32_t count) {
    if (count > 0) {
        printf("\n%s\n", heading);
    }
    for (uint32_t i = 0; i < count; i++) {
        printf("  %-32s %s\n", list[i].name, list[i].reason);
    }
}

static void print_catalog(const ftf_catalog *catalog) {
    uint32_t usable, total;
    ftf_learnt_count(catalog, &usable, &total);
    printf("%s (imports %s, version %s, gil %s, contract %s)\n", catalog->target, catalog->import_name,
           catalog->version, catalog->gil, catalog->contract);
    puts("\nfunctions");
    for (uint32_t i = 0; i < catalog->callable_count; i++) {
        if (catalog->callables[i].owner < 0 && !catalog->callables[i].is_type) {
            print_callable(catalog, &catalog->callables[i]);
        }
    }
    puts("\ntypes");
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        print_type(catalog, &catalog->types[i]);
    }
    print_left_out("never called", catalog->skipped, catalog->skip_count);
    print_left_out("no accepted arguments found", catalog->unknown, catalog->unknown_count);
    printf("\n%u of %u callables are called with accepted arguments (%.0f %%)\n", usable, total,
           total > 0 ? 100.0 * usable / total : 100.0);
}

/* The file as it is, byte for byte: it is the format. */
static int print_json(const char *path, ftf_error *err) {
    ftf_text text = {0};
    if (ftf_fs_read(path, FTF_FS_READ_MAX, &text, err) != FTF_OK) {
        return ftf_command_fail(err);
    }
    fwrite(text.data, 1, text.len, stdout);
    putchar('\n');
    ftf_text_release(&text);
    return FTF_EXIT_CLEAN;
}

int ftf_command_show(int argc, char **argv) {
    static ftf_paths paths;
    static ftf_target target;
    ftf_learnt learnt = {0};
    bool json = false, help = false;
    const char *spec = NULL;
    ftf_error err = {0};
    const ftf_option rows[] = {{"--json", FTF_OPTION_FLAG, &json, NULL, "the catalog as JSON (format: catalog.h)"},
                               {0}};
    const ftf_usage usage = {.command = "show",
                             .operand = "TARGET",
                             .summary = "Prints what is known about a module: every callable and what it accepts.",
                             .rows = rows};
    if (ftf_options_parse(&usage, argc, argv, &spec, &help, &err) != FTF_OK) {
        return ftf_command_fail(&err);
    }
    if (help) {
        ftf_options_help(&usage, stdout);
        return FTF_EXIT_CLEAN;
    }
    if (ftf_paths_find(&paths, &err) != FTF_OK || ftf_target_resolve(&paths, spec, &target, &err) != FTF_OK ||
        ftf_learn(&paths, &target, &learnt, &err) != FTF_OK) {
        return ftf_command_fail(&err);
    }
    int code = FTF_EXIT_CLEAN;
    if (json) {
        code = print_json(learnt.path, &err);
    } else {
        print_catalog(learnt.catalog);
    }
    ftf_learnt_release(&learnt);
    return code;
}
