#include "cli/drive.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/confirm.h"
#include "cli/follow_up.h"
#include "cli/stop.h"

uint64_t ftf_drive_draw_seed(void) {
    uint32_t seed = 0;
    return getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed && seed != 0 ? seed : (uint64_t)getpid();
}

void ftf_drive_join_command(int argc, char **argv, ftf_text *out) {
    ftf_text_str(out, "ftfuzz");
    for (int i = 0; i < argc; i++) {
        bool plain = argv[i][strcspn(argv[i], " \t'\"$\\|&;()<>*?[]")] == '\0' && *argv[i] != '\0';
        ftf_text_printf(out, plain ? " %s" : " '%s'", argv[i]);
    }
}

static void tell(const ftf_drive *drive) {
    const ftf_catalog *catalog = drive->learnt.catalog;
    fprintf(stderr, "ftfuzz: %s %s: %u callables, %u types%s; seed %llu; findings go to %s/findings\n",
            drive->target.name, catalog->version, catalog->callable_count, catalog->type_count,
            drive->learnt.from_cache ? "" : " (learnt now)", (unsigned long long)drive->options.seed, drive->out);
}

ftf_status ftf_drive_open(ftf_drive *drive, const char *spec, const char *flavour, const char *out, ftf_error *err) {
    ftf_campaign_options *o = &drive->options;
    o->paths = &drive->paths;
    o->target = &drive->target;
    o->learnt = &drive->learnt;
    o->out = drive->out;
    o->stop = &ftf_stop_signals;
    o->jobs = o->jobs != 0 ? o->jobs : (uint32_t)ftf_proc_cpu_count();
    ftf_status status = ftf_paths_find(&drive->paths, err);
    if (status == FTF_OK && (status = ftf_target_resolve(&drive->paths, spec, &drive->target, err)) == FTF_OK &&
        (status = ftf_target_choose_flavours(&drive->paths, &drive->target, flavour, o->quiet, o->flavours, err)) ==
            FTF_OK &&
        (status = ftf_path(drive->out, err, "%s/%s", out, drive->target.name)) == FTF_OK &&
        (status = ftf_fs_make_dirs(drive->out, err)) == FTF_OK &&
        (status = ftf_fs_make_absolute(drive->out, err)) == FTF_OK) {
        status = ftf_learn(&drive->paths, &drive->target, &drive->learnt, err);
    }
    if (status == FTF_OK && !o->quiet) {
        tell(drive);
    }
    return status;
}

void ftf_drive_close(ftf_drive *drive) { ftf_learnt_release(&drive->learnt); }

ftf_status ftf_drive_campaign(const ftf_drive *drive, ftf_campaign **out, ftf_error *err) {
    const ftf_campaign_options *o = &drive->options;
    ftf_status status = ftf_campaign_open(o, out, err);
    if (status != FTF_OK) {
        return status;
    }
    status = ftf_campaign_run(*out, err);
    if (status == FTF_OK && *o->stop == 0 && o->confirm_ms > 0) {
        status = ftf_confirm(*out, err);
    }
    if (status == FTF_OK && *o->stop == 0 && o->follow_up_ms > 0) {
        status = ftf_follow_up(*out, err);
    }
    return status;
}

bool ftf_drive_told(const ftf_campaign *campaign, ftf_status status) {
    return campaign->counters.starts > 0 && (status != FTF_SETUP || campaign->hit_count > 0);
}
