#include "cli/target.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/package.h"
#include "cli/script.h"

enum { BUILD_DEADLINE_MS = 15 * 60 * 1000 };

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* A dotted module name. Nothing else may become part of a path or of an import statement. */
static bool is_module_name(const char *name) {
    bool at_start = true;
    if (strlen(name) >= FTF_TARGET_NAME_MAX) {
        return false;
    }
    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;
        if (at_start ? !(isalpha(c) || c == '_') : !(isalnum(c) || c == '_' || c == '.')) {
            return false;
        }
        at_start = c == '.';
    }
    return !at_start;
}

static bool has_suffix(const char *name, const char *suffix) {
    size_t len = strlen(name), tail = strlen(suffix);
    return len > tail && strcmp(name + len - tail, suffix) == 0;
}

/* The canary's source has the name without `_fixed`: one file makes both twins. */
static ftf_status find_canary(const ftf_paths *paths, ftf_target *out, ftf_error *err) {
    static const char fixed[] = "_fixed";
    char source[FTF_FS_PATH_MAX];
    int len = (int)strlen(out->name);
    if (has_suffix(out->name, fixed)) {
        len -= (int)sizeof fixed - 1;
    }
    ftf_status status = ftf_path(source, err, "%s/targets/canaries/%.*s.c", paths->root, len, out->name);
    if (status == FTF_OK && strncmp(out->name, "ck", 2) == 0 && ftf_fs_exists(source)) {
        status = ftf_path(out->source, err, "canaries");
    }
    return status;
}

/* Leaves `path` empty when there is no such thing. */
static ftf_status find_optional(char path[FTF_FS_PATH_MAX], const char *root, const char *folder, const char *name,
                                const char *suffix, ftf_error *err) {
    ftf_status status = ftf_path(path, err, "%s/%s/%s%s", root, folder, name, suffix);
    if (status == FTF_OK && !ftf_fs_exists(path)) {
        *path = '\0';
    }
    return status;
}

