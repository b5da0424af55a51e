#include "reduce/script.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "oracle/kinds.h"
#include "python_sources.h"
#include "scenario/emit.h"
#include "scenario/parse.h"
#include "scenario/sequence.h"

/* Reading order: the comment at the top, imports, the whole. */

static const char *name_of(const char *flavour) {
    return strcmp(flavour, "tsan") == 0 ? "ThreadSanitizer" : "AddressSanitizer";
}

/* "python3.13t", as the executable of that version is called. */
static void add_python(const ftf_script_facts *facts, ftf_text *out) {
    const char *minor = strchr(facts->python_version, '.');
    size_t len = minor != NULL ? (size_t)(minor - facts->python_version) + 1 + strcspn(minor + 1, ".abr") : 0;
    ftf_text_printf(out, len > 0 ? "python%.*st" : "python3", (int)len, facts->python_version);
    ftf_text_str(out, facts->force_gil_off ? " -X gil=0" : "");
}

/* Up to the end of the line: the title comes from reports. */
static void add_line(ftf_text *out, const char *head, const char *text) {
    ftf_text_printf(out, "# %s%.*s\n", head, (int)strcspn(text, "\r\n"), text);
}

static void add_rates(const ftf_script_facts *f, ftf_text *out) {
    if (f->plain.n == 0 && f->sanitizer.n == 0) {
        add_line(out, "measured   ", "not yet: ftfuzz repro");
        return;
    }
    const char *lead = "measured  ";
    if (f->plain.n > 0 && f->plain.k > 0) {
        ftf_text_printf(out, "# %s %u of %u runs of %u s of CPU time on a stock interpreter ended with %s\n", lead,
                        f->plain.k, f->plain.n, f->seconds, f->plain.how);
    } else if (f->plain.n > 0) {
        ftf_text_printf(
            out, "# %s not seen in %u runs of %u s of CPU time on a stock interpreter: run it under %s, as below\n",
            lead, f->plain.n, f->seconds, name_of(f->flavour));
    }
    lead = f->plain.n > 0 ? "          " : lead;
    if (f->sanitizer.n > 0) {
        ftf_text_printf(out, "# %s %u of %u runs of at most %u s of CPU time under %s reported it%s%s\n", lead,
                        f->sanitizer.k, f->sanitizer.n, f->seconds, name_of(f->flavour),
                        *f->sanitizer.how != '\0' ? ", or ended with " : "", f->sanitizer.how);
    }
}

static void add_sanitizer_usage(const ftf_script_facts *f, ftf_text *out) {
    bool tsan = strcmp(f->flavour, "tsan") == 0;
    const char *name = tsan ? "thread" : "address";
    ftf_text_printf(
        out,
        "# Under %s: an interpreter configured with --disable-gil --with-%s-sanitizer, and the module built with\n"
        "# -fsanitize=%s. The interpreter has reports of its own: look for the functions of the signature.\n"
        "#     %s ",
        name_of(f->flavour), name, name, tsan ? "TSAN_OPTIONS=history_size=4" : "ASAN_OPTIONS=detect_leaks=0");
    add_python(f, out);
    ftf_text_str(out, " repro.py\n");
}

