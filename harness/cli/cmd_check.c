/* `ftfuzz check TARGET`: the verdict for somebody who is about to publish a wheel, in bounded time: a measurement, a campaign, its
   replays and reproducers, and a page about it all. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/check.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/page.h"
#include "cli/pays.h"
#include "cli/stop.h"
#include "cli/summary.h"

enum {
    TIME_DEFAULT_S = 900,
    TIME_MIN_S = 10,
    PAYS_SHARE = 6, /* a sixth of the time, up to a minute, goes into what it is worth */
    PAYS_MIN_S = 2,
    PAYS_MAX_S = 60,
    RESERVE_SHARE =
        3, /* a third of what is left, up to five minutes, into replays and reproducers where there are findings */
    RESERVE_MAX_S = 300,
    CONFIRM_SHARE = 3, /* of the reserve, for replaying; the rest is for reproducers */
    MINIMIZE_SHARE =
        6, /* of what is for reproducers, for making one scenario smaller: several explained are worth more */
    CLOSING_MS = 2500, /* for ending workers, and for the page */
};

typedef struct arguments {
    const char *spec, *flavour, *out;
    uint64_t time_s, jobs, seed;
    bool json, help;
} arguments;

static ftf_status parse(int argc, char **argv, arguments *a, ftf_error *err) {
    const ftf_option rows[] = {
        {"--time", FTF_OPTION_SECONDS, &a->time_s, "S",
         "how long the whole check takes, but for building (90, 5m, 2h); default 15m"},
        {"--flavour", FTF_OPTION_CHOICE, &a->flavour, "tsan|asan|both", "which sanitizer watches; default both"},
        {"--jobs", FTF_OPTION_NUMBER, &a->jobs, "N", "workers; default one for each CPU"},
        {"--seed", FTF_OPTION_NUMBER, &a->seed, "N", "of all randomness; default: drawn, and printed"},
        {"--out", FTF_OPTION_TEXT, &a->out, "DIR", "everything goes to DIR/<target>; default out"},
        {"--json", FTF_OPTION_FLAG, &a->json, NULL, "check.json on standard output as well"},
        {0},
    };
    const ftf_usage usage = {
        .command = "check",
        .operand = "TARGET",
        .summary = "Says whether a module can be released for Python without the GIL, and how much was looked at.",
        .rows = rows,
        .notes = "Measures whether it pays, fuzzes as `ftfuzz fuzz` does, replays and minimizes what that finds, and\n"
                 "writes DIR/<target>/check.html (one file, for people) and check.json (harness/cli/check.h). TARGET\n"
                 "is what `ftfuzz fuzz` takes.\n\n"
                 "Counts begin anew with each check; findings of earlier campaigns in the same folder are kept.\n"
                 "Ctrl-C ends it with what is known by then. Exit codes: 0 no finding is blamed on the extension,\n"
                 "1 there is one, 2 usage or set-up, 3 a bug of ftfuzz itself."};
    ftf_status status = ftf_options_parse(&usage, argc, argv, &a->spec, &a->help, err);
    if (status == FTF_OK && a->help) {
        ftf_options_help(&usage, stdout);
        return FTF_OK;
    }
    if (status == FTF_OK && a->jobs > FTF_CAMPAIGN_WORKERS_MAX) {
        return ftf_fail(err, FTF_USAGE, "--jobs is at most %d", FTF_CAMPAIGN_WORKERS_MAX);
    }
    if (status == FTF_OK && a->time_s < TIME_MIN_S) {
        return ftf_fail(err, FTF_USAGE, "--time is at least %d: less says nothing", TIME_MIN_S);
    }
    return status;
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static uint64_t at_most(uint64_t value, uint64_t most) { return value < most ? value : most; }

static uint64_t pays_seconds(uint64_t time_s) {
    uint64_t share = at_most(time_s / PAYS_SHARE, PAYS_MAX_S);
    return share > PAYS_MIN_S ? share : PAYS_MIN_S;
}

/* Shares out what is left until the deadline. */
static void plan(ftf_campaign_options *options, uint64_t deadline_ms) {
    uint64_t now_ms = ftf_proc_now_ms(), end_ms = deadline_ms - CLOSING_MS;
    uint64_t left_ms = now_ms < end_ms ? end_ms - now_ms : 1;
    options->deadline_ms = end_ms;
    options->time_ms = left_ms;
    options->reserve_ms = at_most(left_ms / RESERVE_SHARE, RESERVE_MAX_S * 1000);
    options->confirm_ms = options->reserve_ms / CONFIRM_SHARE;
    options->follow_up_ms = options->reserve_ms - options->confirm_ms;
    options->minimize_ms = options->follow_up_ms / MINIMIZE_SHARE;
}

/* ---- the document and its page ----------------------------------------------------------------------------------- */

static ftf_status write_document(const ftf_check *check, const json_t *document, bool print, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    char *text = json_dumps(document, JSON_INDENT(1));
    FTF_ASSERT(text != NULL);
    ftf_status status = ftf_fs_join(path, check->drive->out, "check.json", err);
    status = status == FTF_OK ? ftf_fs_write(path, text, strlen(text), err) : status;
    if (status == FTF_OK && print) {
        puts(text);
        fflush(stdout);
    }
    free(text);
    return status;
}

/* An error on the way does not hide what was found: the verdict comes first, the error last. */
static ftf_status tell(const ftf_check *check, bool json, ftf_error *err) {
    json_t *document;
    ftf_status status = ftf_check_to_json(check, &document, err);
    if (status != FTF_OK) {
        return status;
    }
    status = ftf_summary_write(check->campaign, err);
    status = status == FTF_OK ? write_document(check, document, json, err) : status;
    status = status == FTF_OK ? ftf_page_write(check->drive, err) : status;
    if (!json) {
        ftf_check_print(document, status == FTF_OK ? check->drive->out : NULL, stdout);
    }
    json_decref(document);
    return status;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static int judge(ftf_drive *drive, const arguments *a, json_t *pays, uint64_t started_ms, ftf_error *err) {
    ftf_campaign *campaign;
    plan(&drive->options, started_ms + a->time_s * 1000);
    ftf_status status = ftf_drive_campaign(drive, &campaign, err);
    if (campaign == NULL) {
        return ftf_command_fail(err);
    }
    ftf_error late = {0};
    const ftf_check check = {.drive = drive,
                             .campaign = campaign,
                             .pays = pays,
                             .budget_s = a->time_s,
                             .seconds = (double)(ftf_proc_now_ms() - started_ms) / 1000.0,
                             .interrupted = ftf_stop_signals != 0};
    bool told = ftf_drive_told(campaign, status) || check.interrupted;
    ftf_status written = told ? tell(&check, a->json, &late) : FTF_OK;
    int code = ftf_summary_exit(campaign);
    ftf_campaign_close(campaign);
    if (status != FTF_OK) {
        return ftf_command_fail(err);
    }
    return written == FTF_OK ? code : ftf_command_fail(&late);
}

static int check(const arguments *a, const char *command, ftf_error *err) {
    static ftf_drive drive;
    drive.options = (ftf_campaign_options){.command = command,
                                           .jobs = (uint32_t)a->jobs,
                                           .schedule = "auto",
                                           .seed = a->seed,
                                           .rss_limit_kib = FTF_WORKER_RSS_LIMIT_MIB * 1024,
                                           .cold_percent = FTF_WORKER_COLD_PERCENT,
                                           .exercise = true,
                                           .quiet = a->json};
    if (ftf_drive_open(&drive, a->spec, a->flavour, a->out, err) != FTF_OK) {
        ftf_drive_close(&drive);
        return ftf_command_fail(err);
    }
    uint64_t started_ms = ftf_proc_now_ms(), seconds = pays_seconds(a->time_s);
    if (!a->json) {
        fprintf(stderr, "ftfuzz: measuring what it is worth to go without the GIL, for %" PRIu64 " s\n", seconds);
    }
    json_t *pays = ftf_stop_signals == 0 ? ftf_pays_measure(&drive, seconds) : NULL;
    int code = judge(&drive, a, pays, started_ms, err);
    json_decref(pays);
    ftf_drive_close(&drive);
    return code;
}

int ftf_command_check(int argc, char **argv) {
    arguments a = {.flavour = "both", .out = "out", .time_s = TIME_DEFAULT_S};
    ftf_error err = {0};
    if (parse(argc, argv, &a, &err) != FTF_OK) {
        return ftf_command_fail(&err);
    }
    if (a.help) {
        return FTF_EXIT_CLEAN;
    }
    a.seed = a.seed != 0 ? a.seed : ftf_drive_draw_seed();
    ftf_stop_on_signals();
    ftf_text command = {0};
    ftf_drive_join_command(argc, argv, &command);
    int code = check(&a, command.data, &err);
    ftf_text_release(&command);
    return code;
}
