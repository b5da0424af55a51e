/* Reading order: ftf_check_to_json, then its parts from the top of the document to its end. The terminal's lines are in
   check_text.c. */
#include "cli/check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/check.h"
#include "cli/exercised.h"
#include "cli/summary.h"
#include "cli/suspects.h"
#include "findings/folder.h"
#include "findings/report.h"
#include "findings/report_parts.h"
#include "ftfuzz_config.h"
#include "oracle/kinds.h"

enum { FORMAT = 1, EMBED_MAX = 64 * 1024 /* bytes of one text; who wants more has the folder */ };

static void set_text(json_t *object, const char *key, const char *text) {
    ftf_report_set(object, key, ftf_report_string(text));
}

/* ---- what it was done with --------------------------------------------------------------------------------------- */

/* What the contracts of a catalog promise about use from several threads, and the least severity (oracle/kinds.def) of a
   finding that breaks one. */
typedef struct contract {
    const char *name, *promise;
    int severity;
} contract;

static const contract *contract_of(const ftf_catalog *catalog) {
    static const contract contracts[] = {
        {"memory-safe", "nothing ends the process, corrupts memory, or is undefined in C", 40},
        {"no-crash", "nothing ends the process or corrupts memory", 50},
        {"consistent",
         "nothing ends the process, corrupts memory, is undefined in C, or leaves results that no order explains", 20},
    };
    for (size_t i = 0; i < sizeof contracts / sizeof *contracts; i++) {
        if (strcmp(contracts[i].name, catalog->contract) == 0) {
            return &contracts[i];
        }
    }
    return &contracts[0];
}

static json_t *target_to_json(const ftf_check *check) {
    const ftf_catalog *catalog = check->drive->learnt.catalog;
    json_t *json = json_object();
    set_text(json, "spec", check->drive->target.spec);
    set_text(json, "name", check->drive->target.name);
    set_text(json, "import", catalog->import_name);
    set_text(json, "version", catalog->version);
    set_text(json, "contract", catalog->contract);
    set_text(json, "promise", contract_of(catalog)->promise);
    return json;
}

static json_t *gil_to_json(const ftf_catalog *catalog) {
    json_t *json = json_object();
    bool known = strcmp(catalog->gil, "n/a") != 0;
    set_text(json, "declares", catalog->gil);
    ftf_report_set(json, "imports_with_gil_off",
                   known ? json_boolean(strcmp(catalog->gil, "declared") == 0) : json_null());
    return json;
}

static bool has(const ftf_text *bytes, const char *symbol) {
    return memmem(bytes->data, bytes->len, symbol, strlen(symbol)) != NULL;
}

static bool is_of(const ftf_drive *drive, ftf_flavour flavour, const char *library) {
    const char *folders[] = {drive->target.path[flavour], drive->paths.python[flavour]};
    for (int i = 0; i < 2; i++) {
        size_t len = strlen(folders[i]);
        if (len > 0 && strncmp(library, folders[i], len) == 0 && library[len] == '/') {
            return true;
        }
    }
    return false;
}

/* Told from the names of what it calls: a library that was built otherwise runs as well, and nobody sees into it. */
static json_t *library_to_json(const char *path, ftf_flavour flavour) {
    ftf_text bytes = {0};
    if (ftf_fs_read(path, FTF_FS_READ_MAX, &bytes, NULL) != FTF_OK) {
        ftf_text_release(&bytes);
        return NULL;
    }
    const char *slash = strrchr(path, '/');
    json_t *json = json_object();
    set_text(json, "name", slash != NULL ? slash + 1 : path);
    set_text(json, "flavour", ftf_flavour_name(flavour));
    ftf_report_set(json, "points", json_boolean(has(&bytes, "__sanitizer_cov_load")));
    ftf_report_set(json, "sanitizer", json_boolean(has(&bytes, flavour == FTF_FLAVOUR_TSAN ? "__tsan_" : "__asan_")));
    ftf_text_release(&bytes);
    return json;
}

