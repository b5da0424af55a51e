/*
 * Reading order: where things are, ftf_alone_judge, how a finding is printed.
 *
 * The format is the sanitizers': ClusterFuzz, and whoever else reads their reports, groups findings by the frames of the first stack,
 * so frames of the runtime and of the harness are left out.
 */
#include "engine/alone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/text.h"
#include "findings/finding.h"
#include "findings/naming.h"

enum { LIBFUZZER_EXIT_TIMEOUT = 70 };

static const char DATA[] = "ftfuzz_data";

/* The runtimes' own end: it runs libFuzzer's death callback, which writes the artifact, and heeds abort_on_error and exitcode.
   There is no public name for it. */
_Noreturn void _ZN11__sanitizer3DieEv(void);

/* ---- where things are ------------------------------------------------------------------------------------------------------ */

static ftf_status find_self(const char *argv0, char path[FTF_FS_PATH_MAX], ftf_error *err) {
    ssize_t len = readlink("/proc/self/exe", path, FTF_FS_PATH_MAX - 1);
    if (len > 0) {
        path[len] = '\0';
        return FTF_OK;
    }
    return realpath(argv0, path) != NULL ? FTF_OK : ftf_fail(err, FTF_SETUP, "cannot find out where %s lies", argv0);
}

/* folder/DATA/first[/second], which lives as long as the process. */
static const char *inside(const char *folder, const char *first, const char *second) {
    ftf_text path = {0};
    ftf_text_printf(&path, "%s/%s/%s%s%s", folder, DATA, first, second != NULL ? "/" : "",
                    second != NULL ? second : "");
    return path.data;
}

/* llvm-symbolizer lies beside a target where OSS-Fuzz built it. The interpreter has read its environment by now. */
static void prefer_programs_of(const char *folder) {
    ftf_text path = {0};
    const char *old = getenv("PATH");
    ftf_text_printf(&path, "%s%s%s", folder, old != NULL ? ":" : "", old != NULL ? old : "");
    setenv("PATH", path.data, 1);
    ftf_text_release(&path);
}

ftf_status ftf_alone_find(const char *argv0, ftf_options *options, ftf_error *err) {
    static char self[FTF_FS_PATH_MAX];
    ftf_status status = find_self(argv0, self, err);
    if (status != FTF_OK) {
        return status;
    }
    char *slash = strrchr(self, '/');
    FTF_ASSERT(slash != NULL);
    *slash = '\0';
    const char *folder = self, *name = slash + 1;
    options->catalog = options->catalog != NULL ? options->catalog : inside(folder, name, "catalog.json");
    options->home = options->home != NULL ? options->home : inside(folder, "python", NULL);
    options->paths[0] = options->paths[0] != NULL ? options->paths[0] : inside(folder, name, "path");
    if (access(options->catalog, R_OK) != 0) {
        return ftf_fail(
            err, FTF_SETUP,
            "there is no %s; keep the program under its name beside the folder %s that was exported with it",
            options->catalog, DATA);
    }
    prefer_programs_of(folder);
    return FTF_OK;
}

/* ---- printing ---------------------------------------------------------------------------------------------------------------- */

static bool is_kind(const ftf_record *record, const char *kind) { return strcmp(record->kind, kind) == 0; }

static void add_frames(ftf_text *out, const ftf_named_stack *stack) {
    uint32_t number = 0;
    for (uint32_t i = 0; i < stack->count; i++) {
        const ftf_named_frame *frame = &stack->frames[i];
        if (frame->sort == FTF_SORT_RUNTIME || frame->sort == FTF_SORT_HARNESS) {
            continue;
        }
        ftf_text_printf(out, "    #%u 0x%lx in %s %s:%u (%s+0x%lx)\n", number++, (unsigned long)frame->offset,
                        *frame->function != '\0' ? frame->function : "??", *frame->file != '\0' ? frame->file : "??",
                        frame->line, frame->module, (unsigned long)frame->offset);
    }
}

/* As the sanitizers write it: words, not a name. */
static void add_words(ftf_text *out, const char *name, bool capital) {
    for (const char *at = name; *at != '\0'; at++) {
        char c = at == name && capital ? (char)toupper((unsigned char)*at) : *at;
        ftf_text_printf(out, "%c", c == '-' ? ' ' : c);
    }
}

static void add_place(ftf_text *out, const ftf_named_stack *stack) {
    if (stack->top >= 0) {
        const ftf_named_frame *frame = &stack->frames[stack->top];
        ftf_text_printf(out, " %s:%u in %s", frame->file, frame->line, frame->function);
    }
    ftf_text_str(out, "\n");
}

