/*
 * Reading order: ftf_learn at the end, then key (what a cached catalog is named after), discover (the process), and
 * add_twins (one catalog for all flavours).
 */
#include "cli/learn.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/proc.h"
#include "cli/python_job.h"
#include "python_sources.h"
#include "scenario/kinds.h"

enum {
    DISCOVER_SECONDS = 90,             /* for probing; the largest stdlib module takes a few */
    DISCOVER_DEADLINE_MS = 240 * 1000, /* and for imports, which may take two minutes by themselves */
};

/* ---- the cache's key --------------------------------------------------------------------------------------------- */

static uint64_t hash_text(uint64_t hash, const char *text) { return ftf_hash_bytes(hash, text, strlen(text) + 1); }

/* A file that is not there counts as empty. */
static uint64_t hash_file(uint64_t hash, const char *path) {
    ftf_text text = {0};
    if (ftf_fs_read(path, FTF_FS_READ_MAX, &text, NULL) == FTF_OK) {
        hash = ftf_hash_bytes(hash, text.data, text.len);
    }
    ftf_text_release(&text);
    return hash;
}

static uint64_t hash_libraries(uint64_t hash, const char *folder) {
    ftf_names names = {0};
    char path[FTF_FS_PATH_MAX];
    if (*folder == '\0' || ftf_fs_list(folder, &names, NULL) != FTF_OK) {
        return hash;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (ftf_fs_join(path, folder, names.names[i], NULL) == FTF_OK && !ftf_fs_is_dir(path)) {
            hash = hash_file(hash_text(hash, names.names[i]), path);
        }
    }
    ftf_names_release(&names);
    return hash;
}

static uint64_t hash_scripts(uint64_t hash) {
    for (const ftf_embedded *script = ftf_py_sources; script->name != NULL; script++) {
        hash = ftf_hash_bytes(hash_text(hash, script->name), script->text, script->len);
    }
    return hash;
}

static uint64_t hash_kinds(uint64_t hash) {
    for (size_t i = 0; i < ftf_kind_count; i++) {
        hash = hash_text(hash, ftf_kinds[i].name);
        for (size_t j = 0; j < ftf_kinds[i].sample_count; j++) {
            hash = hash_text(hash, ftf_kinds[i].samples[j]);
        }
    }
    return hash;
}

/* The prefixes name version, flavour, compiler and instrumentation (ci/build-python), so they stand for the
   interpreters. All of them count, because the catalog names libraries of each. */
static uint64_t key(const ftf_paths *paths, const ftf_target *target, const char *harvest) {
    uint64_t hash = hash_kinds(hash_scripts(hash_text(FTF_HASH_START, target->spec)));
    for (int f = 0; f < FTF_FLAVOUR_COUNT; f++) {
        hash = hash_text(hash_text(hash, paths->python[f]), target->path[f]);
    }
    hash = hash_libraries(hash, target->path[FTF_FLAVOUR_PLAIN]);
    hash = *target->file != '\0' ? hash_file(hash, target->file) : hash;
    return *harvest != '\0' ? hash_file(hash_text(hash, "harvest"), harvest) : hash;
}

/* ---- the process ------------------------------------------------------------------------------------------------- */

/* What went wrong, in one line. The interpreter's own traceback stays in the log. */
static ftf_status fail_discovery(const ftf_target *target, const ftf_proc_end *end, const char *log, ftf_error *err) {
    char line[FTF_PYTHON_JOB_LINE_MAX], text[32];
    ftf_python_job_last_line(log, line);
    if (!end->signaled && end->code == 2 && *line != '\0') {
        return ftf_fail(err, FTF_USAGE, "%s", line);
    }
    if (end->signaled) {
        return ftf_fail(err, FTF_SETUP, "importing or probing %s ended the interpreter with %s; its output is in %s",
                        target->name, ftf_proc_end_text(end, text), log);
    }
    return ftf_fail(err, FTF_SETUP, "learning the API of %s failed (%s): %s; the whole output is in %s", target->name,
                    ftf_proc_end_text(end, text), line, log);
}

/* The arguments of one discovery; texts live in the caller. */
typedef struct discovery {
    const ftf_target *target;
    const char *harvest; /* a file of proposals, or "" */
    char python[FTF_FS_PATH_MAX], script[FTF_FS_PATH_MAX], kinds[FTF_FS_PATH_MAX], out[FTF_FS_PATH_MAX];
    char cwd[FTF_FS_PATH_MAX], log[FTF_FS_PATH_MAX];
} discovery;

