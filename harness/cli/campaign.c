/*
 * Reading order: ftf_campaign_run (the loop), attend (one worker), on_death (what an end means), file_spool, then
 * opening and closing.
 */
#include "cli/campaign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "findings/crash.h"
#include "ftfuzz_config.h"

enum {
    STOP_GRACE_MS = 700, /* for workers to end by themselves; what they report is on disk before */
    ATTEMPT_JOBS_MAX = 16,
    ATTEMPT_DEADLINE_MS = 60 * 1000,
};

/* ---- filing ------------------------------------------------------------------------------------------------------ */

static uint64_t elapsed_ms(const ftf_campaign *campaign) {
    return campaign->started_ms > 0 ? ftf_proc_now_ms() - campaign->started_ms : 0;
}

static bool is_blamed(const ftf_entry *entry) { return strcmp(entry->blame, "extension") == 0; }

static bool is_wanted(const ftf_campaign *campaign, const ftf_entry *entry) {
    const ftf_campaign_options *o = &campaign->options;
    if (o->until_any && is_blamed(entry)) {
        return true;
    }
    return o->until != NULL && regexec(o->until, entry->signature, 0, NULL, 0) == 0;
}

static ftf_counters count(const ftf_campaign *campaign) {
    ftf_counters sum = {0};
    for (uint32_t i = 0; i < campaign->worker_count; i++) {
        ftf_worker_add_counters(campaign->workers[i], &sum);
    }
    return sum;
}

/* What had been spent when the record was made. That of its own process is in the record, since filing comes later; cold
   processes are many and short, for them the last look does. */
static ftf_counters spent(const ftf_campaign *campaign, const ftf_filed *filed) {
    ftf_counters sum = {0};
    for (uint32_t i = 0; i < campaign->worker_count; i++) {
        const ftf_worker *worker = campaign->workers[i];
        if (ftf_worker_has(worker, filed->worker)) {
            ftf_worker_add_earlier(worker, &sum);
            sum.scenarios += filed->sequence;
            sum.runs += filed->runs;
            sum.cpu_us += filed->cpu_us;
        } else {
            ftf_worker_add_counters(worker, &sum);
        }
    }
    return sum;
}

const ftf_campaign_hit *ftf_campaign_find_hit(const ftf_campaign *campaign, const char *id) {
    for (uint32_t i = 0; i < campaign->hit_count; i++) {
        if (strcmp(campaign->hits[i].id, id) == 0) {
            return &campaign->hits[i];
        }
    }
    return NULL;
}

/* ftf_on_filed: remembers when a finding was first seen here, says so, and stops the campaign at the wanted one. */
static void on_filed(void *self, const ftf_filed *filed) {
    ftf_campaign *campaign = self;
    const ftf_entry *entry = filed->entry;
    if (entry == NULL || ftf_campaign_find_hit(campaign, entry->id) != NULL) {
        return;
    }
    bool wanted = is_wanted(campaign, entry);
    campaign->enough = campaign->enough || wanted;
    if (campaign->hit_count < FTF_CAMPAIGN_HITS_MAX) {
        ftf_campaign_hit *hit = &campaign->hits[campaign->hit_count++];
        snprintf(hit->id, sizeof hit->id, "%s", entry->id);
        hit->after_ms = elapsed_ms(campaign);
        ftf_counters until = spent(campaign, filed);
        hit->scenarios = until.scenarios;
        hit->runs = until.runs;
        hit->cpu_us = until.cpu_us;
        hit->wanted = wanted;
    }
    char when[16];
    /* Lines for the first ones only: a module with a hundred races would bury everything else. The table has all. */
    bool blamed = is_blamed(entry);
    campaign->said += blamed;
    if (!campaign->options.quiet && blamed && campaign->said <= FTF_CAMPAIGN_SAID_MAX) {
        ftf_progress_view_say(&campaign->view, "%s  %s (%s)  %s%s", ftf_progress_time(elapsed_ms(campaign), when),
                              entry->kind, entry->flavour, entry->title,
                              filed->filing == FTF_FILED_NEW ? "" : "  (known)");
    }
    if (!campaign->options.quiet && blamed && campaign->said == FTF_CAMPAIGN_SAID_MAX) {
        ftf_progress_view_say(&campaign->view, "further findings are counted, not printed");
    }
}

