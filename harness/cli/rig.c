#include "cli/rig.h"

#include "base/fs.h"
#include "base/proc.h"
#include "cli/stop.h"

ftf_status ftf_rig_open(const char *spec, ftf_rig *out, ftf_error *err) {
    *out = (ftf_rig){0};
    ftf_status status = ftf_paths_find(&out->paths, err);
    if (status == FTF_OK && (status = ftf_target_resolve(&out->paths, spec, &out->target, err)) == FTF_OK &&
        (status = ftf_learn(&out->paths, &out->target, &out->learnt, err)) == FTF_OK &&
        (status = ftf_symbolizer_create(&out->symbolizer, err)) == FTF_OK) {
        status = ftf_paths_make_scratch(&out->paths, out->scratch, err);
    }
    return status;
}

ftf_status ftf_rig_open_alone(const char *spec, ftf_flavour flavour, ftf_rig *out, char program[FTF_FS_PATH_MAX],
                              ftf_error *err) {
    ftf_status status = ftf_rig_open(spec, out, err);
    if (status == FTF_OK && out->target.wheel && flavour == FTF_FLAVOUR_TSAN) {
        return ftf_fail(err, FTF_USAGE, "a wheel is not instrumented: TSan sees nothing in it; use --flavour asan");
    }
    status = status == FTF_OK ? ftf_paths_alone(&out->paths, flavour, program, err) : status;
    return status == FTF_OK ? ftf_target_build(&out->paths, &out->target, flavour, err) : status;
}

ftf_status ftf_rig_open_finding(const char *path, ftf_subject *subject, ftf_rig *out, ftf_error *err) {
    *out = (ftf_rig){0};
    ftf_status status = ftf_subject_load(path, subject, err);
    if (status == FTF_OK && ftf_subject_flavour(subject) == FTF_FLAVOUR_COUNT) {
        return ftf_fail(err, FTF_USAGE, "%s is no finding that scenarios show; give the folder of one", path);
    }
    if (status == FTF_OK) {
        ftf_stop_on_signals();
        status = ftf_rig_open(subject->spec, out, err);
    }
    return status;
}

void ftf_rig_close(ftf_rig *rig) {
    if (*rig->scratch != '\0') {
        ftf_fs_remove_tree(rig->scratch, NULL);
    }
    if (rig->symbolizer != NULL) {
        ftf_symbolizer_destroy(rig->symbolizer);
    }
    ftf_learnt_release(&rig->learnt);
}

ftf_status ftf_rig_options(ftf_rig *rig, ftf_flavour flavour, uint64_t jobs, ftf_attempt_options *out, ftf_error *err) {
    const char *path = rig->target.path[flavour];
    uint64_t cpus = (uint64_t)ftf_proc_cpu_count(), places = jobs > 0 ? jobs : cpus;
    rig->worker_paths[0] = *path != '\0' ? path : NULL;
    *out = (ftf_attempt_options){.worker = rig->paths.worker[flavour],
                                 .flavour = ftf_flavour_name(flavour),
                                 .home = rig->paths.python[flavour],
                                 .paths = rig->worker_paths,
                                 .catalog_path = rig->learnt.path,
                                 .catalog = rig->learnt.catalog,
                                 .symbolizer = rig->symbolizer,
                                 .scratch = rig->scratch,
                                 .zygote = true,
                                 .jobs = places < FTF_ATTEMPT_JOBS_MAX ? (uint32_t)places : FTF_ATTEMPT_JOBS_MAX};
    return ftf_paths_need(&rig->paths, flavour, err);
}

static ftf_status find_python(ftf_rig *rig, ftf_flavour flavour, ftf_repro_python *out, ftf_error *err) {
    ftf_status status = ftf_target_build(&rig->paths, &rig->target, flavour, err);
    status = status == FTF_OK ? ftf_paths_python(&rig->paths, flavour, rig->python[flavour], err) : status;
    if (status == FTF_OK) {
        *out = (ftf_repro_python){.executable = rig->python[flavour],
                                  .path = rig->target.path[flavour],
                                  .flavour = ftf_flavour_name(flavour)};
    }
    return status;
}

ftf_status ftf_rig_repro_options(ftf_rig *rig, ftf_flavour flavour, ftf_repro_options *out, ftf_error *err) {
    *out = (ftf_repro_options){
        .catalog = rig->learnt.catalog, .symbolizer = rig->symbolizer, .scratch = rig->scratch, .n = FTF_REPRO_RUNS};
    ftf_status status = find_python(rig, FTF_FLAVOUR_PLAIN, &out->plain, err);
    status = status == FTF_OK ? find_python(rig, flavour, &out->sanitizers[0], err) : status;
    if (status == FTF_OK) { /* the other one is welcome, and need not be there */
        (void)find_python(rig, flavour == FTF_FLAVOUR_TSAN ? FTF_FLAVOUR_ASAN : FTF_FLAVOUR_TSAN, &out->sanitizers[1],
                          NULL);
    }
    return status;
}

ftf_status ftf_rig_open_store(const ftf_rig *rig, const ftf_subject *subject, ftf_store **out, ftf_error *err) {
    const ftf_store_options options = {.folder = subject->store,
                                       .symbolizer = rig->symbolizer,
                                       .catalog = rig->learnt.catalog,
                                       .python_version = rig->learnt.catalog->python};
    ftf_status status = ftf_store_open(&options, out, err);
    if (status == FTF_OK && ftf_store_find(*out, subject->id) == NULL) {
        return ftf_fail(err, FTF_INPUT, "%s is not in the folder of a campaign: move it back to <out>/findings",
                        subject->id);
    }
    return status;
}
