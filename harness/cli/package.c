#include "cli/package.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/proc.h"
#include "cli/script.h"

enum {
    BUILD_DEADLINE_MS = 2 * 60 * 60 * 1000, /* numpy and its like, three times, on a small machine */
    LOOK_DEADLINE_MS = 20 * 1000,
};

bool ftf_package_is_wanted(const ftf_paths *paths, const char *spec) {
    static const char question[] =
        "import sys; sys.exit(sys.argv[1].partition('.')[0] not in {*sys.stdlib_module_names, 'test'})";
    char python[FTF_FS_PATH_MAX];
    ftf_proc proc;
    ftf_proc_end end;
    if (*paths->python[FTF_FLAVOUR_PLAIN] == '\0' ||
        ftf_paths_python(paths, FTF_FLAVOUR_PLAIN, python, NULL) != FTF_OK) {
        return false;
    }
    const char *const argv[] = {python, "-I", "-S", "-c", question, spec, NULL};
    const ftf_proc_options options = {.argv = argv, .cpu = FTF_PROC_ANY_CPU};
    if (ftf_proc_spawn(&options, &proc, NULL) != FTF_OK) {
        return false;
    }
    if (!ftf_proc_wait(&proc, LOOK_DEADLINE_MS, &end)) {
        ftf_proc_stop(&proc, 0, &end);
    }
    return !end.signaled && end.code == 1;
}

/* Takes a text of the manifest, which must be there. */
static ftf_status take(const json_t *object, const char *key, char *to, size_t size, ftf_error *err) {
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL || strlen(text) >= size) {
        return ftf_fail(err, FTF_SETUP, "the package's manifest has no usable '%s'", key);
    }
    memcpy(to, text, strlen(text) + 1);
    return FTF_OK;
}

static ftf_status read_manifest(const ftf_paths *paths, const char *module, ftf_target *out, ftf_error *err) {
    char given[FTF_FS_PATH_MAX] = "";
    json_error_t where;
    json_t *manifest = json_load_file(out->package, 0, &where);
    if (manifest == NULL) {
        return ftf_fail(err, FTF_SETUP, "ci/build-package printed no manifest but '%.100s': %s", out->package,
                        where.text);
    }
    ftf_status status = take(manifest, "requirement", given, sizeof given, err);
    status = status == FTF_OK ? take(manifest, "module", out->name, sizeof out->name, err) : status;
    for (int f = 0; f < FTF_FLAVOUR_COUNT && status == FTF_OK; f++) {
        if (*paths->python[f] != '\0') {
            const json_t *built = json_object_get(json_object_get(manifest, "builds"),
                                                  ftf_flavour_name((ftf_flavour)f));
            status = take(built, "path", out->path[f], sizeof out->path[f], err);
        }
    }
    const char *kind = json_string_value(json_object_get(manifest, "kind"));
    out->wheel = kind != NULL && strcmp(kind, "wheel") == 0;
    json_decref(manifest);
    return status == FTF_OK ? ftf_path(out->spec, err, "%s%s%s", given, *module != '\0' ? ":" : "", module) : status;
}

ftf_status ftf_package_resolve(const ftf_paths *paths, const char *spec, const char *module, ftf_target *out,
                               ftf_error *err) {
    const char *argv[20] = {"ci/build-package"};
    char what[FTF_FS_PATH_MAX + 16];
    int argc = 1;
    for (int f = 0; f < FTF_FLAVOUR_COUNT; f++) {
        if (*paths->python[f] != '\0') {
            argv[argc++] = "--flavour";
            argv[argc++] = ftf_flavour_name((ftf_flavour)f);
        }
    }
    if (*module != '\0') {
        argv[argc++] = "--module";
        argv[argc++] = module;
    }
    argv[argc++] = "--errors-on-stdout";
    argv[argc++] = "--";
    argv[argc++] = spec;
    snprintf(what, sizeof what, "building %s", spec);
    ftf_status status = ftf_script_run(paths, argv, what, BUILD_DEADLINE_MS, out->package, err);
    return status == FTF_OK ? read_manifest(paths, module, out, err) : status;
}