static ftf_status file_spool(ftf_campaign *campaign, ftf_error *err) {
    campaign->spool_ms = ftf_proc_now_ms();
    return ftf_store_drain_spool(campaign->store, campaign->spool, on_filed, campaign, err);
}

static ftf_status file_record(ftf_campaign *campaign, const ftf_record *record, ftf_filed *filed, ftf_error *err) {
    ftf_status status = ftf_store_add(campaign->store, record, filed, err);
    if (status == FTF_OK) {
        on_filed(campaign, filed);
    }
    return status;
}

/* The module re-enables the GIL: a finding that import shows, not a scenario. */
static ftf_status file_gil(ftf_campaign *campaign, ftf_error *err) {
    const ftf_catalog *catalog = campaign->options.learnt->catalog;
    if (strcmp(catalog->gil, "not-declared") != 0) {
        return FTF_OK;
    }
    ftf_record *record = ftf_record_create();
    char detail[300];
    snprintf(detail, sizeof detail, "importing %s switches the GIL back on: it does not declare Py_mod_gil",
             catalog->import_name);
    snprintf(record->kind, sizeof record->kind, "gil-not-declared");
    snprintf(record->flavour, sizeof record->flavour, "plain");
    snprintf(record->section, sizeof record->section, "import");
    record->target = strdup(catalog->target);
    record->detail = strdup(detail);
    ftf_text text = {0};
    ftf_text_printf(&text, "ftfuzz 1\ntarget %s\nsetup\nthread\nfinish\nschedule free\n", catalog->target);
    record->scenario = strdup(text.data);
    record->original = strdup(text.data);
    ftf_text_release(&text);
    FTF_ASSERT(record->target != NULL && record->detail != NULL && record->scenario != NULL &&
               record->original != NULL);
    record->sequence = 1;
    ftf_filed filed = {0};
    ftf_status status = file_record(campaign, record, &filed, err);
    ftf_record_destroy(record);
    if (status == FTF_OK && filed.entry != NULL) {
        const ftf_replay once = {.k = 1, .n = 1, .sequence = 1}; /* every import shows it */
        char id[FTF_FINDING_ID_MAX];
        snprintf(id, sizeof id, "%s", filed.entry->id);
        status = ftf_store_set_replay(campaign->store, id, &once, err);
    }
    return status;
}

/* ---- deaths ------------------------------------------------------------------------------------------------------ */

/* Keeps what is needed to understand a worker's end that was our fault. */
static void keep_bug(const ftf_campaign *campaign, const ftf_worker *worker, const ftf_worker_death *death) {
    char folder[FTF_FS_PATH_MAX], to[FTF_FS_PATH_MAX];
    const char *const from[] = {death->stderr_path, death->blackbox_path};
    if (ftf_path(folder, NULL, "%s/bugs", campaign->options.out) != FTF_OK ||
        ftf_fs_make_dirs(folder, NULL) != FTF_OK) {
        return;
    }
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        ftf_text text = {0};
        if (ftf_path(to, NULL, "%s/%s-%" PRIu64 ".%s", folder, ftf_worker_name(worker), (uint64_t)time(NULL),
                     i == 0 ? "err" : "box") == FTF_OK &&
            ftf_fs_read_tail(from[i], FTF_FS_READ_MAX, &text, NULL) == FTF_OK) {
            ftf_fs_write(to, text.data, text.len, NULL);
        }
        ftf_text_release(&text);
    }
}

/* A scenario that ended a process must not do so at every start. */
static void set_aside(const ftf_campaign *campaign, const ftf_record *record) {
    if (record != NULL && record->original != NULL) {
        ftf_corpus_quarantine(campaign->shared, record->original);
    }
}