static ftf_status run_discovery(const discovery *d, ftf_error *err) {
    const char *argv[24];
    char seconds[16];
    int argc = 0;
    snprintf(seconds, sizeof seconds, "%d", DISCOVER_SECONDS);
    argv[argc++] = d->python;
    argv[argc++] = "-B"; /* no bytecode into the scratch folder, and none for a script used once */
    argv[argc++] = d->script;
    argv[argc++] = "--target";
    argv[argc++] = d->target->name;
    if (*d->target->path[FTF_FLAVOUR_PLAIN] != '\0') {
        argv[argc++] = "--path";
        argv[argc++] = d->target->path[FTF_FLAVOUR_PLAIN];
    }
    if (*d->target->package != '\0') {
        argv[argc++] = "--package";
        argv[argc++] = d->target->package;
    }
    if (*d->target->file != '\0') {
        argv[argc++] = "--target-file";
        argv[argc++] = d->target->file;
    }
    if (*d->harvest != '\0') {
        argv[argc++] = "--harvest";
        argv[argc++] = d->harvest;
    }
    argv[argc++] = "--kinds";
    argv[argc++] = d->kinds;
    argv[argc++] = "--seconds";
    argv[argc++] = seconds;
    argv[argc++] = "--out";
    argv[argc++] = d->out;
    argv[argc] = NULL;
    ftf_proc_options options = {.argv = argv,
                                .env = ftf_python_job_env,
                                .cwd = d->cwd,
                                .stderr_path = d->log,
                                .cpu = FTF_PROC_ANY_CPU,
                                .file_bytes_max = 256 * 1024 * 1024};
    ftf_proc proc;
    ftf_proc_end end;
    ftf_status status = ftf_proc_spawn(&options, &proc, err);
    if (status != FTF_OK) {
        return status;
    }
    if (!ftf_proc_wait(&proc, DISCOVER_DEADLINE_MS, &end)) {
        ftf_proc_stop(&proc, 0, &end);
        return ftf_fail(err, FTF_SETUP,
                        "learning the API of %s did not end in %d s; name what blocks under `skip` in a target file",
                        d->target->name, DISCOVER_DEADLINE_MS / 1000);
    }
    return end.signaled || end.code != 0 ? fail_discovery(d->target, &end, d->log, err) : FTF_OK;
}

/* ---- one catalog for all flavours -------------------------------------------------------------------------------- */

/* /plain/lib/_x.so -> /tsan/lib/_x.so; false when library is not below from. */
static bool move_path(const char *library, const char *from, const char *to, char out[FTF_FS_PATH_MAX]) {
    size_t len = strlen(from);
    return len > 0 && *to != '\0' && strncmp(library, from, len) == 0 && library[len] == '/' &&
           ftf_path(out, NULL, "%s%s", to, library + len) == FTF_OK;
}

