/*
 * `ftfuzz explain FINDING`: what happens in it, call by call and switch by switch; printed, and kept in the finding's folder.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/rig.h"
#include "cli/stop.h"
#include "cli/subject.h"
#include "reduce/explain.h"

static ftf_status parse(int argc, char **argv, const char **finding, bool *help, ftf_error *err) {
    const ftf_option rows[] = {{0}};
    const ftf_usage usage = {
        .command = "explain",
        .operand = "FINDING",
        .summary = "Tells what happens in a finding (its folder): calls, switches, and who owned the memory.",
        .rows = rows,
        .notes = "Prints explain.txt and keeps it in the folder. It is shortest after `ftfuzz minimize`.\n"
                 "Exit codes: 0 it did not show, 1 it did, 2 usage or set-up, 3 a bug of ftfuzz itself."};
    ftf_status status = ftf_options_parse(&usage, argc, argv, finding, help, err);
    if (status == FTF_OK && *help) {
        ftf_options_help(&usage, stdout);
    }
    return status;
}

static ftf_status explain(const char *folder, const ftf_subject *subject, ftf_rig *rig, ftf_text *text, bool *shows,
                          ftf_error *err) {
    ftf_attempt_options options;
    char path[FTF_FS_PATH_MAX];
    ftf_status status = ftf_rig_options(rig, ftf_subject_flavour(subject), 1, &options, err);
    if (status != FTF_OK) {
        return status;
    }
    options.tick = ftf_stop_not_yet;
    status = ftf_explain(&options, subject->text.data, subject->signature, text, shows, err);
    if (status == FTF_OK && *shows && (status = ftf_fs_join(path, folder, "explain.txt", err)) == FTF_OK) {
        status = ftf_fs_write(path, text->data, text->len, err);
    }
    return status;
}

int ftf_command_explain(int argc, char **argv) {
    static ftf_subject subject;
    static ftf_rig rig;
    const char *finding = NULL;
    bool help = false, shows = false;
    ftf_text text = {0};
    ftf_error err = {0};
    ftf_status status = parse(argc, argv, &finding, &help, &err);
    if (status == FTF_OK && help) {
        return FTF_EXIT_CLEAN;
    }
    status = status == FTF_OK ? ftf_rig_open_finding(finding, &subject, &rig, &err) : status;
    if (status == FTF_OK) {
        status = explain(finding, &subject, &rig, &text, &shows, &err);
    }
    if (status == FTF_OK) {
        fputs(shows ? text.data : "it did not show again, so there is nothing to tell\n", stdout);
    }
    ftf_rig_close(&rig);
    ftf_subject_release(&subject);
    ftf_text_release(&text);
    return status != FTF_OK ? ftf_command_fail(&err) : shows ? FTF_EXIT_FINDINGS : FTF_EXIT_CLEAN;
}
