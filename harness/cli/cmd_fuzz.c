/* `ftfuzz fuzz TARGET`: resolves the target, learns its API, runs a campaign, confirms what it found, sums up. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/drive.h"
#include "cli/options.h"
#include "cli/stop.h"
#include "cli/summary.h"

enum {
    TIME_DEFAULT_S = 120,
    CONFIRM_SHARE = 4, /* a quarter of the campaign's time at most goes into replaying, and one into minimizing */
    CONFIRM_MIN_S = 20,
    CONFIRM_MAX_S = 60,
    COLD_MAX_PERCENT = 90, /* a place without a worker of its own would find what is cold and nothing else */
};

typedef struct arguments {
    const char *spec, *flavour, *schedule, *out, *until;
    uint64_t time_s, cpu_s, confirm_s, minimize_s, jobs, seed, rss_limit_mib, cold_percent;
    bool no_feedback, no_delays, json, help;
} arguments;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"--time", FTF_OPTION_SECONDS, &a->time_s, "S", "how long (90, 5m, 2h; 0: until Ctrl-C); default 120"},
        {"--cpu-time", FTF_OPTION_SECONDS, &a->cpu_s, "S", "stop, too, when the workers have used so much CPU time"},
        {"--flavour", FTF_OPTION_CHOICE, &a->flavour, "tsan|asan|both", "which sanitizer watches; default both"},
        {"--jobs", FTF_OPTION_NUMBER, &a->jobs, "N", "workers; default one for each CPU"},
        {"--schedule", FTF_OPTION_CHOICE, &a->schedule, "auto|free|pct",
         "who decides when lanes switch (free: the kernel; workers are not pinned); default auto"},
        {"--cold", FTF_OPTION_NUMBER, &a->cold_percent, "PERCENT",
         "of the time, for first calls in fresh processes; default 10"},
        {"--no-feedback", FTF_OPTION_FLAG, &a->no_feedback, NULL,
         "do not tell the fuzzer how lanes met: for measuring what that is worth"},
        {"--no-delays", FTF_OPTION_FLAG, &a->no_delays, NULL,
         "with --schedule free: lanes do not tarry at some of their accesses; for measuring, too"},
        {"--seed", FTF_OPTION_NUMBER, &a->seed, "N", "of all randomness; default: drawn, and printed"},
        {"--out", FTF_OPTION_TEXT, &a->out, "DIR", "findings go to DIR/<target>/findings; default out"},
        {"--until-finding", FTF_OPTION_TEXT, &a->until, "REGEX",
         "stop at a finding whose signature matches; any: of the extension"},
        {"--confirm", FTF_OPTION_SECONDS, &a->confirm_s, "S", "at most so long for replaying findings; 0: do not"},
        {"--minimize", FTF_OPTION_SECONDS, &a->minimize_s, "S",
         "and for making their scenarios smaller; default as long, with --until-finding 0"},
        {"--rss-limit", FTF_OPTION_NUMBER, &a->rss_limit_mib, "MIB", "restart a worker that grew larger; default 2560"},
        {"--json", FTF_OPTION_FLAG, &a->json, NULL, "the summary as JSON on standard output"},
        {0},
    };
    const ftf_usage usage = {
        .command = "fuzz",
        .operand = "TARGET",
        .summary = "Hammers a module from several threads with generated scenarios and keeps what goes wrong.",
        .rows = rows,
        .notes =
            "TARGET is a module that the interpreter can import (collections), a package (multidict==6.7.1, or the\n"
            "path of a checkout, an sdist or a wheel), a canary (ck03_borrowed_item), or a folder: of single-file C\n"
            "extensions, or of built ones (./myext, ./myext:_speedups).\n\n"
            "Ctrl-C ends the campaign with its summary. Exit codes: 0 no finding is blamed on the extension,\n"
            "1 there is one, 2 usage or set-up, 3 a bug of ftfuzz itself."};
    ftf_status status = ftf_options_parse(&usage, argc, argv, &a->spec, &a->help, err);
    if (status == FTF_OK && a->help) {
        ftf_options_help(&usage, stdout);
    }
    if (status == FTF_OK && a->jobs > FTF_CAMPAIGN_WORKERS_MAX) {
        return ftf_fail(err, FTF_USAGE, "--jobs is at most %d", FTF_CAMPAIGN_WORKERS_MAX);
    }
    if (status == FTF_OK && (a->rss_limit_mib < 256 || a->rss_limit_mib > 1 << 20)) {
        return ftf_fail(err, FTF_USAGE, "--rss-limit is between 256 and 1048576 MiB");
    }
    if (status == FTF_OK && a->cold_percent > COLD_MAX_PERCENT) {
        return ftf_fail(err, FTF_USAGE, "--cold is at most %d", COLD_MAX_PERCENT);
    }
    return status;
}

