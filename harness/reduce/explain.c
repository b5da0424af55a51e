#include "reduce/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/trace.h"
#include "reduce/explain_text.h"

/* Reading order: one traced process, the two of them. */

/* What the process that showed it said. */
typedef struct seen {
    const char *signature;
    ftf_record *record;
} seen;

static void on_seen(void *self, const ftf_record *record, const ftf_finding *finding) {
    seen *s = self;
    ftf_record *copy;
    if (strcmp(ftf_finding_signature(finding), s->signature) == 0 && ftf_record_copy(record, &copy, NULL) == FTF_OK) {
        ftf_record_destroy(s->record); /* the trace is of the last run: so is the last record */
        s->record = copy;
    }
}

/* One process after the other, until one shows it; its record and trace are the caller's to release. */
static ftf_status trace_it(const ftf_attempt_options *options, const char *text, const char *signature, uint64_t watch,
                           ftf_record **record, ftf_trace *trace, ftf_error *err) {
    char path[FTF_FS_PATH_MAX], traced[FTF_FS_PATH_MAX + 16], watched[64];
    ftf_status status = ftf_fs_join(path, options->scratch, "trace", err);
    if (status != FTF_OK) {
        return status;
    }
    (void)snprintf(traced, sizeof traced, "--trace=%s", path);
    (void)snprintf(watched, sizeof watched, "--watch=0x%" PRIx64, watch);
    const char *const extra[] = {traced, watch != 0 ? watched : NULL, NULL};
    ftf_attempt_options one = *options;
    seen s = {.signature = signature};
    one.jobs = 1;
    one.extra = extra;
    one.on_seen = on_seen;
    one.witness = &s;
    *record = NULL;
    for (int i = 0; i < FTF_EXPLAIN_TRIES && status == FTF_OK && s.record == NULL; i++) {
        ftf_attempt_result result;
        status = ftf_attempt_replay(&one, text, signature, 1, &result, err);
        if (status == FTF_OK && result.gave_up) {
            status = ftf_fail(err, FTF_USAGE, "stopped before it could be told what happens");
        }
    }
    if (status == FTF_OK && s.record != NULL) {
        status = ftf_trace_load(path, trace, err);
    }
    (void)ftf_fs_remove(path, NULL);
    *record = s.record;
    return status;
}

/* Where it went wrong; 0 when no stack says so, or at an address that no memory has (a null pointer and its members). */
static uint64_t address_of(const ftf_record *record) {
    const uint64_t first_page = 1 << 16;
    for (uint32_t i = 0; i < record->stack_count; i++) {
        if (record->stacks[i].address >= first_page) {
            return record->stacks[i].address;
        }
    }
    return 0;
}

ftf_status ftf_explain(const ftf_attempt_options *options, const char *text, const char *signature, ftf_text *out,
                       bool *shows, ftf_error *err) {
    ftf_explained first = {.symbolizer = options->symbolizer, .catalog = options->catalog}, second = first;
    ftf_status status = trace_it(options, text, signature, 0, &first.record, &first.trace, err);
    *shows = status == FTF_OK && first.record != NULL;
    uint64_t address = *shows ? address_of(first.record) : 0;
    if (address != 0) {
        status = trace_it(options, text, signature, address, &second.record, &second.trace, err);
    }
    /* Where it did not go wrong at that address again, watching told nothing. */
    bool watched = status == FTF_OK && second.record != NULL && address_of(second.record) == address;
    if (*shows && status == FTF_OK) {
        status = ftf_explain_write(watched ? &second : &first, out, err);
    }
    ftf_trace_release(&first.trace);
    ftf_trace_release(&second.trace);
    ftf_record_destroy(first.record);
    ftf_record_destroy(second.record);
    return status;
}