static void add_comment(const ftf_script_facts *f, ftf_text *out) {
    const ftf_finding_kind_info *kind = ftf_finding_kind_find(f->kind);
    ftf_text_str(out, "#!/usr/bin/env python3\n");
    add_line(out, "", f->title);
    ftf_text_str(out, "#\n");
    ftf_text_printf(out, "# kind       %s%s%s\n", f->kind, kind != NULL ? ": " : "", kind != NULL ? kind->meaning : "");
    add_line(out, "signature  ", f->signature);
    bool own_version = strcmp(f->target_version, f->python_version) !=
                       0; /* a module of the standard library has none */
    ftf_text_printf(out, "# seen in    %s%s%s, CPython %s without the GIL; ftfuzz calls it %s\n", f->target,
                    own_version ? " " : "", own_version ? f->target_version : "", f->python_version, f->id);
    add_rates(f, out);
    if (*f->package != '\0') {
        ftf_text_str(out, "# needs      ");
        add_python(f, out);
        ftf_text_printf(out, " -m pip install '%s'\n", f->package);
    }
    ftf_text_str(out, "#\n# usage: ");
    add_python(f, out);
    ftf_text_str(out,
                 " repro.py [rounds] [seconds]\n"
                 "# It ends with 0 when nothing happened. How the threads meet is chance: give it more seconds, or "
                 "another try.\n#\n");
    add_sanitizer_usage(f, out);
    ftf_text_char(out, '\n');
}

/* A Python string of any path. */
static void add_quoted(ftf_text *out, const char *text) {
    ftf_text_char(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        ftf_text_str(out, *c == '"' || *c == '\\' ? "\\" : "");
        ftf_text_char(out, *c);
    }
    ftf_text_char(out, '"');
}

static void add_imports(const ftf_script_facts *f, ftf_text *out) {
    static const char *const modules[] = {"faulthandler", "gc",        "itertools", "os",       "random",
                                          "sys",          "threading", "time",      "traceback"};
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        ftf_text_printf(out, "import %s\n", modules[i]);
    }
    ftf_text_char(out, '\n');
    if (*f->path != '\0' && *f->package == '\0') {
        ftf_text_str(out, "# Where the module lies that it was seen in; PYTHONPATH comes first.\nsys.path.append(");
        add_quoted(out, f->path);
        ftf_text_str(out, ")\n");
    }
}

static void add_settings(const ftf_script_way *way, ftf_text *out) {
    ftf_text_printf(out,
                    "COPIES = %u  # threads for each of the functions\n"
                    "TIMES = %u  # how often each thread calls its function in a round\n"
                    "FIRST_CALLS = %s  # each round in a new process: for what only the first calls show\n",
                    way->copies, way->times, way->first ? "True" : "False");
}

enum { SCENARIOS_MAX = 300 };

static ftf_status parse_all(const char *text, ftf_arena *arena, ftf_scenario **scenarios, uint32_t *count,
                            ftf_error *err) {
    ftf_status status = FTF_OK;
    *count = 0;
    for (const char *at = ftf_sequence_first(text); at != NULL && status == FTF_OK; at = ftf_sequence_next(at)) {
        if (*count == SCENARIOS_MAX) {
            return ftf_fail(err, FTF_LIMIT, "more than %d scenarios", SCENARIOS_MAX);
        }
        ftf_scenario *one = FTF_NEW(arena, ftf_scenario, 1);
        status = ftf_scenario_parse(at, ftf_sequence_length(at), arena, one, err);
        scenarios[(*count)++] = one;
    }
    return status == FTF_OK && *count == 0 ? ftf_fail(err, FTF_INPUT, "there is no scenario to run") : status;
}

ftf_status ftf_script_write(const ftf_script_facts *facts, const ftf_script_way *way, const char *text,
                            const ftf_catalog *catalog, ftf_text *out, ftf_error *err) {
    ftf_arena *arena = ftf_arena_create();
    ftf_scenario *scenarios[SCENARIOS_MAX];
    uint32_t count;
    ftf_status status = parse_all(text, arena, scenarios, &count, err);
    if (status == FTF_OK) {
        const ftf_emit_options options = {
            .catalog = catalog, .recipes = ftf_py_recipes, .system_error = strcmp(facts->kind, "error-protocol") == 0};
        add_comment(facts, out);
        add_imports(facts, out);
        ftf_emit((const ftf_scenario *const *)scenarios, count, &options, out);
        add_settings(way, out);
        ftf_text_str(out, ftf_py_rounds);
    }
    ftf_arena_destroy(arena);
    return status;
}
