#include "reduce/attempt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/zygote.h"
#include "findings/crash.h"

/*
 * Reading order: starting one process, judging one that ended, the loop over n of them.
 *
 * A job is a place for one process at a time. Its folder is new for each process: what a killed worker left in a spool
 * must not count for the next.
 */

enum {
    TICK_MS = 5,
    BROKEN_MAX = 3, /* so many processes that fail for a reason of ours mean that nothing can be measured */
    ARGUMENTS_MAX = 64,
};

typedef struct job {
    ftf_proc proc; /* pid 0: idle */
    char folder[FTF_FS_PATH_MAX];
    uint64_t until_ms;
} job;

struct ftf_crew {
    ftf_zygote *zygotes[FTF_ATTEMPT_JOBS_MAX]; /* one for each place; NULL: not yet needed */
};

typedef struct attempt {
    const ftf_attempt_options *options;
    ftf_crew *crew;
    const char *signature; /* NULL: any */
    uint32_t n;
    char folder[FTF_FS_PATH_MAX];   /* below scratch; removed at the end */
    char scenario[FTF_FS_PATH_MAX]; /* the file to replay */
    uint32_t started;
    uint32_t running;
    job jobs[FTF_ATTEMPT_JOBS_MAX];
    uint32_t job_count;
    ftf_attempt_result *result;
} attempt;

/* ---- starting ---------------------------------------------------------------------------------------------------- */

/* The worker's arguments, in one block of memory. */
typedef struct command {
    const char *argv[ARGUMENTS_MAX];
    size_t count;
    char *owned[ARGUMENTS_MAX];
    size_t owned_count;
} command;

static void add_argument(command *c, const char *argument) {
    FTF_ASSERT(c->count + 1 < ARGUMENTS_MAX);
    c->argv[c->count++] = argument;
    c->argv[c->count] = NULL;
}

static void add_option(command *c, const char *name, const char *value) {
    ftf_text text = {0};
    ftf_text_printf(&text, "--%s=%s", name, value);
    c->owned[c->owned_count++] = text.data;
    add_argument(c, text.data);
}

static void release_command(command *c) {
    for (size_t i = 0; i < c->owned_count; i++) {
        free(c->owned[i]);
    }
}

static int cpu_of(const attempt *a, uint32_t slot) {
    return a->options->first_cpu < 0 ? FTF_PROC_ANY_CPU : ftf_proc_cpu_at(a->options->first_cpu + (int)slot);
}

/* The artifact prefix keeps libFuzzer from leaving its crash file in the folder that a person happens to be in. */
static void make_command(const attempt *a, const job *j, const char *blackbox, const char *spool, int cpu, command *c) {
    const ftf_attempt_options *o = a->options;
    *c = (command){0};
    add_argument(c, o->worker);
    add_option(c, "catalog", o->catalog_path);
    add_option(c, "home", o->home);
    for (size_t i = 0; o->paths && o->paths[i]; i++) {
        add_option(c, "path", o->paths[i]);
    }
    add_option(c, "blackbox", blackbox);
    add_option(c, "spool", spool);
    add_option(c, "name", "replay");
    if (cpu >= 0) {
        char digits[16];
        (void)snprintf(digits, sizeof digits, "%d", cpu);
        add_option(c, "cpu", digits);
    }
    add_option(c, "replay", a->scenario);
    ftf_text artifacts = {0};
    ftf_text_printf(&artifacts, "-artifact_prefix=%s/", j->folder);
    c->owned[c->owned_count++] = artifacts.data;
    add_argument(c, artifacts.data);
    for (size_t i = 0; o->extra && o->extra[i]; i++) {
        add_argument(c, o->extra[i]);
    }
}