/* An error on the way does not hide what was found: the summary comes first, the error last. */
static int run(const ftf_drive *drive, bool json, ftf_error *err) {
    ftf_campaign *campaign;
    ftf_status status = ftf_drive_campaign(drive, &campaign, err);
    if (campaign == NULL) {
        return ftf_command_fail(err);
    }
    ftf_error late = {0};
    bool told = ftf_drive_told(campaign, status);
    if (told) {
        ftf_summary_show(campaign, json, stdout);
    }
    ftf_status written = told ? ftf_summary_write(campaign, &late) : FTF_OK;
    int code = ftf_summary_exit(campaign);
    ftf_campaign_close(campaign);
    if (status != FTF_OK) {
        return ftf_command_fail(err);
    }
    return written == FTF_OK ? code : ftf_command_fail(&late);
}

static int fuzz(const arguments *a, const char *command, ftf_error *err) {
    static ftf_drive drive;
    static regex_t until;
    drive.options = (ftf_campaign_options){
        .command = command,
        .jobs = (uint32_t)a->jobs,
        .schedule = a->schedule,
        .no_feedback = a->no_feedback,
        .no_delays = a->no_delays,
        .seed = a->seed,
        .time_ms = a->time_s * 1000,
        .cpu_ms = a->cpu_s * 1000,
        .confirm_ms = a->confirm_s * 1000,
        .follow_up_ms = a->minimize_s * 1000,
        .rss_limit_kib = a->rss_limit_mib * 1024,
        /* A cold run is scheduled, so a campaign of free runs has none. */
        .cold_percent = strcmp(a->schedule, "free") == 0 ? 0 : (uint32_t)a->cold_percent,
        .until_any = a->until != NULL && strcmp(a->until, "any") == 0,
        .quiet = a->json,
    };
    if (a->until != NULL && !drive.options.until_any) {
        if (regcomp(&until, a->until, REG_EXTENDED | REG_NOSUB) != 0) {
            ftf_fail(err, FTF_USAGE, "--until-finding: '%s' is no extended regular expression", a->until);
            return ftf_command_fail(err);
        }
        drive.options.until = &until;
    }
    ftf_status status = ftf_drive_open(&drive, a->spec, a->flavour, a->out, err);
    int code = status == FTF_OK ? run(&drive, a->json, err) : ftf_command_fail(err);
    ftf_drive_close(&drive);
    if (drive.options.until != NULL) {
        regfree(&until);
    }
    return code;
}

int ftf_command_fuzz(int argc, char **argv) {
    arguments a = {.flavour = "both",
                   .schedule = "auto",
                   .out = "out",
                   .time_s = TIME_DEFAULT_S,
                   .confirm_s = UINT64_MAX,
                   .minimize_s = UINT64_MAX,
                   .rss_limit_mib = FTF_WORKER_RSS_LIMIT_MIB,
                   .cold_percent = FTF_WORKER_COLD_PERCENT};
    ftf_error err = {0};
    if (parse(argc, argv, &a, &err) != FTF_OK) {
        return ftf_command_fail(&err);
    }
    if (a.help) {
        return FTF_EXIT_CLEAN;
    }
    if (a.confirm_s == UINT64_MAX) {
        uint64_t share = a.time_s / CONFIRM_SHARE;
        a.confirm_s = share < CONFIRM_MIN_S ? CONFIRM_MIN_S : share > CONFIRM_MAX_S ? CONFIRM_MAX_S : share;
    }
    if (a.minimize_s == UINT64_MAX) {
        a.minimize_s = a.until != NULL ? 0 : a.confirm_s;
    }
    a.seed = a.seed != 0 ? a.seed : ftf_drive_draw_seed();
    ftf_stop_on_signals();
    ftf_text command = {0};
    ftf_drive_join_command(argc, argv, &command);
    int code = fuzz(&a, command.data, &err);
    ftf_text_release(&command);
    return code;
}