static void add_accesses(ftf_text *out, const ftf_record *record, const ftf_named_stack *stacks) {
    for (uint32_t i = 0; i < record->stack_count; i++) {
        const ftf_stack *raw = stacks[i].raw;
        ftf_text_str(out, i == 0 ? "  " : "  Previous ");
        add_words(out, raw->role, i == 0);
        ftf_text_printf(out, " of size %u at 0x%lx by thread T%d:\n", raw->size, (unsigned long)raw->address,
                        raw->lane + 1);
        add_frames(out, &stacks[i]);
        ftf_text_str(out, "\n");
    }
}

/* UBSan has printed its own line and stack when the error was made. */
static void add_trouble(ftf_text *out, const ftf_record *record, const ftf_named_stack *stacks) {
    static const char line[] = "==================\n";
    if (is_kind(record, "undefined-behaviour")) {
        ftf_text_str(out, "SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior");
        add_place(out, &stacks[0]);
    } else if (is_kind(record, "error-protocol")) {
        ftf_text_printf(out, "==%d==ERROR: ftfuzz: error-protocol: %s\n", (int)getpid(), record->detail);
    } else {
        ftf_text_printf(out, "%sWARNING: ThreadSanitizer: ", line);
        add_words(out, record->kind, false);
        ftf_text_printf(out, " (pid=%d)\n", (int)getpid());
        add_accesses(out, record, stacks);
        ftf_text_str(out, "SUMMARY: ThreadSanitizer: ");
        add_words(out, record->kind, false);
        add_place(out, &stacks[0]);
        ftf_text_str(out, line);
    }
}

static void print(const ftf_text *text) {
    for (size_t done = 0; done < text->len;) {
        ssize_t n = write(STDERR_FILENO, text->data + done, text->len - done);
        if (n <= 0) {
            return; /* nobody listens; the artifact says it, too */
        }
        done += (size_t)n;
    }
}

/* ---- judging ----------------------------------------------------------------------------------------------------------------- */

static _Noreturn void die_of(const ftf_record *record, const ftf_named_stack *stacks, const char *title) {
    ftf_text text = {0};
    add_trouble(&text, record, stacks);
    ftf_text_printf(&text, "ftfuzz: %s\nftfuzz: the scenario, with the schedule that was executed:\n\n%s\n", title,
                    record->scenario);
    print(&text);
    _ZN11__sanitizer3DieEv();
}

static void name_stacks(ftf_symbolizer *symbolizer, const ftf_catalog *catalog, const ftf_record *record,
                        ftf_named_stack *out) {
    for (uint32_t i = 0; i < record->stack_count; i++) {
        ftf_stack_name(symbolizer, catalog, &record->stacks[i], is_kind(record, "data-race"), &out[i]);
    }
}

void ftf_alone_judge(const ftf_catalog *catalog, const ftf_record *record) {
    static ftf_symbolizer *symbolizer;
    static ftf_named_stack stacks[FTF_STACKS_MAX];
    ftf_error err = {0};
    ftf_finding *finding = NULL;
    if (symbolizer == NULL && ftf_symbolizer_create(&symbolizer, &err) != FTF_OK) {
        fprintf(stderr, "ftfuzz: whose finding this is cannot be told: %s\n", err.text);
        _ZN11__sanitizer3DieEv();
    }
    ftf_status status = ftf_finding_from_record(symbolizer, catalog, record, &finding, &err);
    FTF_ASSERT(status == FTF_OK);
    const char *known = ftf_finding_known(finding, catalog->python);
    if (strcmp(ftf_finding_blame(finding), "extension") == 0 && known == NULL) {
        name_stacks(symbolizer, catalog, record, stacks);
        die_of(record, stacks, ftf_finding_title(finding));
    }
    fprintf(stderr, "ftfuzz: not a finding (%s): %s\n", known != NULL ? known : ftf_finding_blame(finding),
            ftf_finding_title(finding));
    ftf_finding_destroy(finding);
}

/* ---- lanes that do not end ----------------------------------------------------------------------------------------------------- */

static void print_raw(const char *text) {
    const ftf_text whole = {.data = (char *)(uintptr_t)text, .len = strlen(text)};
    print(&whole);
}

_Noreturn void ftf_alone_stuck(const char *kind, const char *lanes) {
    char heading[80];
    snprintf(heading, sizeof heading, "==%d==ERROR: ftfuzz: %s\n", (int)getpid(), kind);
    print_raw(heading);
    print_raw(lanes);
    _ZN11__sanitizer3DieEv();
}

_Noreturn void ftf_alone_slow(void) {
    print_raw(
        "ftfuzz: not a finding: a call does not end though nothing disturbs it; this process is of no more use\n");
    ftf_exit(LIBFUZZER_EXIT_TIMEOUT);
}
