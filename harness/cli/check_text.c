#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "findings/folder.h"

enum { ROWS_MAX = 10 };

static const char *text_at(const json_t *document, const char *part, const char *key) {
    return ftf_json_text(json_object_get(document, part), key);
}

static void print_gil(const json_t *document, FILE *to) {
    const char *declares = text_at(document, "gil", "declares");
    fprintf(to, "  GIL         %s\n",
            strcmp(declares, "declared") == 0       ? "declares Py_mod_gil; stays off when it is imported"
            : strcmp(declares, "not-declared") == 0 ? "does not declare Py_mod_gil: importing it switches the GIL on"
                                                    : "nothing to declare");
}

static void print_callables(const json_t *document, FILE *to) {
    static const struct {
        const char *status, *words;
    } rows[] = {{"called", "called alone"},
                {"refused", "refused what they got"},
                {"never", "never drawn"},
                {"unknown", "nobody knows what they accept"},
                {"skipped", "not to be called"}};
    const json_t *counts = json_object_get(json_object_get(document, "coverage"), "callables");
    fprintf(to, "  callables   %" PRIu64 " of %" PRIu64 " were under way while another thread was",
            ftf_json_number(counts, "overlapped"), ftf_json_number(counts, "total"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t count = ftf_json_number(counts, rows[i].status);
        if (count > 0) {
            fprintf(to, ", %" PRIu64 " %s", count, rows[i].words);
        }
    }
    fputc('\n', to);
}

static void print_findings(const json_t *document, FILE *to) {
    const json_t *findings = json_object_get(document, "findings");
    uint64_t shown = 0, blamed = 0, others = 0, earlier = 0;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        bool here = json_is_true(json_object_get(finding, "here"));
        bool is_blamed = strcmp(ftf_json_text(finding, "blame"), "extension") == 0;
        earlier += !here;
        others += here && !is_blamed;
        blamed += here && is_blamed;
        if (here && is_blamed && shown < ROWS_MAX) {
            fprintf(to, "  %-12s%-13s %s  [%s]\n", shown++ == 0 ? "findings" : "", ftf_json_text(finding, "rate"),
                    ftf_json_text(finding, "title"), ftf_json_text(finding, "id"));
        }
    }
    if (blamed > shown) {
        fprintf(to, "  %-12sand %" PRIu64 " more\n", "", blamed - shown);
    }
    if (others > 0) {
        fprintf(to, "  %-12s%" PRIu64 " more are not the extension's\n", blamed > 0 ? "" : "findings", others);
    }
    if (earlier > 0) {
        fprintf(to,
                "  %-12s%" PRIu64
                " of an earlier campaign did not come again: ftfuzz replay --all says whether they are gone\n",
                "", earlier);
    }
}

static void print_pays(const json_t *document, FILE *to) {
    const json_t *pays = json_object_get(document, "pays");
    const char *line = ftf_json_text(json_object_get(pays, "summary"), "line");
    const char *trouble = ftf_json_text(pays, "trouble");
    if (*line != '\0') {
        const char *note = ftf_json_text(json_object_get(pays, "summary"), "note");
        fprintf(to, "  pays        %s\n", line);
        if (*note != '\0') {
            fprintf(to, "  %-12s%s\n", "", note);
        }
    } else if (*trouble != '\0') {
        fprintf(to, "  pays        not measured: %s\n", trouble);
    }
}

void ftf_check_print(const json_t *document, const char *folder, FILE *to) {
    const json_t *pairs = json_object_get(json_object_get(document, "coverage"), "pairs");
    fprintf(to, "\n%s\n\n", text_at(document, "verdict", "line"));
    print_gil(document, to);
    print_callables(document, to);
    fprintf(to, "  pairs       %" PRIu64 " of %" PRIu64 " pairs of operations on one object overlapped\n",
            ftf_json_number(pairs, "overlapped"), ftf_json_number(pairs, "total"));
    print_findings(document, to);
    print_pays(document, to);
    if (folder != NULL) {
        fprintf(to, "\nthe whole report:  %s/check.html\n", folder);
    }
    fflush(to);
}
