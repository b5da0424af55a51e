/*
 * `ftfuzz report DIR`: all findings of a campaign as one document. Like `ftfuzz show` it tells and does not
 * judge: the exit code is 0 whether there are findings or not, as it would be useless in a script that wants
 * to publish them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "findings/report.h"
#include "ftfuzz_config.h"

typedef struct arguments {
    const char *folder, *format, *output; /* output NULL: standard output */
    bool help;
} arguments;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"--format", FTF_OPTION_CHOICE, &a->format, "text|json|sarif|markdown", "default text"},
        {"--output", FTF_OPTION_TEXT, &a->output, "PATH", "default standard output"},
        {0},
    };
    const ftf_usage usage = {
        .command = "report",
        .operand = "DIR",
        .summary = "Prints all findings of a campaign; DIR is its folder, such as out/collections.",
        .rows = rows,
        .notes = "text      for a terminal: the extension's findings worst first, then those of others\n"
                 "json      for programs (format: harness/findings/report.h)\n"
                 "sarif     SARIF 2.1.0, for code scanning\n"
                 "markdown  an issue text for each finding, ready to paste upstream\n\n"
                 "PATH is a file. With --format markdown it is a folder that gets index.md and a file for\n"
                 "each finding, unless it ends in .md. Nothing is run; DIR may be that of a campaign that\n"
                 "still runs. Exit codes: 0 the report was written, whatever is in it, 2 usage or set-up."};
    ftf_status status = ftf_options_parse(&usage, argc, argv, &a->folder, &a->help, err);
    if (status == FTF_OK && a->help) {
        ftf_options_help(&usage, stdout);
    }
    return status;
}

/* ---- where it goes ----------------------------------------------------------------------------------------------- */

static ftf_status print(const ftf_text *text, ftf_error *err) {
    size_t written = fwrite(text->data, 1, text->len, stdout);
    if (written != text->len || fflush(stdout) != 0) {
        return ftf_fail(err, FTF_IO, "cannot write to standard output: %s", strerror(errno));
    }
    return FTF_OK;
}

static ftf_status put(const ftf_text *text, const char *path, ftf_error *err) {
    if (path == NULL) {
        return print(text, err);
    }
    if (ftf_fs_is_dir(path)) {
        return ftf_fail(err, FTF_USAGE, "--output %s is a folder; give a file", path);
    }
    return ftf_fs_write_unflushed(path, text->data, text->len, err); /* can be made again */
}

/* ---- Markdown ---------------------------------------------------------------------------------------------------- */

static void join_issues(const ftf_report *report, ftf_text *out) {
    for (size_t i = 0; i < report->count; i++) {
        ftf_text_str(out, i > 0 ? "\n---\n\n" : "");
        ftf_report_issue(report, i, out);
    }
    if (report->count == 0) {
        ftf_report_issue_index(report, out);
    }
}

static ftf_status put_issue(const ftf_report *report, size_t index, const char *folder, ftf_error *err) {
    char path[FTF_FS_PATH_MAX], name[FTF_FINDING_ID_MAX + 8];
    ftf_text text = {0};
    snprintf(name, sizeof name, "%s.md", report->findings[index].entry->id);
    ftf_report_issue(report, index, &text);
    ftf_status status = ftf_fs_join(path, folder, name, err);
    status = status == FTF_OK ? put(&text, path, err) : status;
    ftf_text_release(&text);
    return status;
}

static ftf_status put_issues(const ftf_report *report, const char *folder, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    ftf_text index = {0};
    ftf_status status = ftf_fs_make_dirs(folder, err);
    for (size_t i = 0; i < report->count && status == FTF_OK; i++) {
        status = put_issue(report, i, folder, err);
    }
    ftf_report_issue_index(report, &index);
    status = status == FTF_OK ? ftf_fs_join(path, folder, "index.md", err) : status;
    status = status == FTF_OK ? put(&index, path, err) : status;
    ftf_text_release(&index);
    return status;
}

static bool is_markdown_name(const char *path) {
    size_t len = strlen(path);
    return len > 3 && strcmp(path + len - 3, ".md") == 0;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

/* Takes the reference. */
static void dump(json_t *json, ftf_text *out) {
    char *text = json_dumps(json, JSON_INDENT(1));
    FTF_ASSERT(text);
    ftf_text_str(out, text);
    ftf_text_char(out, '\n');
    free(text);
    json_decref(json);
}

static ftf_status write_report(const arguments *a, const ftf_report *report, ftf_error *err) {
    ftf_text text = {0};
    if (strcmp(a->format, "markdown") == 0 && a->output != NULL && !is_markdown_name(a->output)) {
        return put_issues(report, a->output, err);
    }
    if (strcmp(a->format, "markdown") == 0) {
        join_issues(report, &text);
    } else if (strcmp(a->format, "json") == 0) {
        dump(ftf_report_json(report), &text);
    } else if (strcmp(a->format, "sarif") == 0) {
        dump(ftf_report_sarif(report), &text);
    } else {
        ftf_report_text(report, &text);
    }
    ftf_status status = put(&text, a->output, err);
    ftf_text_release(&text);
    return status;
}

int ftf_command_report(int argc, char **argv) {
    arguments a = {.format = "text"};
    static ftf_report report;
    ftf_error err = {0};
    ftf_status status = parse(argc, argv, &a, &err);
    if (status == FTF_OK && a.help) {
        return FTF_EXIT_CLEAN;
    }
    if (status == FTF_OK) {
        status = ftf_report_load(a.folder, FTF_CONFIG_VERSION, &report, &err);
        status = status == FTF_OK ? write_report(&a, &report, &err) : status;
        /* Also for the formats that have no place for it, and for whoever only looks at a file. */
        for (size_t i = 0; status == FTF_OK && i < report.damaged_count; i++) {
            fprintf(stderr, "ftfuzz: warning: %s is left out: %s\n", report.damaged[i].folder,
                    report.damaged[i].reason);
        }
        ftf_report_release(&report);
    }
    return status == FTF_OK ? FTF_EXIT_CLEAN : ftf_command_fail(&err);
}
