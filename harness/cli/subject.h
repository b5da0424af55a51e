#ifndef FTF_CLI_SUBJECT_H
#define FTF_CLI_SUBJECT_H
/*
 * What a person wants to run again: a finding's folder (its finding.json says which signature counts) or a .ft file (any
 * finding counts).
 *
 *     ftf_subject subject = {0};
 *     status = ftf_subject_load("out/csv/findings/segv-12ab34cd", &subject, &err);
 *     ftf_subject_release(&subject);
 */
#include "base/text.h"
#include "cli/target.h"
#include "findings/signature.h"

typedef struct ftf_subject {
    ftf_text text;                     /* one scenario or a sequence, in the canonical spelling */
    char spec[FTF_FS_PATH_MAX];        /* the target as the campaign was given it, else as the scenario names it */
    char module[FTF_TARGET_NAME_MAX];  /* the target as the scenario, or the first of the sequence, names it */
    char signature[FTF_SIGNATURE_MAX]; /* "": any finding counts */
    char kind[64];
    char id[64];                      /* "": it is no finding */
    char store[FTF_FS_PATH_MAX];      /* <out> of the finding */
    bool flavours[FTF_FLAVOUR_COUNT]; /* the finding's; none for a .ft file */
} ftf_subject;

/* FTF_INPUT with the file and line for a text that is no scenario. */
ftf_status ftf_subject_load(const char *path, ftf_subject *out, ftf_error *err);

/* The flavour whose worker shows the finding; FTF_FLAVOUR_COUNT when it is none that scenarios show. */
ftf_flavour ftf_subject_flavour(const ftf_subject *subject);

void ftf_subject_release(ftf_subject *subject);

#endif
