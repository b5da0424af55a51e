#include "cli/paths.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ftfuzz_config.h"

static const char *const flavour_names[FTF_FLAVOUR_COUNT] = {"plain", "tsan", "asan"};
static const char *const python_variables[FTF_FLAVOUR_COUNT] = {"FTFUZZ_PYTHON_PLAIN", "FTFUZZ_PYTHON_TSAN",
                                                                "FTFUZZ_PYTHON_ASAN"};
static const char *const python_built[FTF_FLAVOUR_COUNT] = {FTF_CONFIG_PYTHON_PLAIN, FTF_CONFIG_PYTHON_TSAN,
                                                            FTF_CONFIG_PYTHON_ASAN};
static const char *const worker_variables[FTF_FLAVOUR_COUNT] = {NULL, "FTFUZZ_WORKER_TSAN", "FTFUZZ_WORKER_ASAN"};

const char *ftf_flavour_name(ftf_flavour flavour) { return flavour < FTF_FLAVOUR_COUNT ? flavour_names[flavour] : "?"; }

ftf_flavour ftf_flavour_find(const char *name) {
    int flavour = 0;
    while (flavour < FTF_FLAVOUR_COUNT && strcmp(name, flavour_names[flavour]) != 0) {
        flavour++;
    }
    return (ftf_flavour)flavour;
}

ftf_status ftf_path(char path[FTF_FS_PATH_MAX], ftf_error *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(path, FTF_FS_PATH_MAX, format, args);
    va_end(args);
    if (len < 0 || len >= FTF_FS_PATH_MAX) {
        return ftf_fail(err, FTF_LIMIT, "a path is longer than %d bytes: %.100s...", FTF_FS_PATH_MAX - 1, path);
    }
    return FTF_OK;
}

static const char *from_environment(const char *variable, const char *otherwise) {
    const char *value = getenv(variable);
    return value != NULL && *value != '\0' ? value : otherwise;
}

static ftf_status find_cache(ftf_paths *out, ftf_error *err) {
    const char *given = from_environment("FTFUZZ_CACHE", NULL);
    if (given != NULL) {
        return ftf_path(out->cache, err, "%s", given);
    }
    const char *xdg = from_environment("XDG_CACHE_HOME", NULL);
    if (xdg != NULL) {
        return ftf_path(out->cache, err, "%s/ftfuzz", xdg);
    }
    return ftf_path(out->cache, err, "%s/.cache/ftfuzz", from_environment("HOME", "/tmp"));
}

/* The folder this executable is in; the build folder when that cannot be found out. */
static ftf_status find_self(char folder[FTF_FS_PATH_MAX], ftf_error *err) {
    char self[FTF_FS_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0) {
        return ftf_path(folder, err, "%s", FTF_CONFIG_BUILD);
    }
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    return ftf_path(folder, err, "%s", self);
}

ftf_status ftf_paths_find(ftf_paths *out, ftf_error *err) {
    char self[FTF_FS_PATH_MAX];
    memset(out, 0, sizeof *out);
    ftf_status status = ftf_path(out->root, err, "%s", from_environment("FTFUZZ_ROOT", FTF_CONFIG_ROOT));
    if (status == FTF_OK) {
        status = find_cache(out, err);
    }
    if (status == FTF_OK) {
        status = find_self(self, err);
    }
    for (int f = 0; f < FTF_FLAVOUR_COUNT && status == FTF_OK; f++) {
        status = ftf_path(out->python[f], err, "%s", from_environment(python_variables[f], python_built[f]));
        if (status == FTF_OK && worker_variables[f] != NULL) {
            const char *given = from_environment(worker_variables[f], NULL);
            status = given != NULL ? ftf_path(out->worker[f], err, "%s", given)
                                   : ftf_path(out->worker[f], err, "%s/ftfuzz-worker-%s", self, flavour_names[f]);
        }
    }
    return status;
}

ftf_status ftf_paths_need(const ftf_paths *paths, ftf_flavour flavour, ftf_error *err) {
    const char *python = paths->python[flavour], *worker = paths->worker[flavour];
    if (*python == '\0' || !ftf_fs_is_dir(python)) {
        return ftf_fail(err, FTF_SETUP, "the %s interpreter is not built%s%s; run: make setup", flavour_names[flavour],
                        *python != '\0' ? " in " : "", python);
    }
    if (flavour != FTF_FLAVOUR_PLAIN && access(worker, X_OK) != 0) {
        return ftf_fail(err, FTF_SETUP, "cannot run %s: %s; run: make setup", worker, strerror(errno));
    }
    return FTF_OK;
}

ftf_status ftf_paths_alone(const ftf_paths *paths, ftf_flavour flavour, char path[FTF_FS_PATH_MAX], ftf_error *err) {
    const char *worker = paths->worker[flavour], *slash = strrchr(worker, '/');
    int folder = slash != NULL ? (int)(slash + 1 - worker) : 0;
    ftf_status status = ftf_paths_need(paths, flavour, err);
    if (status == FTF_OK) {
        status = ftf_path(path, err, "%.*sftfuzz-target-%s", folder, worker, flavour_names[flavour]);
    }
    if (status == FTF_OK && access(path, X_OK) != 0) {
        return ftf_fail(err, FTF_SETUP, "cannot run %s: %s; run: make setup", path, strerror(errno));
    }
    return status;
}

/* python3.13t, python3.14t, ... and not python3.13t-config */
static bool is_free_threaded_python(const char *name) {
    static const char start[] = "python3.";
    if (strncmp(name, start, sizeof start - 1) != 0) {
        return false;
    }
    const char *at = name + sizeof start - 1;
    while (isdigit((unsigned char)*at)) {
        at++;
    }
    return strcmp(at, "t") == 0;
}

ftf_status ftf_paths_python(const ftf_paths *paths, ftf_flavour flavour, char path[FTF_FS_PATH_MAX], ftf_error *err) {
    char bin[FTF_FS_PATH_MAX];
    ftf_names names = {0};
    ftf_status status = ftf_paths_need(paths, flavour, err);
    if (status == FTF_OK) {
        status = ftf_path(bin, err, "%s/bin", paths->python[flavour]);
    }
    if (status == FTF_OK) {
        status = ftf_fs_list(bin, &names, err);
    }
    if (status != FTF_OK) {
        return status;
    }
    status = ftf_fail(err, FTF_SETUP, "%s holds no free-threaded python; run: make setup", bin);
    for (size_t i = 0; i < names.count; i++) {
        if (is_free_threaded_python(names.names[i])) {
            status = ftf_fs_join(path, bin, names.names[i], err);
            break;
        }
    }
    ftf_names_release(&names);
    return status;
}

ftf_status ftf_paths_make_scratch(const ftf_paths *paths, char folder[FTF_FS_PATH_MAX], ftf_error *err) {
    char work[FTF_FS_PATH_MAX], made[FTF_FS_PATH_MAX];
    *folder = '\0';
    ftf_status status = ftf_path(work, err, "%s/work", paths->cache);
    status = status == FTF_OK ? ftf_fs_make_dirs(work, err) : status;
    status = status == FTF_OK ? ftf_fs_make_temporary_dir(work, made, err) : status;
    return status == FTF_OK ? ftf_path(folder, err, "%s", made) : status;
}