static ftf_status on_bug(ftf_campaign *campaign, ftf_worker *worker, const ftf_worker_death *death, const char *text) {
    campaign->bugs++;
    keep_bug(campaign, worker, death);
    ftf_progress_view_say(&campaign->view, "a bug of ftfuzz in worker %s: %s", ftf_worker_name(worker), text);
    campaign->gave_up = campaign->gave_up || campaign->bugs >= FTF_CAMPAIGN_BUGS_MAX;
    return FTF_OK;
}

/* A dead process is called as its black box is, which is how it would have signed the record. */
static void name_process(ftf_record *record, const ftf_worker_death *death) {
    const char *slash = strrchr(death->blackbox_path, '/');
    const char *name = slash != NULL ? slash + 1 : death->blackbox_path;
    snprintf(record->worker, sizeof record->worker, "%.*s", (int)(strlen(name) - strlen(".box")), name);
}

static ftf_status act(ftf_campaign *campaign, ftf_worker *worker, const ftf_worker_death *death, const ftf_crash *crash,
                      ftf_error *err) {
    char folder[FTF_FS_PATH_MAX], name[64];
    ftf_filed filed = {0};
    ftf_status status = FTF_OK;
    switch (crash->death) {
    case FTF_DEATH_NONE: /* libFuzzer never ends by itself under our options */
        return on_bug(campaign, worker, death, "it ended although nobody had asked it to");
    case FTF_DEATH_BUG: return on_bug(campaign, worker, death, crash->text);
    case FTF_DEATH_SETUP: return ftf_fail(err, FTF_SETUP, "%s", crash->text);
    case FTF_DEATH_FINDING:
        ftf_worker_forgive(worker);
        set_aside(campaign, crash->record);
        name_process(crash->record, death);
        return file_record(campaign, crash->record, &filed, err);
    case FTF_DEATH_SLOW:
        ftf_worker_forgive(worker);
        set_aside(campaign, crash->record);
        return FTF_OK;
    case FTF_DEATH_KILLED:
        if (crash->record != NULL) {
            set_aside(campaign, crash->record);
            snprintf(name, sizeof name, "%s-%u", ftf_worker_name(worker), campaign->deaths);
            status = ftf_path(folder, err, "%s/restarts", campaign->options.out);
            if (status == FTF_OK && (status = ftf_fs_make_dirs(folder, err)) == FTF_OK) {
                status = ftf_record_write(crash->record, folder, name, err);
            }
        }
        ftf_progress_view_say(&campaign->view, "worker %s was killed (%s); starting another", ftf_worker_name(worker),
                              crash->text);
        return status;
    }
    return status;
}

static ftf_status on_death(ftf_campaign *campaign, ftf_worker *worker, const ftf_worker_death *death, ftf_error *err) {
    campaign->deaths++;
    if (death->intended || death->in_order) {
        return FTF_OK;
    }
    ftf_crash_options options = {.blackbox_path = death->blackbox_path,
                                 .stderr_path = death->stderr_path,
                                 .flavour = ftf_flavour_name(ftf_worker_flavour(worker)),
                                 .end = death->end};
    ftf_crash crash = {0};
    ftf_status status = ftf_crash_judge(&options, &crash, err);
    if (status == FTF_OK) {
        status = act(campaign, worker, death, &crash, err);
    }
    bool excused = crash.death == FTF_DEATH_FINDING || crash.death == FTF_DEATH_SLOW;
    if (status == FTF_OK && death->hopeless && !excused && !campaign->gave_up) {
        campaign->gave_up = true;
        ftf_progress_view_say(&campaign->view, "%d workers in a row ended before their second scenario; giving up: %s",
                              FTF_WORKER_EARLY_MAX, crash.text);
    }
    ftf_crash_release(&crash);
    return status;
}

/* What one worker found goes to the corpus, and to the others while they run. */
static ftf_status exchange(ftf_campaign *campaign, const ftf_worker *from, ftf_error *err) {
    ftf_names names = {0};
    ftf_status status = ftf_corpus_share(campaign->shared, ftf_worker_corpus(from), &names, err);
    for (uint32_t i = 0; i < campaign->worker_count && names.count > 0; i++) {
        if (campaign->workers[i] != from) {
            ftf_corpus_give(campaign->shared, &names, ftf_worker_corpus(campaign->workers[i]));
        }
    }
    ftf_names_release(&names);
    return status;
}