static ftf_status start_job(attempt *a, uint32_t slot, ftf_error *err) {
    job *j = &a->jobs[slot];
    char blackbox[FTF_FS_PATH_MAX], spool[FTF_FS_PATH_MAX], output[FTF_FS_PATH_MAX];
    ftf_status status = ftf_fs_make_temporary_dir(a->folder, j->folder, err);
    status = status == FTF_OK ? ftf_fs_join(blackbox, j->folder, "blackbox", err) : status;
    status = status == FTF_OK ? ftf_fs_join(output, j->folder, "stderr", err) : status;
    status = status == FTF_OK ? ftf_fs_join(spool, j->folder, "spool", err) : status;
    status = status == FTF_OK ? ftf_fs_make_dirs(spool, err) : status;
    if (status != FTF_OK) {
        return status;
    }
    command c;
    int cpu = cpu_of(a, slot);
    make_command(a, j, blackbox, spool, cpu, &c);
    ftf_proc_options options = {
        .argv = c.argv, .stdout_path = output, .stderr_path = output, .cwd = j->folder, .cpu = cpu};
    status = a->options->zygote ? ftf_zygote_spawn(&a->crew->zygotes[slot], &options, &j->proc, err)
                                : ftf_proc_spawn(&options, &j->proc, err);
    release_command(&c);
    if (status == FTF_OK) {
        uint64_t deadline = a->options->deadline_ms ? a->options->deadline_ms : FTF_ATTEMPT_DEADLINE_MS;
        j->until_ms = ftf_proc_now_ms() + deadline;
        a->started++;
        a->running++;
    }
    return status;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

/* What one process showed. */
typedef struct sight {
    bool matched, any;
    uint32_t steals;
    bool counted[FTF_ATTEMPT_OTHERS_MAX]; /* others that this process was counted for already */
} sight;

static void note_other(ftf_attempt_result *result, sight *seen, const ftf_finding *finding) {
    uint32_t i = 0;
    while (i < result->other_count && strcmp(result->others[i].id, ftf_finding_id(finding)) != 0) {
        i++;
    }
    if (i == FTF_ATTEMPT_OTHERS_MAX) {
        return;
    }
    if (i == result->other_count) {
        result->other_count++;
        (void)snprintf(result->others[i].id, sizeof result->others[i].id, "%s", ftf_finding_id(finding));
        (void)snprintf(result->others[i].title, sizeof result->others[i].title, "%s", ftf_finding_title(finding));
    }
    if (!seen->counted[i]) {
        seen->counted[i] = true;
        result->others[i].seen++;
    }
}

static ftf_status look_at(attempt *a, const ftf_record *record, sight *seen, ftf_error *err) {
    ftf_finding *finding = NULL;
    ftf_status status = ftf_finding_from_record(a->options->symbolizer, a->options->catalog, record, &finding, err);
    if (status != FTF_OK) {
        return status;
    }
    bool wanted = a->signature && strcmp(ftf_finding_signature(finding), a->signature) == 0;
    if (!wanted && ftf_finding_known(finding, NULL)) {
        ftf_finding_destroy(finding);
        return FTF_OK; /* a campaign would not file it, either */
    }
    bool ours = strcmp(ftf_finding_blame(finding), "harness") == 0;
    if (!ours && (wanted || !a->signature)) {
        seen->matched = true;
        seen->steals = record->steals > seen->steals ? (uint32_t)record->steals : seen->steals;
    }
    if (!ours && !wanted) {
        note_other(a->result, seen, finding);
    }
    if (!ours && a->options->on_seen) {
        a->options->on_seen(a->options->witness, record, finding);
    }
    seen->any = true;
    ftf_finding_destroy(finding);
    return FTF_OK;
}

static ftf_status look_at_spool(attempt *a, const job *j, sight *seen, ftf_error *err) {
    char spool[FTF_FS_PATH_MAX], path[FTF_FS_PATH_MAX];
    ftf_names names;
    ftf_status status = ftf_fs_join(spool, j->folder, "spool", err);
    if (status != FTF_OK) {
        return status;
    }
    status = ftf_fs_list(spool, &names, err);
    for (size_t i = 0; i < names.count && status == FTF_OK; i++) {
        ftf_record *record = NULL;
        status = ftf_fs_join(path, spool, names.names[i], err);
        status = status == FTF_OK ? ftf_record_read(path, &record, err) : status;
        status = status == FTF_OK ? look_at(a, record, seen, err) : status;
        ftf_record_destroy(record);
    }
    ftf_names_release(&names);
    return status;
}

static void count_sight(ftf_attempt_result *result, const sight *seen) {
    result->n++;
    result->silent += !seen->any;
    if (seen->matched) {
        result->k++;
        result->steals = seen->steals > result->steals ? seen->steals : result->steals;
    }
}

static ftf_status judge_job(attempt *a, const job *j, const ftf_proc_end *end, bool too_late, ftf_error *err) {
    char blackbox[FTF_FS_PATH_MAX], output[FTF_FS_PATH_MAX];
    ftf_crash crash = {.death = FTF_DEATH_NONE};
    sight seen = {0};
    ftf_status status = ftf_fs_join(blackbox, j->folder, "blackbox", err);
    status = status == FTF_OK ? ftf_fs_join(output, j->folder, "stderr", err) : status;
    if (status == FTF_OK && !too_late) {
        ftf_crash_options options = {
            .blackbox_path = blackbox, .stderr_path = output, .flavour = a->options->flavour, .end = *end};
        status = ftf_crash_judge(&options, &crash, err);
    }
    if (status == FTF_OK) {
        status = look_at_spool(a, j, &seen, err);
    }
    if (status == FTF_OK && crash.death == FTF_DEATH_FINDING) {
        status = look_at(a, crash.record, &seen, err);
    }
    if (status != FTF_OK) {
        ftf_crash_release(&crash);
        return status;
    }
    if (crash.death == FTF_DEATH_BUG || crash.death == FTF_DEATH_SETUP || crash.death == FTF_DEATH_KILLED) {
        a->result->broken++;
        (void)snprintf(a->result->trouble, sizeof a->result->trouble, "%s", crash.text);
    } else {
        a->result->timeouts += too_late || crash.death == FTF_DEATH_SLOW;
        count_sight(a->result, &seen);
    }
    ftf_crash_release(&crash);
    return FTF_OK;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

/* True when no more processes are needed. Those that still run then are ended without a verdict: with the asked-for
   number reached, each further one would only sharpen a figure that was said to be enough. */
static bool is_decided(const attempt *a) {
    const ftf_attempt_result *r = a->result;
    const ftf_attempt_options *o = a->options;
    return r->n >= a->n || (o->enough && r->k >= o->enough) || (o->hopeless && r->n >= o->hopeless && r->k == 0) ||
           (o->test && ftf_sequential_decide(o->test, r->k, r->n) != FTF_SEQUENTIAL_OPEN) || r->broken >= BROKEN_MAX;
}

static ftf_status finish_job(attempt *a, job *j, const ftf_proc_end *end, bool too_late, ftf_error *err) {
    a->running--;
    ftf_status status = judge_job(a, j, end, too_late, err);
    ftf_status removed = ftf_fs_remove_tree(j->folder, status == FTF_OK ? err : NULL);
    return status == FTF_OK ? removed : status;
}

static ftf_status step(attempt *a, ftf_error *err) {
    ftf_status status = FTF_OK;
    for (uint32_t i = 0; i < a->job_count && status == FTF_OK && !is_decided(a); i++) {
        job *j = &a->jobs[i];
        ftf_proc_end end;
        if (j->proc.pid > 0 && ftf_proc_poll(&j->proc, &end)) {
            status = finish_job(a, j, &end, false, err);
        } else if (j->proc.pid > 0 && ftf_proc_now_ms() >= j->until_ms) {
            ftf_proc_stop(&j->proc, 0, &end);
            status = finish_job(a, j, &end, true, err);
        }
        /* Broken ones are made up for, so more may be started than asked for. */
        bool more = a->result->n + a->running < a->n && !is_decided(a);
        if (status == FTF_OK && j->proc.pid == 0 && more) {
            status = start_job(a, i, err);
        }
    }
    return status;
}

static ftf_status run(attempt *a, ftf_error *err) {
    const ftf_attempt_options *o = a->options;
    ftf_status status = step(a, err);
    while (status == FTF_OK && !is_decided(a)) {
        if (o->tick && !o->tick(o->self)) {
            a->result->gave_up = true;
            return FTF_OK;
        }
        struct timespec nap = {.tv_nsec = TICK_MS * 1000000L};
        (void)nanosleep(&nap, NULL);
        status = step(a, err);
    }
    return status;
}

static ftf_status prepare(attempt *a, const char *text, ftf_error *err) {
    ftf_status status = ftf_fs_make_dirs(a->options->scratch, err);
    status = status == FTF_OK ? ftf_fs_make_temporary_dir(a->options->scratch, a->folder, err) : status;
    if (status != FTF_OK) {
        a->folder[0] = '\0';
        return status;
    }
    status = ftf_fs_make_absolute(a->folder, err);
    if (status != FTF_OK) {
        return status;
    }
    status = ftf_fs_join(a->scenario, a->folder, "scenario.ft", err);
    return status == FTF_OK ? ftf_fs_write_unflushed(a->scenario, text, strlen(text), err) : status;
}

static void clean_up(attempt *a) {
    for (uint32_t i = 0; i < a->job_count; i++) {
        ftf_proc_end end;
        if (a->jobs[i].proc.pid > 0) {
            ftf_proc_stop(&a->jobs[i].proc, 0, &end);
        }
    }
    if (!a->options->crew) {
        ftf_crew_destroy(a->crew);
    }
    if (a->folder[0]) {
        (void)ftf_fs_remove_tree(a->folder, NULL);
    }
}

ftf_crew *ftf_crew_create(void) {
    ftf_crew *crew = calloc(1, sizeof *crew);
    FTF_ASSERT(crew);
    return crew;
}

void ftf_crew_destroy(ftf_crew *crew) {
    for (uint32_t i = 0; crew && i < FTF_ATTEMPT_JOBS_MAX; i++) {
        ftf_zygote_destroy(crew->zygotes[i]);
    }
    free(crew);
}

ftf_status ftf_attempt_replay(const ftf_attempt_options *options, const char *text, const char *signature, uint32_t n,
                              ftf_attempt_result *result, ftf_error *err) {
    *result = (ftf_attempt_result){0};
    attempt *a = calloc(1, sizeof *a);
    FTF_ASSERT(a);
    *a = (attempt){.options = options, .signature = signature, .n = n, .result = result};
    a->crew = options->crew ? options->crew : ftf_crew_create();
    a->job_count = options->jobs == 0                     ? 1
                   : options->jobs > FTF_ATTEMPT_JOBS_MAX ? (uint32_t)FTF_ATTEMPT_JOBS_MAX
                                                          : options->jobs;
    ftf_status status = prepare(a, text, err);
    status = status == FTF_OK ? run(a, err) : status;
    clean_up(a);
    free(a);
    if (status == FTF_OK && result->n == 0 && result->broken > 0) {
        return ftf_fail(err, FTF_SETUP, "the worker cannot replay: %s", result->trouble);
    }
    return status;
}