static json_t *libraries_to_json(const ftf_drive *drive) {
    const ftf_catalog *catalog = drive->learnt.catalog;
    json_t *list = json_array();
    for (uint32_t i = 0; i < catalog->blame_library_count; i++) {
        for (int f = FTF_FLAVOUR_PLAIN + 1; f < FTF_FLAVOUR_COUNT; f++) {
            bool wanted = drive->options.flavours[f] && is_of(drive, (ftf_flavour)f, catalog->blame_libraries[i]);
            json_t *library = wanted ? library_to_json(catalog->blame_libraries[i], (ftf_flavour)f) : NULL;
            if (library != NULL) {
                (void)json_array_append_new(list, library);
            }
        }
    }
    return list;
}

static json_t *environment_to_json(const ftf_check *check) {
    const ftf_campaign_options *o = &check->drive->options;
    struct utsname system = {0};
    ftf_text text = {0};
    json_t *json = json_object(), *flavours = json_array();
    for (int f = 0; f < FTF_FLAVOUR_COUNT; f++) {
        if (o->flavours[f]) {
            (void)json_array_append_new(flavours, json_string(ftf_flavour_name((ftf_flavour)f)));
        }
    }
    (void)uname(&system);
    ftf_text_printf(&text, "%s %s %s", system.sysname, system.release, system.machine);
    set_text(json, "command", o->command);
    ftf_report_set_number(json, "seed", o->seed);
    set_text(json, "python", check->drive->learnt.catalog->python);
    set_text(json, "compiler", "clang " FTF_CONFIG_LLVM);
    ftf_report_set_number(json, "cpus", (uint64_t)ftf_proc_cpu_count());
    ftf_report_set_number(json, "jobs", check->campaign->worker_count);
    ftf_report_set(json, "flavours", flavours);
    ftf_report_set_number(json, "budget_seconds", check->budget_s);
    ftf_report_set(json, "seconds", json_real(check->seconds));
    set_text(json, "system", text.data);
    ftf_report_set(json, "libraries", libraries_to_json(check->drive));
    ftf_text_release(&text);
    return json;
}

/* What a package was made of, as ci/build-package wrote it down; null for all other targets. This is the one place: the page
   shows the members that it knows. */
static json_t *package_to_json(const ftf_drive *drive) {
    json_t *manifest = *drive->target.package != '\0' ? json_load_file(drive->target.package, 0, NULL) : NULL;
    return json_is_object(manifest) ? manifest : json_null();
}

static json_t *campaign_to_json(const ftf_campaign *campaign) {
    json_t *json = ftf_summary_to_json(campaign);
    (void)json_object_del(json, "findings");
    return json;
}

/* ---- findings ---------------------------------------------------------------------------------------------------- */

static void set_embedded(json_t *object, const char *key, const ftf_text *text) {
    ftf_text cut = {0};
    size_t len = text->len < EMBED_MAX ? text->len : EMBED_MAX;
    ftf_text_add(&cut, text->len > 0 ? text->data : "", len);
    ftf_text_str(&cut, len < text->len ? "\n... the rest is in the finding's folder\n" : "");
    set_text(object, key, cut.data);
    ftf_text_release(&cut);
}

static void set_words(json_t *object, const char *key, const ftf_report_finding *finding,
                      void (*words)(const ftf_report_finding *, ftf_text *)) {
    ftf_text text = {0};
    words(finding, &text);
    set_text(object, key, text.data != NULL ? text.data : "");
    ftf_text_release(&text);
}

static json_t *suspects_to_json(const ftf_suspect *suspects, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const ftf_deed *const deeds[] = {&suspects[i].a, &suspects[i].b};
        const char *of = *suspects[i].type != '\0' ? suspects[i].type : "object";
        json_t *pair = json_object();
        set_text(pair, "type", suspects[i].type);
        for (int k = 0; k < 2; k++) {
            ftf_text text = {0};
            ftf_deed_print(deeds[k], of, &text);
            set_text(pair, k == 0 ? "a" : "b", text.data);
            ftf_text_release(&text);
        }
        (void)json_array_append_new(list, pair);
    }
    return list;
}