static ftf_status find_files(const ftf_paths *paths, ftf_target *out, ftf_error *err) {
    ftf_status status = find_optional(out->file, paths->root, "targets", out->name, ".toml", err);
    if (status == FTF_OK && *out->file == '\0' && *out->source != '\0') {
        status = find_optional(out->file, paths->root, "targets/canaries", out->name, ".toml", err);
    }
    if (status == FTF_OK) {
        status = find_optional(out->seeds, paths->root, "corpora", out->name, "", err);
    }
    return status;
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

/* Finds the one file with that suffix in a folder and takes its module's name; name is "" when there is none. */
static ftf_status find_module(const char *folder, const char *suffix, char name[FTF_TARGET_NAME_MAX], bool *several,
                              ftf_error *err) {
    ftf_names names = {0};
    ftf_status status = ftf_fs_list(folder, &names, err);
    *name = '\0';
    *several = false;
    for (size_t i = 0; i < names.count; i++) {
        if (has_suffix(names.names[i], suffix)) {
            *several = *several || *name != '\0';
            snprintf(name, FTF_TARGET_NAME_MAX, "%.*s", (int)strcspn(names.names[i], "."), names.names[i]);
        }
    }
    ftf_names_release(&names);
    return status;
}

/* <folder>/<flavour> where that exists, else the folder itself. */
static ftf_status find_built(const char *folder, ftf_target *out, ftf_error *err) {
    ftf_status status = FTF_OK;
    for (int f = 0; f < FTF_FLAVOUR_COUNT && status == FTF_OK; f++) {
        status = ftf_path(out->path[f], err, "%s/%s", folder, ftf_flavour_name((ftf_flavour)f));
        if (status == FTF_OK && !ftf_fs_is_dir(out->path[f])) {
            status = ftf_path(out->path[f], err, "%s", folder);
        }
    }
    return status;
}

/* Splits WHAT[:MODULE]; module is "" when it is left out. */
static ftf_status split_spec(const char *spec, char what[FTF_FS_PATH_MAX], char module[FTF_TARGET_NAME_MAX],
                             ftf_error *err) {
    ftf_status status = ftf_path(what, err, "%s", spec);
    if (status != FTF_OK) {
        return status;
    }
    char *colon = strrchr(what, ':');
    *module = '\0';
    if (colon != NULL) {
        *colon = '\0';
        if (!is_module_name(colon + 1)) {
            return ftf_fail(err, FTF_USAGE, "'%.100s' is no module name", colon + 1);
        }
        snprintf(module, FTF_TARGET_NAME_MAX, "%s", colon + 1);
    }
    return FTF_OK;
}

static bool is_project(const char *folder) {
    static const char *const files[] = {"pyproject.toml", "setup.py"};
    char path[FTF_FS_PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (ftf_fs_join(path, folder, files[i], NULL) == FTF_OK && ftf_fs_exists(path)) {
            return true;
        }
    }
    return false;
}

static ftf_status resolve_folder(const char *spec, const char *folder, ftf_target *out, ftf_error *err) {
    char source_name[FTF_TARGET_NAME_MAX], built_name[FTF_TARGET_NAME_MAX] = "";
    bool several = false;
    ftf_status status = find_module(folder, ".c", source_name, &several, err);
    if (status == FTF_OK && *source_name != '\0') {
        status = ftf_path(out->source, err, "%s", folder);
    } else if (status == FTF_OK && (status = find_built(folder, out, err)) == FTF_OK) {
        status = find_module(out->path[FTF_FLAVOUR_PLAIN], ".so", built_name, &several, err);
    }
    if (status != FTF_OK) {
        return status;
    }
    bool named = *out->name != '\0';
    const char *found = *source_name != '\0' ? source_name : built_name;
    if (!named && (several || *found == '\0')) {
        return ftf_fail(err, FTF_USAGE, "%s holds %s extension module (*.c or *.so); say which: %s:MODULE", folder,
                        several ? "more than one" : "no", spec);
    }
    if (!named) {
        snprintf(out->name, sizeof out->name, "%s", found);
    }
    return ftf_path(out->spec, err, "%s%s%s", folder, named ? ":" : "", named ? out->name : "");
}

/* A folder or file, absolute from here on: the campaign may be replayed from elsewhere. */
static ftf_status resolve_path(const ftf_paths *paths, const char *spec, ftf_target *out, ftf_error *err) {
    char given[FTF_FS_PATH_MAX], path[FTF_FS_PATH_MAX];
    ftf_status status = split_spec(spec, given, out->name, err);
    if (status != FTF_OK) {
        return status;
    }
    if (realpath(given, path) == NULL) {
        return ftf_fail(err, FTF_USAGE,
                        "%s is not there; TARGET is a module, a package (multidict==6.7.1), or the path of "
                        "a checkout, an sdist, a wheel or a folder with an extension in it",
                        given);
    }
    if (ftf_fs_is_dir(path) && !is_project(path)) {
        return resolve_folder(spec, path, out, err);
    }
    char module[FTF_TARGET_NAME_MAX];
    snprintf(module, sizeof module, "%s", out->name);
    return ftf_package_resolve(paths, path, module, out, err);
}

static ftf_status resolve_word(const ftf_paths *paths, const char *spec, ftf_target *out, ftf_error *err) {
    char package[FTF_FS_PATH_MAX], module[FTF_TARGET_NAME_MAX];
    /* What no module's name can hold, a requirement's does: multidict==6.7.1, lru-dict. */
    bool is_requirement = isalnum((unsigned char)*spec) && spec[strcspn(spec, "=<>!~[-")] != '\0';
    if (!is_requirement && !is_module_name(spec)) {
        return ftf_fail(err, FTF_USAGE, "'%.100s' is no module name (a folder needs a slash: ./%.100s)", spec, spec);
    }
    if (!is_requirement) {
        snprintf(out->name, sizeof out->name, "%s", spec);
        ftf_status status = ftf_path(out->spec, err, "%s", spec);
        status = status == FTF_OK ? find_canary(paths, out, err) : status;
        if (status != FTF_OK || *out->source != '\0' || !ftf_package_is_wanted(paths, spec)) {
            return status;
        }
    }
    ftf_status status = split_spec(spec, package, module, err);
    return status == FTF_OK ? ftf_package_resolve(paths, package, module, out, err) : status;
}

ftf_status ftf_target_resolve(const ftf_paths *paths, const char *spec, ftf_target *out, ftf_error *err) {
    memset(out, 0, sizeof *out);
    bool is_path = strchr(spec, '/') != NULL || strcmp(spec, ".") == 0;
    ftf_status status = is_path ? resolve_path(paths, spec, out, err) : resolve_word(paths, spec, out, err);
    return status == FTF_OK ? find_files(paths, out, err) : status;
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

ftf_status ftf_target_build(const ftf_paths *paths, ftf_target *target, ftf_flavour flavour, ftf_error *err) {
    char what[FTF_FS_PATH_MAX + 64];
    if (*target->source == '\0' || *target->path[flavour] != '\0') {
        return FTF_OK;
    }
    const char *const argv[] = {"ci/build-target", ftf_flavour_name(flavour), target->source, NULL};
    snprintf(what, sizeof what, "building %s (%s)", target->source, ftf_flavour_name(flavour));
    ftf_status status = ftf_script_run(paths, argv, what, BUILD_DEADLINE_MS, target->path[flavour], err);
    if (status == FTF_OK && !ftf_fs_is_dir(target->path[flavour])) {
        status = ftf_fail(err, FTF_SETUP, "ci/build-target printed no folder but '%.100s'", target->path[flavour]);
    }
    return status;
}

ftf_status ftf_target_choose_flavours(const ftf_paths *paths, const ftf_target *target, const char *word, bool quiet,
                                      bool flavours[FTF_FLAVOUR_COUNT], ftf_error *err) {
    ftf_status status = FTF_OK;
    bool both = strcmp(word, "both") == 0;
    if (target->wheel && strcmp(word, ftf_flavour_name(FTF_FLAVOUR_TSAN)) == 0) {
        return ftf_fail(err, FTF_USAGE,
                        "%s is a wheel: its code is not instrumented, so ThreadSanitizer sees no race in it; "
                        "give the sdist or a checkout, or --flavour asan",
                        target->spec);
    }
    if (target->wheel && !quiet) {
        fprintf(stderr,
                "ftfuzz: a wheel's code is not instrumented. What can be seen: crashes, hangs, deadlocks, errors "
                "against Python's protocols, and use of freed memory by the interpreter and libc. What cannot: data "
                "races, its own reads and writes of freed memory, and threads switch only where it calls out\n");
    }
    for (int f = FTF_FLAVOUR_PLAIN + 1; f < FTF_FLAVOUR_COUNT && status == FTF_OK; f++) {
        flavours[f] = (both || strcmp(word, ftf_flavour_name((ftf_flavour)f)) == 0) &&
                      !(target->wheel && f == FTF_FLAVOUR_TSAN);
        status = flavours[f] ? ftf_paths_need(paths, (ftf_flavour)f, err) : FTF_OK;
    }
    return status;
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

typedef void (*on_target_fn)(void *self, const char *name, const char *what, const char *file);

/* The names in a folder that end in suffix. */
static ftf_status list_folder(const char *folder, const char *suffix, const char *what, on_target_fn on_target,
                              void *self, ftf_error *err) {
    ftf_names names = {0};
    if (!ftf_fs_is_dir(folder)) {
        return FTF_OK;
    }
    ftf_status status = ftf_fs_list(folder, &names, err);
    for (size_t i = 0; i < names.count && status == FTF_OK; i++) {
        char path[FTF_FS_PATH_MAX], name[FTF_TARGET_NAME_MAX];
        if (!has_suffix(names.names[i], suffix)) {
            continue;
        }
        snprintf(name, sizeof name, "%.*s", (int)(strlen(names.names[i]) - strlen(suffix)), names.names[i]);
        status = ftf_fs_join(path, folder, names.names[i], err);
        if (status == FTF_OK) {
            on_target(self, name, what, path);
        }
    }
    ftf_names_release(&names);
    return status;
}

ftf_status ftf_target_list(const ftf_paths *paths, on_target_fn on_target, void *self, ftf_error *err) {
    char folder[FTF_FS_PATH_MAX];
    ftf_status status = ftf_path(folder, err, "%s/targets", paths->root);
    if (status == FTF_OK) {
        status = list_folder(folder, ".toml", "target", on_target, self, err);
    }
    if (status == FTF_OK) {
        status = ftf_path(folder, err, "%s/targets/canaries", paths->root);
    }
    return status == FTF_OK ? list_folder(folder, ".c", "canary", on_target, self, err) : status;
}
