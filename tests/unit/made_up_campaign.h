#ifndef FTF_TESTS_MADE_UP_CAMPAIGN_H
#define FTF_TESTS_MADE_UP_CAMPAIGN_H
/* A campaign's folder as `ftfuzz fuzz` leaves it, made up: what the tests of the report read. Include after
   cmocka.h. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "findings/report.h"

#define SCENARIO \
    "ftfuzz 1\ntarget box\nsetup\n  a = Box(1)\nthread\n  a.resize(9)\nthread\n  a.get()\nschedule at 0:3>1\n"

static char made_up_root[256], made_up_out[300]; /* the name has a blank: commands have to quote it */

static int made_up_setup(void **state) {
    (void)state;
    (void)snprintf(made_up_root, sizeof made_up_root, "/tmp/ftf-test-report-XXXXXX");
    char findings[320];
    if (!mkdtemp(made_up_root)) {
        return -1;
    }
    (void)snprintf(made_up_out, sizeof made_up_out, "%s/a box", made_up_root);
    (void)snprintf(findings, sizeof findings, "%s/findings", made_up_out);
    return ftf_fs_make_dirs(findings, NULL) == FTF_OK ? 0 : -1;
}

static int made_up_teardown(void **state) {
    (void)state;
    return ftf_fs_remove_tree(made_up_root, NULL) == FTF_OK ? 0 : -1;
}

/* `path` is relative to the campaign's folder; folders on the way are made. */
static void made_up_file(const char *path, const char *text) {
    char whole[FTF_FS_PATH_MAX];
    ftf_error err = {0};
    (void)snprintf(whole, sizeof whole, "%s/%s", made_up_out, path);
    char *slash = strrchr(whole, '/');
    *slash = '\0';
    assert_int_equal(ftf_fs_make_dirs(whole, &err), FTF_OK);
    *slash = '/';
    assert_int_equal(ftf_fs_write_unflushed(whole, text, strlen(text), &err), FTF_OK);
}

static json_t *made_up_frame(const char *function, const char *file, int line, const char *sort) {
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "function", function, "file", file, "line", line, "sort", sort,
                     "module", "/somewhere/_box.so", "offset", "0x12");
}

/* A race between the extension and the interpreter, the extension's stack second. */
static json_t *made_up_stacks(void) {
    return json_pack(
        "[{s:s, s:i, s:i, s:i, s:b, s:i, s:[o, o, o]}, {s:s, s:i, s:i, s:s, s:i, s:b, s:i, s:[o, o, o, o]}]", "role",
        "read", "lane", 0, "op", -1, "size", 8, "signature", 1, "top", 0, "frames",
        made_up_frame("list_repr", "Objects/listobject.c", 12, "interpreter"),
        made_up_frame("PyObject_Repr", "Objects/object.c", 13, "plumbing"),
        made_up_frame("run_lane", "harness/lanes/pool.c", 14, "harness"), "role", "write", "lane", 1, "op", 0, "text",
        "a.resize(9)", "size", 8, "signature", 1, "top", 1, "frames",
        made_up_frame("memcpy", "/build/compiler-rt/x.c", 7, "runtime"),
        made_up_frame("box_resize", "box#1.c", 34, "extension"),
        made_up_frame("Py_DECREF", "Include/object.h", 35, "helper"),
        made_up_frame("run_lane", "harness/lanes/pool.c", 36, "harness"));
}

/* The members that every finding has; n = 0: not replayed. */
static json_t *made_up_finding(const char *id, const char *kind, const char *blame, int k, int n) {
    char signature[128], title[128];
    (void)snprintf(signature, sizeof signature, "%s box.c:box_resize | listobject.c:%s", kind, id);
    (void)snprintf(title, sizeof title, "%s: box_resize writes what _%s_ reads", kind, id);
    json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:o}", "format", 1, "id", id,
                             "kind", kind, "title", title, "signature", signature, "blame", blame, "target", "box",
                             "flavour", "tsan", "detail", "what was printed", "severity", 1, "count", 3, "stacks",
                             made_up_stacks());
    json_t *versions = json_pack("{s:s, s:s, s:s}", "python", "3.13.5", "compiler", "clang 19", "target", "2.1");
    (void)json_object_set_new(json, "versions", versions);
    json_t *replay = n > 0 ? json_pack("{s:i, s:i, s:i, s:i}", "k", k, "n", n, "steals", 0, "sequence", 1)
                           : json_null();
    (void)json_object_set_new(json, "replay", replay);
    return json;
}

/* Writes findings/<id>/; takes the reference. */
static void made_up_put(json_t *json) {
    char path[256];
    char *text = json_dumps(json, JSON_INDENT(1));
    (void)snprintf(path, sizeof path, "findings/%s/finding.json", json_string_value(json_object_get(json, "id")));
    made_up_file(path, text);
    (void)snprintf(path, sizeof path, "findings/%s/scenario.ft", json_string_value(json_object_get(json, "id")));
    made_up_file(path, SCENARIO);
    free(text);
    json_decref(json);
}

static void made_up_load(ftf_report *report) {
    ftf_error err = {0};
    if (ftf_report_load(made_up_out, "1.2.3", report, &err) != FTF_OK) {
        fail_msg("%s", err.text);
    }
}

#endif