static json_t *finding_to_json(const ftf_report_finding *finding, const ftf_suspect *suspects, size_t count, bool here,
                               const contract *promised) {
    const ftf_entry *entry = finding->entry;
    const ftf_finding_kind_info *kind = ftf_finding_kind_find(entry->kind);
    json_t *json = json_object();
    set_text(json, "id", entry->id);
    set_text(json, "kind", entry->kind);
    set_text(json, "meaning", kind != NULL ? kind->meaning : "");
    set_text(json, "title", entry->title);
    set_text(json, "signature", entry->signature);
    set_text(json, "blame", entry->blame);
    set_text(json, "flavour", entry->flavour);
    ftf_report_set(json, "here", json_boolean(here));
    ftf_report_set(json, "breaks_contract",
                   json_boolean(ftf_report_is_blamed(finding) && entry->severity >= promised->severity));
    set_words(json, "rate", finding, ftf_report_rate);
    set_text(json, "verdict", entry->measured ? ftf_replay_verdict(&entry->replay) : "not tried");
    set_words(json, "gil", finding, ftf_report_gil);
    set_words(json, "minimized", finding, ftf_report_minimized);
    set_words(json, "repro", finding, ftf_report_repro);
    ftf_report_set(json, "pairs", suspects_to_json(suspects, count));
    set_text(json, "folder", entry->folder);
    set_embedded(json, "explain", &finding->explain);
    set_embedded(json, "scenario", &finding->scenario);
    set_embedded(json, "report", &finding->sanitizer);
    set_embedded(json, "script", &finding->repro);
    return json;
}

/* What the findings of a report are about; `suspects` has room for FTF_SUSPECTS_MAX of each. */
static json_t *findings_to_json(const ftf_check *check, const ftf_report *report, ftf_arena *arena,
                                ftf_suspect *suspects, size_t *count) {
    const contract *promised = contract_of(check->drive->learnt.catalog);
    json_t *list = json_array();
    *count = 0;
    for (size_t i = 0; i < report->count; i++) {
        const ftf_report_finding *finding = &report->findings[i];
        const ftf_entry *entry = ftf_store_find(check->campaign->store, finding->entry->id);
        bool here = entry != NULL && entry->count_here > 0;
        ftf_suspect *own = &suspects[*count];
        size_t found = 0;
        if (ftf_report_is_blamed(finding)) {
            found = ftf_suspects_find(check->drive->learnt.catalog, finding, arena, own);
        }
        (void)json_array_append_new(list, finding_to_json(finding, own, found, here, promised));
        *count += here ? found : 0; /* the table is of this check alone */
    }
    return list;
}

/* ---- the verdict ------------------------------------------------------------------------------------------------- */

/* How many findings of this check are the extension's; *gil of them say nothing but that the GIL comes back. */
static uint64_t count_blamed(const json_t *findings, uint64_t *gil) {
    uint64_t blamed = 0;
    *gil = 0;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        if (json_is_true(json_object_get(finding, "here")) &&
            strcmp(ftf_json_text(finding, "blame"), "extension") == 0) {
            blamed++;
            *gil += strcmp(ftf_json_text(finding, "kind"), "gil-not-declared") == 0;
        }
    }
    return blamed;
}

static const char *word_of(int code, uint64_t blamed, uint64_t gil) {
    switch (code) {
    case FTF_EXIT_CLEAN: return "clean";
    case FTF_EXIT_FINDINGS: return blamed > gil ? "unsafe" : "undeclared";
    case FTF_EXIT_SETUP: return "nothing";
    default: return "broken";
    }
}

static void write_coverage(const json_t *coverage, ftf_text *out) {
    const json_t *callables = json_object_get(coverage, "callables"), *pairs = json_object_get(coverage, "pairs");
    ftf_text_printf(out, "%" PRIu64 " of %" PRIu64 " callables", ftf_json_number(callables, "overlapped"),
                    ftf_json_number(callables, "total"));
    if (ftf_json_number(pairs, "total") > 0) {
        ftf_text_printf(out, " and %" PRIu64 " of %" PRIu64 " pairs of operations on one object",
                        ftf_json_number(pairs, "overlapped"), ftf_json_number(pairs, "total"));
    }
    ftf_text_str(out, " overlapped");
}