static void add_twins(const ftf_paths *paths, const ftf_target *target, json_t *catalog) {
    json_t *libraries = json_object_get(json_object_get(catalog, "blame"), "libraries");
    size_t count = json_array_size(libraries); /* of the plain flavour; twins are appended */
    for (size_t i = 0; i < count; i++) {
        const char *library = json_string_value(json_array_get(libraries, i));
        for (int f = FTF_FLAVOUR_PLAIN + 1; f < FTF_FLAVOUR_COUNT && library != NULL; f++) {
            char twin[FTF_FS_PATH_MAX];
            if (move_path(library, target->path[FTF_FLAVOUR_PLAIN], target->path[f], twin) ||
                move_path(library, paths->python[FTF_FLAVOUR_PLAIN], paths->python[f], twin)) {
                json_array_append_new(libraries, json_string(twin));
            }
        }
    }
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

static ftf_status load(const char *path, ftf_catalog **out, ftf_error *err) {
    ftf_text text = {0};
    ftf_status status = ftf_fs_read(path, FTF_FS_READ_MAX, &text, err);
    if (status == FTF_OK) {
        status = ftf_catalog_load(text.data, text.len, out, err);
    }
    ftf_text_release(&text);
    return status;
}

static ftf_status finish(const ftf_paths *paths, const ftf_target *target, const char *raw, const char *path,
                         ftf_error *err) {
    json_error_t where;
    json_t *catalog = json_load_file(raw, 0, &where);
    if (catalog == NULL) {
        return ftf_fail(err, FTF_SETUP, "discovery of %s wrote no catalog: %s", target->name, where.text);
    }
    add_twins(paths, target, catalog);
    char *text = json_dumps(catalog, JSON_INDENT(1));
    json_decref(catalog);
    ftf_status status = text != NULL ? ftf_fs_write(path, text, strlen(text), err)
                                     : ftf_fail(err, FTF_SETUP, "the catalog of %s cannot be written", target->name);
    free(text);
    return status;
}

static ftf_status discover(const ftf_paths *paths, const ftf_target *target, const char *harvest, const char *path,
                           ftf_error *err) {
    discovery d = {.target = target, .harvest = harvest};
    char scratch[FTF_FS_PATH_MAX] = "", logs[FTF_FS_PATH_MAX];
    ftf_status status = ftf_paths_python(paths, FTF_FLAVOUR_PLAIN, d.python, err);
    const struct {
        char *path;
        const char *name;
    } inside[] = {{d.script, "discover.py"}, {d.kinds, "kinds.json"}, {d.out, "catalog.json"}, {d.cwd, "cwd"}};
    if (status == FTF_OK && (status = ftf_path(logs, err, "%s/logs", paths->cache)) == FTF_OK &&
        (status = ftf_fs_make_dirs(logs, err)) == FTF_OK) {
        status = ftf_paths_make_scratch(paths, scratch, err);
    }
    for (size_t i = 0; i < sizeof inside / sizeof *inside && status == FTF_OK; i++) {
        status = ftf_fs_join(inside[i].path, scratch, inside[i].name, err);
    }
    if (status == FTF_OK && (status = ftf_path(d.log, err, "%s/discover-%s.log", logs, target->name)) == FTF_OK &&
        (status = ftf_fs_make_dirs(d.cwd, err)) == FTF_OK &&
        (status = ftf_python_job_write(ftf_py_sources, scratch, err)) == FTF_OK &&
        (status = ftf_python_job_write_kinds(d.kinds, err)) == FTF_OK && (status = run_discovery(&d, err)) == FTF_OK) {
        status = finish(paths, target, d.out, path, err);
    }
    if (*scratch != '\0') {
        ftf_fs_remove_tree(scratch, NULL);
    }
    return status;
}

ftf_status ftf_learn_harvest(const ftf_paths *paths, const ftf_target *target, char folder[FTF_FS_PATH_MAX],
                             ftf_error *err) {
    return ftf_path(folder, err, "%s/harvested/%s-%016" PRIx64, paths->cache, target->name,
                    hash_text(FTF_HASH_START, target->spec));
}

/* harvest is the file of proposals, or "". */
static ftf_status learn(const ftf_paths *paths, ftf_target *target, const char *harvest, ftf_learnt *out,
                        ftf_error *err) {
    char folder[FTF_FS_PATH_MAX];
    /* All flavours first, because the catalog names the libraries of each. */
    ftf_status status = FTF_OK;
    for (int f = 0; f < FTF_FLAVOUR_COUNT && status == FTF_OK; f++) {
        status = *paths->python[f] != '\0' ? ftf_target_build(paths, target, (ftf_flavour)f, err) : FTF_OK;
    }
    if (status == FTF_OK && (status = ftf_path(folder, err, "%s/catalogs", paths->cache)) == FTF_OK &&
        (status = ftf_fs_make_dirs(folder, err)) == FTF_OK) {
        status = ftf_path(out->path, err, "%s/%s-%016" PRIx64 ".json", folder, target->name,
                          key(paths, target, harvest));
    }
    if (status != FTF_OK) {
        return status;
    }
    out->from_cache = ftf_fs_exists(out->path);
    /* A cached catalog that cannot be read any more is made again rather than complained about. */
    if (out->from_cache && load(out->path, &out->catalog, NULL) == FTF_OK) {
        return FTF_OK;
    }
    out->from_cache = false;
    status = discover(paths, target, harvest, out->path, err);
    return status == FTF_OK ? load(out->path, &out->catalog, err) : status;
}

ftf_status ftf_learn_alone(const ftf_paths *paths, ftf_target *target, ftf_learnt *out, ftf_error *err) {
    memset(out, 0, sizeof *out);
    return learn(paths, target, "", out, err);
}

static void say_harvest(const ftf_target *target, const char *folder) {
    char path[FTF_FS_PATH_MAX];
    json_t *figures = ftf_path(path, NULL, "%s/harvest.json", folder) == FTF_OK ? json_load_file(path, 0, NULL) : NULL;
    fprintf(stderr, "ftfuzz: %s: + harvested from %d tests (%d calls)\n", target->name,
            (int)json_integer_value(json_object_get(figures, "tests")),
            (int)json_integer_value(json_object_get(figures, "calls")));
    json_decref(figures);
}

ftf_status ftf_learn(const ftf_paths *paths, ftf_target *target, ftf_learnt *out, ftf_error *err) {
    char folder[FTF_FS_PATH_MAX], harvest[FTF_FS_PATH_MAX];
    memset(out, 0, sizeof *out);
    ftf_status status = ftf_learn_harvest(paths, target, folder, err);
    if (status == FTF_OK && (status = ftf_path(harvest, err, "%s/harvest.toml", folder)) == FTF_OK &&
        (status = ftf_path(out->seeds, err, "%s/seeds", folder)) == FTF_OK) {
        bool harvested = ftf_fs_exists(harvest);
        if (harvested) {
            say_harvest(target, folder);
        } else {
            *out->seeds = '\0';
        }
        status = learn(paths, target, harvested ? harvest : "", out, err);
    }
    return status;
}

void ftf_learnt_release(ftf_learnt *learnt) {
    if (learnt->catalog != NULL) {
        ftf_catalog_destroy(learnt->catalog);
    }
    learnt->catalog = NULL;
}

void ftf_learnt_count(const ftf_catalog *catalog, uint32_t *accepted, uint32_t *total) {
    *accepted = 0;
    for (uint32_t i = 0; i < catalog->callable_count; i++) {
        *accepted += catalog->callables[i].pattern_count > 0;
    }
    *total = *accepted + catalog->unknown_count;
}