static ftf_status exchange_all(ftf_campaign *campaign, ftf_error *err) {
    ftf_status status = FTF_OK;
    campaign->exchange_ms = ftf_proc_now_ms();
    for (uint32_t i = 0; i < campaign->worker_count && status == FTF_OK; i++) {
        status = exchange(campaign, campaign->workers[i], err);
    }
    return status;
}

static ftf_status attend(ftf_campaign *campaign, ftf_worker *worker, ftf_error *err) {
    ftf_worker_death death;
    ftf_status status = ftf_worker_tick(worker, ftf_proc_now_ms(), &death, err);
    if (status == FTF_OK && death.happened) {
        /* First what it still reported itself, so that findings are filed in the order they were seen. */
        status = file_spool(campaign, err);
        if (status == FTF_OK) {
            status = exchange(campaign, worker,
                              err); /* before its folder is made anew, and before anything is set aside */
        }
        return status == FTF_OK ? on_death(campaign, worker, &death, err) : status;
    }
    return status;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static void count_kind(ftf_progress_snapshot *snapshot, const char *kind) {
    for (uint32_t i = 0; i < snapshot->kind_count; i++) {
        if (strcmp(snapshot->kinds[i].kind, kind) == 0) {
            snapshot->kinds[i].count++;
            return;
        }
    }
    if (snapshot->kind_count < FTF_PROGRESS_KINDS_MAX) {
        snapshot->kinds[snapshot->kind_count].kind = kind;
        snapshot->kinds[snapshot->kind_count++].count = 1;
    }
}

static void draw(ftf_campaign *campaign) {
    ftf_progress_snapshot snapshot = {
        .elapsed_ms = elapsed_ms(campaign), .limit_ms = campaign->options.time_ms, .counters = count(campaign)};
    for (size_t i = 0; i < ftf_store_count(campaign->store); i++) {
        const ftf_entry *entry = ftf_store_at(campaign->store, i);
        if (entry->count_here == 0) {
            continue;
        }
        if (is_blamed(entry)) {
            snapshot.blamed++;
            count_kind(&snapshot, entry->kind);
        } else {
            snapshot.other++;
        }
    }
    ftf_progress_view_update(&campaign->view, &snapshot, ftf_proc_now_ms());
}

/* What was found wants time for its replays. */
static uint64_t reserve_ms(const ftf_campaign *campaign) {
    const ftf_campaign_options *o = &campaign->options;
    return o->reserve_ms > 0 && ftf_campaign_blamed(campaign) > 0 ? o->reserve_ms : 0;
}

static bool is_over(const ftf_campaign *campaign) {
    const ftf_campaign_options *o = &campaign->options;
    return campaign->enough || campaign->gave_up || *o->stop > 0 ||
           (o->time_ms > 0 && elapsed_ms(campaign) + reserve_ms(campaign) >= o->time_ms) ||
           (o->cpu_ms > 0 && count(campaign).cpu_us >= o->cpu_ms * 1000);
}

static void stop_workers(ftf_campaign *campaign) {
    for (uint32_t i = 0; i < campaign->worker_count; i++) {
        ftf_worker_ask_to_stop(campaign->workers[i]);
    }
    uint64_t deadline_ms = ftf_proc_now_ms() + STOP_GRACE_MS;
    for (uint32_t i = 0; i < campaign->worker_count; i++) {
        ftf_worker_stop(campaign->workers[i], deadline_ms);
    }
}

ftf_status ftf_campaign_run(ftf_campaign *campaign, ftf_error *err) {
    const struct timespec pause = {.tv_nsec = FTF_CAMPAIGN_TICK_MS * 1000000L};
    campaign->started_ms = ftf_proc_now_ms();
    ftf_status status = file_gil(campaign, err);
    while (status == FTF_OK && !is_over(campaign)) {
        for (uint32_t i = 0; i < campaign->worker_count && status == FTF_OK; i++) {
            status = attend(campaign, campaign->workers[i], err);
        }
        if (status == FTF_OK && ftf_proc_now_ms() - campaign->spool_ms >= FTF_CAMPAIGN_SPOOL_MS) {
            status = file_spool(campaign, err);
        }
        if (status == FTF_OK && ftf_proc_now_ms() - campaign->exchange_ms >= FTF_CAMPAIGN_EXCHANGE_MS) {
            status = exchange_all(campaign, err);
        }
        draw(campaign);
        nanosleep(&pause, NULL);
    }
    stop_workers(campaign);
    if (status == FTF_OK && (status = file_spool(campaign, err)) == FTF_OK) {
        status = exchange_all(campaign, err);
    }
    campaign->ended_ms = ftf_proc_now_ms();
    campaign->counters = count(campaign);
    ftf_progress_view_clear(&campaign->view);
    return status;
}

uint32_t ftf_campaign_blamed(const ftf_campaign *campaign) {
    uint32_t blamed = 0;
    for (size_t i = 0; i < ftf_store_count(campaign->store); i++) {
        const ftf_entry *entry = ftf_store_at(campaign->store, i);
        blamed += is_blamed(entry) && entry->count_here > 0;
    }
    return blamed;
}

/* ---- opening and closing ----------------------------------------------------------------------------------------- */

/* Files what a campaign that was killed had left in the spool, then empties the work folder. */
static ftf_status clean_work(ftf_campaign *campaign, ftf_error *err) {
    ftf_status status = FTF_OK;
    if (ftf_fs_is_dir(campaign->spool)) {
        status = ftf_store_drain_spool(campaign->store, campaign->spool, NULL, NULL, err);
    }
    if (status == FTF_OK) {
        status = ftf_fs_remove_tree(campaign->work, err);
    }
    return status == FTF_OK ? ftf_fs_make_dirs(campaign->spool, err) : status;
}

/* Flavours take turns over the places, one place a CPU; with fewer places than flavours, each still gets one. */
static ftf_status create_workers(ftf_campaign *campaign, ftf_error *err) {
    const ftf_campaign_options *o = &campaign->options;
    uint32_t flavour_count = 0, index[FTF_FLAVOUR_COUNT] = {0};
    for (int f = 0; f < FTF_FLAVOUR_COUNT; f++) {
        flavour_count += o->flavours[f];
    }
    uint32_t places = o->jobs > flavour_count ? o->jobs : flavour_count;
    bool free = strcmp(o->schedule, "free") == 0; /* lanes of a pinned process would never run at the same time */
    ftf_status status = FTF_OK;
    for (int f = 0; campaign->worker_count < places && status == FTF_OK; f = (f + 1) % FTF_FLAVOUR_COUNT) {
        if (!o->flavours[f]) {
            continue;
        }
        ftf_worker_options options = {.paths = o->paths,
                                      .target = o->target,
                                      .flavour = (ftf_flavour)f,
                                      .index = (int)index[f]++,
                                      .cpu = free ? FTF_PROC_ANY_CPU
                                                  : ftf_proc_cpu_at((int)campaign->worker_count % ftf_proc_cpu_count()),
                                      .seed = o->seed,
                                      .schedule = o->schedule,
                                      .no_feedback = o->no_feedback,
                                      .no_delays = o->no_delays,
                                      .catalog = o->learnt->path,
                                      .work = campaign->work,
                                      .spool = campaign->spool,
                                      .corpus = campaign->corpus,
                                      .rss_limit_kib = o->rss_limit_kib,
                                      .cold_percent = o->cold_percent,
                                      .exercise = o->exercise};
        status = ftf_worker_create(&options, &campaign->workers[campaign->worker_count], err);
        campaign->worker_count += status == FTF_OK;
    }
    return status;
}

ftf_status ftf_campaign_open(const ftf_campaign_options *options, ftf_campaign **out, ftf_error *err) {
    ftf_campaign *campaign = calloc(1, sizeof *campaign);
    FTF_ASSERT(campaign != NULL);
    *out = NULL;
    campaign->options = *options;
    const char *seeds[] = {options->target->seeds, options->learnt->seeds, NULL};
    ftf_progress_view_init(&campaign->view, options->quiet);
    ftf_status status = ftf_path(campaign->work, err, "%s/work", options->out);
    if (status == FTF_OK && (status = ftf_path(campaign->spool, err, "%s/spool", campaign->work)) == FTF_OK &&
        (status = ftf_path(campaign->corpus, err, "%s/corpus", options->out)) == FTF_OK &&
        (status = ftf_path(campaign->quarantine, err, "%s/quarantine", options->out)) == FTF_OK) {
        status = ftf_symbolizer_create(&campaign->symbolizer, err);
    }
    if (status == FTF_OK) {
        ftf_store_options store = {.folder = options->out,
                                   .symbolizer = campaign->symbolizer,
                                   .catalog = options->learnt->catalog,
                                   .python_version = options->learnt->catalog->python,
                                   .compiler = "clang " FTF_CONFIG_LLVM,
                                   .campaign = options->command};
        status = ftf_store_open(&store, &campaign->store, err);
    }
    if (status == FTF_OK && (status = clean_work(campaign, err)) == FTF_OK &&
        (status = ftf_corpus_open(campaign->corpus, campaign->quarantine, seeds, ~options->seed, &campaign->shared,
                                  err)) == FTF_OK) {
        status = create_workers(campaign, err);
    }
    if (status != FTF_OK) {
        ftf_campaign_close(campaign);
        return status;
    }
    *out = campaign;
    return FTF_OK;
}

bool ftf_campaign_goes_on(void *campaign) {
    const ftf_campaign_options *o = &((const ftf_campaign *)campaign)->options;
    return *o->stop == 0 && (o->deadline_ms == 0 || ftf_proc_now_ms() < o->deadline_ms);
}

ftf_attempt_options ftf_campaign_attempts(ftf_campaign *campaign, ftf_flavour flavour, const char *paths[2]) {
    const ftf_campaign_options *o = &campaign->options;
    const char *path = o->target->path[flavour];
    int cpus = ftf_proc_cpu_count();
    paths[0] = *path != '\0' ? path : NULL;
    paths[1] = NULL;
    if (campaign->crews[flavour] == NULL) {
        campaign->crews[flavour] = ftf_crew_create();
    }
    return (ftf_attempt_options){.worker = o->paths->worker[flavour],
                                 .flavour = ftf_flavour_name(flavour),
                                 .home = o->paths->python[flavour],
                                 .paths = paths,
                                 .catalog_path = o->learnt->path,
                                 .catalog = o->learnt->catalog,
                                 .symbolizer = campaign->symbolizer,
                                 .scratch = campaign->work,
                                 .jobs = (uint32_t)(cpus < ATTEMPT_JOBS_MAX ? cpus : ATTEMPT_JOBS_MAX),
                                 .zygote = true,
                                 .crew = campaign->crews[flavour],
                                 .deadline_ms = ATTEMPT_DEADLINE_MS,
                                 .tick = ftf_campaign_goes_on,
                                 .self = campaign};
}

ftf_exercise *ftf_campaign_exercise(const ftf_campaign *campaign, ftf_error *err) {
    ftf_exercise *sum = ftf_exercise_open(NULL, err);
    for (uint32_t i = 0; sum != NULL && i < campaign->worker_count; i++) {
        if (ftf_worker_add_exercise(campaign->workers[i], sum, err) != FTF_OK) {
            ftf_exercise_close(sum);
            return NULL;
        }
    }
    return sum;
}

void ftf_campaign_close(ftf_campaign *campaign) {
    for (int f = 0; f < FTF_FLAVOUR_COUNT; f++) {
        ftf_crew_destroy(campaign->crews[f]);
    }
    for (uint32_t i = 0; i < campaign->worker_count; i++) {
        ftf_worker_destroy(campaign->workers[i]);
    }
    ftf_corpus_close(campaign->shared);
    if (campaign->store != NULL) {
        ftf_store_close(campaign->store, NULL);
    }
    if (campaign->symbolizer != NULL) {
        ftf_symbolizer_destroy(campaign->symbolizer);
    }
    free(campaign);
}
