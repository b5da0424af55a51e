/*
 * What reports that another program printed are to ftfuzz: kind, signature and blame, worked out by the very code that
 * files a campaign's findings. The benchmark counts what the hammer finds with it, so that both sides are counted alike.
 *
 *     ftfuzz_signatures CATALOG INTERPRETER < reports > signatures
 *
 * A report is one line of JSON: a record (findings/record.h), or {"flavour": .., "text": ..} with what a process printed
 * before it died. The answer is one line: {"kind", "signature", "blame", "known"}, or null when the text says nothing.
 *
 * INTERPRETER is what the reports call the program. Two things make its stacks look like a worker's, in which the tables of
 * frames.c know their way: it is resolved under the name of a worker, and what stands below a thread's first Python function
 * (the thread's start, the program's main) is exchanged for a frame of our own, as our lanes stand there in a worker.
 *
 * This program is called ftfuzz_... because that is how frames.c recognises our own executables.
 */
#include <dlfcn.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"
#include "findings/crash_text.h"
#include "findings/finding.h"

typedef struct counter {
    const char *interpreter;
    char alias[FTF_FS_PATH_MAX]; /* a link to it */
    ftf_catalog *catalog;
    ftf_symbolizer *symbolizer;
} counter;

/* Where Python code begins: what is outside of these has no part in any bug of an extension. */
static bool is_outermost(const char *file) {
    static const char *const FILES[] = {"/Modules/_threadmodule.c", "/Modules/main.c", "/Python/pythonrun.c"};
    size_t len = strlen(file);
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        size_t tail = strlen(FILES[i]);
        if (len >= tail && strcmp(file + len - tail, FILES[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void set_module(ftf_frame *frame, const char *module) {
    free(frame->module);
    frame->module = strdup(module);
    FTF_ASSERT(frame->module != NULL);
}

/* A frame of this program, in a file below harness/. */
static void make_ours(ftf_frame *frame) {
    char path[PATH_MAX] = "";
    Dl_info info;
    FTF_ASSERT(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
    FTF_ASSERT(dladdr((void *)(uintptr_t)&ftf_finding_from_record, &info) != 0);
    set_module(frame, path);
    frame->offset = (uint64_t)((uintptr_t)&ftf_finding_from_record - (uintptr_t)info.dli_fbase);
}

static void adapt_stack(const counter *c, ftf_stack *stack) {
    for (uint32_t i = 0; i < stack->frame_count; i++) {
        ftf_frame *frame = &stack->frames[i];
        if (frame->module == NULL || strcmp(frame->module, c->interpreter) != 0) {
            continue;
        }
        set_module(frame, c->alias);
        ftf_places places = ftf_symbolizer_resolve(c->symbolizer, frame->module, frame->offset);
        if (places.count > 0 && is_outermost(places.places[places.count - 1].file)) {
            make_ours(frame);
            for (uint32_t k = i + 1; k < stack->frame_count; k++) {
                free(stack->frames[k].module);
            }
            stack->frame_count = i + 1;
        }
    }
}

static ftf_record *read_report(const json_t *json, ftf_error *err) {
    ftf_record *record = NULL;
    const char *text = json_string_value(json_object_get(json, "text"));
    if (json_object_get(json, "format") != NULL) {
        return ftf_record_from_json(json, &record, err) == FTF_OK ? record : NULL;
    }
    record = ftf_record_create();
    (void)snprintf(record->flavour, sizeof record->flavour, "%s", json_string_value(json_object_get(json, "flavour")));
    if (text == NULL || !ftf_crash_text_parse(text, strlen(text), record)) {
        ftf_record_destroy(record);
        return NULL;
    }
    return record;
}

static json_t *judge(const counter *c, const json_t *json, ftf_error *err) {
    ftf_record *record = read_report(json, err);
    ftf_finding *finding = NULL;
    if (record == NULL) {
        return json_null();
    }
    for (uint32_t i = 0; i < record->stack_count; i++) {
        adapt_stack(c, &record->stacks[i]);
    }
    json_t *answer = NULL;
    if (ftf_finding_from_record(c->symbolizer, c->catalog, record, &finding, err) == FTF_OK) {
        const char *known = ftf_finding_known(finding, c->catalog->version);
        answer = json_pack("{s:s, s:s, s:s, s:s?}", "kind", ftf_finding_kind(finding), "signature",
                           ftf_finding_signature(finding), "blame", ftf_finding_blame(finding), "known", known);
        ftf_finding_destroy(finding);
    }
    ftf_record_destroy(record);
    return answer;
}

static int fail(const ftf_error *err) {
    fprintf(stderr, "ftfuzz_signatures: error: %s\n", err->text);
    return 2;
}

static int judge_all(const counter *c, ftf_error *err) {
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        json_error_t where;
        json_t *json = json_loads(line, 0, &where);
        json_t *answer = json != NULL ? judge(c, json, err) : NULL;
        json_decref(json);
        if (answer == NULL) {
            return fail(err);
        }
        char *text = json_dumps(answer, JSON_ENCODE_ANY | JSON_COMPACT);
        puts(text);
        free(text);
        json_decref(answer);
    }
    free(line);
    return 0;
}

int main(int argc, char **argv) {
    counter c = {0};
    ftf_text text = {0};
    ftf_error err = {.text = "a line is no JSON"};
    char folder[] = "/tmp/ftfuzz-signatures-XXXXXX";
    if (argc != 3) {
        fprintf(stderr, "usage: ftfuzz_signatures CATALOG INTERPRETER < reports\n");
        return 2;
    }
    c.interpreter = argv[2];
    if (ftf_fs_read(argv[1], FTF_FS_READ_MAX, &text, &err) != FTF_OK ||
        ftf_catalog_load(text.data, text.len, &c.catalog, &err) != FTF_OK ||
        ftf_symbolizer_create(&c.symbolizer, &err) != FTF_OK) {
        return fail(&err);
    }
    FTF_ASSERT(mkdtemp(folder) != NULL);
    (void)snprintf(c.alias, sizeof c.alias, "%s/ftfuzz-worker-hammer", folder);
    FTF_ASSERT(symlink(c.interpreter, c.alias) == 0);
    int code = judge_all(&c, &err);
    (void)unlink(c.alias);
    (void)rmdir(folder);
    ftf_symbolizer_destroy(c.symbolizer);
    ftf_catalog_destroy(c.catalog);
    ftf_text_release(&text);
    return code;
}