static void write_line(const ftf_check *check, const char *word, uint64_t findings, const json_t *coverage,
                       ftf_text *out) {
    const char *name = check->drive->target.name;
    if (check->interrupted) {
        ftf_text_printf(out, "Interrupted after %.0f s; until then: ", check->seconds);
    }
    if (strcmp(word, "unsafe") == 0) {
        ftf_text_printf(out, "%s is not safe without the GIL: ", name);
        ftf_report_plural((size_t)findings, "finding", out);
        ftf_text_printf(out, " %s blamed on it; ", findings == 1 ? "is" : "are");
    } else if (strcmp(word, "undeclared") == 0) {
        ftf_text_printf(out,
                        "Importing %s switches the GIL back on; with it forced off nothing else was found: ", name);
    } else if (strcmp(word, "clean") == 0) {
        ftf_text_printf(out, "No finding is blamed on %s: ", name);
    } else if (strcmp(word, "nothing") == 0) {
        ftf_text_printf(out, "%s cannot be judged: workers ended again and again before they had run anything; ", name);
    } else {
        ftf_text_printf(out, "%s cannot be judged because of a bug of ftfuzz; ", name);
    }
    write_coverage(coverage, out);
}

static json_t *verdict_to_json(const ftf_check *check, const json_t *findings, const json_t *coverage) {
    uint64_t gil, blamed = count_blamed(findings, &gil);
    int code = ftf_summary_exit(check->campaign);
    const char *word = word_of(code, blamed, gil);
    ftf_text line = {0};
    json_t *json = json_object();
    write_line(check, word, blamed, coverage, &line);
    ftf_report_set_number(json, "exit", (uint64_t)code);
    set_text(json, "word", word);
    set_text(json, "line", line.data);
    ftf_text_release(&line);
    return json;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static json_t *compose(const ftf_check *check, const ftf_report *report, const ftf_exercise *map) {
    ftf_arena *arena = ftf_arena_create();
    ftf_suspect *suspects = calloc(report->count * FTF_SUSPECTS_MAX + FTF_SUSPECTS_MAX, sizeof *suspects);
    FTF_ASSERT(suspects != NULL);
    size_t count;
    ftf_exercised exercised;
    json_t *findings = findings_to_json(check, report, arena, suspects, &count);
    ftf_exercised_tell(check->drive->learnt.catalog, map, suspects, count, &exercised);
    json_t *json = json_object();
    ftf_report_set_number(json, "format", FORMAT);
    set_text(json, "tool", "ftfuzz");
    set_text(json, "version", FTF_CONFIG_VERSION);
    ftf_report_set(json, "target", target_to_json(check));
    ftf_report_set(json, "verdict", verdict_to_json(check, findings, exercised.coverage));
    ftf_report_set(json, "interrupted", json_boolean(check->interrupted));
    ftf_report_set(json, "gil", gil_to_json(check->drive->learnt.catalog));
    ftf_report_set(json, "environment", environment_to_json(check));
    ftf_report_set(json, "package", package_to_json(check->drive));
    ftf_report_set(json, "campaign", campaign_to_json(check->campaign));
    ftf_report_set(json, "coverage", exercised.coverage);
    ftf_report_set(json, "callables", exercised.callables);
    ftf_report_set(json, "types", exercised.types);
    ftf_report_set(json, "findings", findings);
    ftf_report_set_number(json, "known", ftf_store_known(check->campaign->store));
    ftf_report_set_number(json, "damaged", report->damaged_count);
    ftf_report_set(json, "pays", check->pays != NULL ? json_incref(check->pays) : json_null());
    free(suspects);
    ftf_arena_destroy(arena);
    return json;
}

ftf_status ftf_check_to_json(const ftf_check *check, json_t **out, ftf_error *err) {
    static ftf_report report;
    *out = NULL;
    ftf_status status = ftf_store_flush(check->campaign->store, err);
    ftf_exercise *map = status == FTF_OK ? ftf_campaign_exercise(check->campaign, err) : NULL;
    if (map == NULL) {
        return err->status;
    }
    status = ftf_report_load(check->drive->out, FTF_CONFIG_VERSION, &report, err);
    if (status == FTF_OK) {
        *out = compose(check, &report, map);
    }
    ftf_report_release(&report);
    ftf_exercise_close(map);
    return status;
}
