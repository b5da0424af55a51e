#include "cli/worker.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/blackbox.h"
#include "base/check.h"
#include "base/rng.h"
#include "base/zygote.h"
#include "cli/corpus.h"
#include "scenario/scenario.h"

enum {
    ARGS_MAX = 40,
    ARG_BYTES = FTF_FS_PATH_MAX + 32,
    NAME_MAX_BYTES = 32,
    READ_MS = 250,  /* between looks at the counters */
    LOOK_MS = 1000, /* between looks at memory, progress and the size of stderr */
    COLD_ROUNDS_TSAN = 3, /* runs of one cold scenario */
    COLD_ROUNDS = 6,
    DELAY_FIRST_MS = 100,
    DELAY_MAX_MS = 5000,
};

/* The worker's own process, or the cold one. */
typedef struct process {
    char name[NAME_MAX_BYTES];
    uint32_t generation;
    bool running, intended;
    ftf_proc proc;
    char box_path[FTF_FS_PATH_MAX], err_path[FTF_FS_PATH_MAX], artifact_path[FTF_FS_PATH_MAX], cwd[FTF_FS_PATH_MAX];
    bool seen;         /* it has made its black box */
    bool in_order;     /* the last one ended in order (cold.c: phase DONE) */
    ftf_counters live; /* what its box says */
    uint64_t read_ms, looked_ms, progress_ms, progress_runs;
} process;

struct ftf_worker {
    ftf_worker_options options;
    process warm, cold;
    ftf_zygote *zygote; /* of this place: processes are forked after the import */
    char corpus[FTF_FS_PATH_MAX];
    ftf_counters past;    /* of processes that have ended */
    ftf_counters earlier; /* past, but without the latest warm process */
    uint32_t early;       /* early deaths in a row */
    uint32_t epoch;       /* number of the warm process's; 1, 2, ... */
    uint64_t start_at_ms;
    uint64_t share_ms;      /* since when time is shared: the first scenario of all; 0: not yet */
    uint64_t cold_began_ms; /* this slice */
    uint64_t cold_next;     /* the number of the next cold scenario */
};

bool ftf_worker_owes_cold(uint64_t total_ms, uint64_t cold_ms, uint32_t percent) {
    return percent > 0 && (cold_ms + FTF_WORKER_COLD_SLICE_MS) * 100 <= total_ms * percent;
}

/* 1 1 2 1 1 2 4 ...: element n is 2^(k-1) where n is 2^k - 1, else the element as far behind the last such place. */
uint32_t ftf_worker_epoch(uint32_t number) {
    FTF_ASSERT(number > 0);
    for (;;) {
        uint32_t whole = 1;
        while (whole < number) {
            whole = 2 * whole + 1;
        }
        if (whole == number) {
            return FTF_WORKER_EPOCH * ((whole + 1) / 2);
        }
        number -= whole / 2;
    }
}

uint64_t ftf_worker_delay_ms(uint32_t early) {
    if (early == 0) {
        return 0;
    }
    uint64_t delay = (uint64_t)DELAY_FIRST_MS << (early < 10 ? early - 1 : 9);
    return delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
}

static ftf_status name_process(const ftf_worker *worker, process *p, const char *suffix, ftf_error *err) {
    const ftf_worker_options *o = &worker->options;
    snprintf(p->name, sizeof p->name, "%s%d%s", ftf_flavour_name(o->flavour), o->index, suffix);
    return ftf_path(p->cwd, err, "%s/%s.cwd", o->work, p->name);
}

ftf_status ftf_worker_create(const ftf_worker_options *options, ftf_worker **out, ftf_error *err) {
    *out = NULL;
    ftf_status status = ftf_paths_need(options->paths, options->flavour, err);
    if (status != FTF_OK) {
        return status;
    }
    ftf_worker *worker = calloc(1, sizeof *worker);
    FTF_ASSERT(worker != NULL);
    worker->options = *options;
    status = name_process(worker, &worker->warm, "", err);
    if (status == FTF_OK) {
        status = name_process(worker, &worker->cold, "c", err);
    }
    if (status == FTF_OK) {
        status = ftf_path(worker->corpus, err, "%s/%s.corpus", options->work, worker->warm.name);
    }
    if (status != FTF_OK) {
        free(worker);
        return status;
    }
    *out = worker;
    return FTF_OK;
}

const char *ftf_worker_corpus(const ftf_worker *worker) { return worker->corpus; }

const char *ftf_worker_name(const ftf_worker *worker) { return worker->warm.name; }

ftf_flavour ftf_worker_flavour(const ftf_worker *worker) { return worker->options.flavour; }

/* ---- starting ---------------------------------------------------------------------------------------------------- */

/* The arguments of a process and the memory they live in. */
typedef struct arguments {
    int count;
    const char *argv[ARGS_MAX];
    char bytes[ARGS_MAX][ARG_BYTES];
} arguments;

static void add(arguments *args, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(arguments *args, const char *format, ...) {
    FTF_ASSERT(args->count < ARGS_MAX - 1);
    va_list values;
    va_start(values, format);
    int len = vsnprintf(args->bytes[args->count], ARG_BYTES, format, values);
    va_end(values);
    FTF_ASSERT(len >= 0 && len < ARG_BYTES); /* each is one path, already bounded, and a short name */
    args->argv[args->count] = args->bytes[args->count];
    args->argv[++args->count] = NULL;
}

/* libFuzzer takes 32 bits, and takes 0 for "choose one". Each process gets a seed of its own, or a worker that
   crashed would walk into the same crash again. */
static uint32_t process_seed(const ftf_worker *worker, uint32_t generation) {
    ftf_rng rng = ftf_rng_seed(worker->options.seed);
    rng.state ^= ((uint64_t)worker->options.flavour << 48) ^ ((uint64_t)worker->options.index << 32) ^
                 generation;
    uint32_t seed = (uint32_t)ftf_rng_next(&rng);
    return seed != 0 ? seed : 1;
}

/* What both kinds of process are told. */
static void add_common(const ftf_worker *worker, const process *p, arguments *args) {
    const ftf_worker_options *o = &worker->options;
    add(args, "%s", o->paths->worker[o->flavour]);
    add(args, "--catalog=%s", o->catalog);
    add(args, "--home=%s", o->paths->python[o->flavour]);
    if (*o->target->path[o->flavour] != '\0') {
        add(args, "--path=%s", o->target->path[o->flavour]);
    }
    add(args, "--blackbox=%s", p->box_path);
    add(args, "--spool=%s", o->spool);
    add(args, "--name=%s.%u", p->name, p->generation);
    if (o->exercise) {
        add(args, "--exercise=%s/%s.exercise", o->work, p->name);
    }
    if (o->cpu != FTF_PROC_ANY_CPU) {
        add(args, "--cpu=%d", o->cpu);
    }
    add(args, "-rss_limit_mb=0"); /* its check is a thread; we look at memory ourselves */
    add(args, "-detect_leaks=0"); /* costs an atomic on every malloc */
    add(args, "-exact_artifact_path=%s", p->artifact_path);
}

static void add_warm(const ftf_worker *worker, arguments *args) {
    add(args, "--schedule=%s", worker->options.schedule);
    if (worker->options.no_feedback) {
        add(args, "--no-feedback");
    }
    if (worker->options.no_delays) {
        add(args, "--no-delays");
    }
    add(args, "--epoch=%u", ftf_worker_epoch(worker->epoch));
    add(args, "-seed=%u", process_seed(worker, worker->warm.generation));
    add(args, "-max_len=%d", FTF_SCENARIO_BYTES_MAX);
    add(args, "-reload=1"); /* the corpus folder is shared with the other workers */
    add(args, "-verbosity=0");
    add(args, "-print_funcs=0"); /* NEW_FUNC lines, which verbosity does not silence */
    add(args, "-entropic_scale_per_exec_time=1"); /* scenarios differ a hundredfold in cost */
    add(args, "%s", worker->corpus);
}

/*
 * Its seed is the same for all slices: they are one sequence of scenarios. TSan sees most of a storm in the lanes one after
 * the other, at op boundaries, and in one more run, and then another storm shows more. A crash wants a switch at the right
 * point, and more runs of the same.
 */
static void add_cold(const ftf_worker *worker, arguments *args) {
    bool tsan = worker->options.flavour == FTF_FLAVOUR_TSAN;
    add(args, "--rounds=%d", tsan ? COLD_ROUNDS_TSAN : COLD_ROUNDS);
    add(args, "--cold=%" PRIu64, worker->cold_next);
    add(args, "--cold-ms=%d", FTF_WORKER_COLD_SLICE_MS);
    add(args, "--cold-seed=%u", process_seed(worker, 0) >> 1);
}

/* The files of the process before, which nobody looks at any more: a campaign has thousands of processes. */
static void remove_files(const process *p) {
    const char *const paths[] = {p->box_path, p->err_path, p->artifact_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (*paths[i] != '\0') {
            (void)unlink(paths[i]); /* it may never have made that one */
        }
    }
}

/* The files and folders of the next process. */
static ftf_status prepare(ftf_worker *worker, process *p, ftf_error *err) {
    const ftf_worker_options *o = &worker->options;
    ftf_rng rng = ftf_rng_seed(process_seed(worker, p->generation));
    size_t most = p->generation == 1 ? FTF_WORKER_FIRST_SAMPLE : FTF_WORKER_SAMPLE;
    ftf_status status = ftf_path(p->box_path, err, "%s/%s.%u.box", o->work, p->name, p->generation);
    if (status == FTF_OK) {
        status = ftf_path(p->err_path, err, "%s/%s.%u.err", o->work, p->name, p->generation);
    }
    if (status == FTF_OK) {
        status = ftf_path(p->artifact_path, err, "%s/%s.%u.input", o->work, p->name, p->generation);
    }
    /* The target may create files by any name it is given, so it gets a folder to do so. */
    if (status == FTF_OK && (status = ftf_fs_make_dirs(p->cwd, err)) == FTF_OK && p == &worker->warm) {
        status = ftf_corpus_sample(o->corpus, worker->corpus, most, &rng, err);
    }
    return status;
}

static ftf_status start(ftf_worker *worker, process *p, uint64_t now_ms, ftf_error *err) {
    p->generation++;
    if (p == &worker->warm) {
        worker->earlier = worker->past;
        worker->epoch++;
    }
    remove_files(p);
    ftf_status status = prepare(worker, p, err);
    if (status != FTF_OK) {
        return status;
    }
    arguments *args = calloc(1, sizeof *args);
    FTF_ASSERT(args != NULL);
    add_common(worker, p, args);
    (p == &worker->warm ? add_warm : add_cold)(worker, args);
    ftf_proc_options options = {.argv = args->argv,
                                .stderr_path = p->err_path,
                                .append_output = true, /* so that the file can be cut while it is written */
                                .cwd = p->cwd,
                                .cpu = worker->options.cpu};
    status = ftf_zygote_spawn(&worker->zygote, &options, &p->proc, err);
    free(args);
    if (status == FTF_OK) {
        p->running = true;
        p->intended = p->in_order = false;
        p->looked_ms = p->progress_ms = now_ms;
        p->progress_runs = 0;
        worker->past.starts += p == &worker->warm;
    }
    return status;
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

/* Takes the counters out of the black box. They are read rather than mapped: a zygote's child makes the file anew while we
   look at it, and a mapping would follow it through states that are none. */
static void read_box(ftf_worker *worker, process *p) {
    union {
        ftf_blackbox box; /* for its alignment; only the part before the scenario is filled */
        char bytes[offsetof(ftf_blackbox, scenario)];
    } head;
    int fd = open(p->box_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    ssize_t len = pread(fd, head.bytes, sizeof head.bytes, 0);
    close(fd);
    if (len != (ssize_t)sizeof head.bytes || memcmp(head.box.magic, "FTFBLACK", sizeof head.box.magic) != 0 ||
        head.box.version != FTF_BLACKBOX_VERSION) {
        return;
    }
    p->seen = true;
    p->in_order = head.box.phase == FTF_PHASE_DONE;
    worker->cold_next = p == &worker->cold && head.box.cold_next > 0 ? head.box.cold_next : worker->cold_next;
    p->live = (ftf_counters){.scenarios = head.box.scenarios,
                             .refused = head.box.refused,
                             .runs = head.box.runs,
                             .calls = head.box.calls,
                             .accepted = head.box.accepted,
                             .steals = head.box.steals,
                             .reports = head.box.reports,
                             .slow = head.box.slow,
                             .cold = head.box.cold,
                             .features = head.box.features,
                             .cpu_us = ftf_proc_cpu_us((pid_t)head.box.pid)};
}

static void add_counters(ftf_counters *sum, const ftf_counters *more) {
    sum->scenarios += more->scenarios;
    sum->refused += more->refused;
    sum->runs += more->runs;
    sum->calls += more->calls;
    sum->accepted += more->accepted;
    sum->steals += more->steals;
    sum->reports += more->reports;
    sum->slow += more->slow;
    sum->cold += more->cold;
    sum->cold_ms += more->cold_ms;
    sum->features = more->features > sum->features ? more->features : sum->features;
    sum->starts += more->starts;
    sum->restarts_memory += more->restarts_memory;
    sum->restarts_still += more->restarts_still;
    sum->cpu_us += more->cpu_us;
}

void ftf_worker_add_counters(const ftf_worker *worker, ftf_counters *sum) {
    add_counters(sum, &worker->past);
    add_counters(sum, &worker->warm.live);
    add_counters(sum, &worker->cold.live);
}

ftf_status ftf_worker_add_exercise(const ftf_worker *worker, ftf_exercise *map, ftf_error *err) {
    const process *both[] = {&worker->warm, &worker->cold};
    ftf_status status = FTF_OK;
    for (int i = 0; i < 2 && status == FTF_OK; i++) {
        char path[FTF_FS_PATH_MAX];
        status = ftf_path(path, err, "%s/%s.exercise", worker->options.work, both[i]->name);
        status = status == FTF_OK ? ftf_exercise_add_file(map, path, err) : status;
    }
    return status;
}

void ftf_worker_add_earlier(const ftf_worker *worker, ftf_counters *sum) { add_counters(sum, &worker->earlier); }

bool ftf_worker_has(const ftf_worker *worker, const char *process) {
    size_t len = strlen(worker->warm.name);
    return strncmp(process, worker->warm.name, len) == 0 && process[len] == '.';
}

/* ---- looking after it -------------------------------------------------------------------------------------------- */

static uint64_t rss_kib(pid_t pid) {
    char path[64];
    unsigned long long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%*u %llu", &pages) != 1) {
        pages = 0;
    }
    fclose(file);
    return pages * (unsigned long long)sysconf(_SC_PAGESIZE) / 1024;
}

static void bound_stderr(const process *p) {
    struct stat info;
    if (stat(p->err_path, &info) == 0 && info.st_size > FTF_WORKER_STDERR_MAX) {
        /* What matters is the end, and that is still to come. A failure here costs disk, nothing else. */
        (void)!truncate(p->err_path, 0);
    }
}

static void look(ftf_worker *worker, process *p, uint64_t now_ms) {
    uint64_t runs = p->live.runs + p->live.refused;
    p->looked_ms = now_ms;
    bound_stderr(p);
    if (runs != p->progress_runs) {
        p->progress_runs = runs;
        p->progress_ms = now_ms;
    }
    if (rss_kib(p->proc.pid) > worker->options.rss_limit_kib) {
        worker->past.restarts_memory++;
        p->intended = true;
        ftf_proc_signal(&p->proc, SIGKILL);
    } else if (now_ms - p->progress_ms > (uint64_t)(runs > 0 ? FTF_WORKER_STILL_MS : FTF_WORKER_START_MS)) {
        worker->past.restarts_still++;
        ftf_proc_signal(&p->proc, SIGKILL); /* not intended: the scenario it hangs in is kept by the judge */
    }
}

static void bury(ftf_worker *worker, process *p, ftf_worker_death *death) {
    read_box(worker, p);
    p->live.cpu_us = death->end.cpu_us; /* nobody has that clock any more; the end says it exactly */
    death->happened = true;
    death->intended = p->intended;
    death->in_order = p->in_order && !death->end.signaled && death->end.code == 0;
    death->early = !p->seen || p->live.scenarios == 0;
    death->blackbox_path = p->box_path;
    death->stderr_path = p->err_path;
    add_counters(&worker->past, &p->live);
    if (p == &worker->cold) {
        add_counters(&worker->earlier, &p->live);
    }
    p->live = (ftf_counters){0};
    p->seen = false;
    p->running = false;
}

static void bury_warm(ftf_worker *worker, uint64_t now_ms, ftf_worker_death *death) {
    bury(worker, &worker->warm, death);
    worker->early = death->early ? worker->early + 1 : 0;
    death->hopeless = worker->early >= FTF_WORKER_EARLY_MAX;
    worker->start_at_ms = now_ms + ftf_worker_delay_ms(worker->early);
}

/* True when it has ended. */
static bool look_after(ftf_worker *worker, process *p, uint64_t now_ms, ftf_worker_death *death) {
    if (ftf_proc_poll(&p->proc, &death->end)) {
        return true;
    }
    if (now_ms - p->read_ms >= READ_MS) {
        p->read_ms = now_ms;
        read_box(worker, p);
    }
    if (now_ms - p->looked_ms >= LOOK_MS) {
        look(worker, p, now_ms);
    }
    return false;
}

/* ---- the cold share ---------------------------------------------------------------------------------------------- */

/* Not before the worker has run a scenario: until then nobody knows whether the target can be worked with at all. */
static bool cold_is_due(ftf_worker *worker, uint64_t now_ms) {
    if (!worker->warm.running || !worker->warm.seen || worker->warm.live.scenarios == 0 ||
        worker->options.cold_percent == 0) {
        return false;
    }
    worker->share_ms = worker->share_ms != 0 ? worker->share_ms : now_ms;
    return ftf_worker_owes_cold(now_ms - worker->share_ms, worker->past.cold_ms, worker->options.cold_percent);
}

static ftf_status begin_cold(ftf_worker *worker, uint64_t now_ms, ftf_error *err) {
    ftf_status status = start(worker, &worker->cold, now_ms, err);
    if (status == FTF_OK) {
        ftf_proc_signal(&worker->warm.proc, SIGSTOP);
        worker->cold_began_ms = now_ms;
    }
    return status;
}

static void end_cold(ftf_worker *worker, uint64_t now_ms, ftf_worker_death *death) {
    bury(worker, &worker->cold, death);
    death->happened = !death->in_order;
    worker->past.cold_ms += now_ms - worker->cold_began_ms;
    worker->warm.progress_ms = now_ms; /* it could make none */
    if (worker->warm.running) {
        ftf_proc_signal(&worker->warm.proc, SIGCONT);
    }
}

ftf_status ftf_worker_tick(ftf_worker *worker, uint64_t now_ms, ftf_worker_death *death, ftf_error *err) {
    memset(death, 0, sizeof *death);
    if (worker->cold.running) {
        if (look_after(worker, &worker->cold, now_ms, death)) {
            end_cold(worker, now_ms, death);
        }
        return FTF_OK; /* the worker itself is stopped meanwhile */
    }
    if (!worker->warm.running) {
        return now_ms >= worker->start_at_ms ? start(worker, &worker->warm, now_ms, err) : FTF_OK;
    }
    if (look_after(worker, &worker->warm, now_ms, death)) {
        bury_warm(worker, now_ms, death);
        return FTF_OK;
    }
    return cold_is_due(worker, now_ms) ? begin_cold(worker, now_ms, err) : FTF_OK;
}

void ftf_worker_forgive(ftf_worker *worker) {
    worker->early = 0;
    worker->start_at_ms = 0;
}

/* ---- ending ------------------------------------------------------------------------------------------------------ */

void ftf_worker_ask_to_stop(ftf_worker *worker) {
    process *both[] = {&worker->cold, &worker->warm};
    for (int i = 0; i < 2; i++) {
        if (both[i]->running) {
            both[i]->intended = true;
            ftf_proc_signal(&both[i]->proc, SIGTERM);
            ftf_proc_signal(&both[i]->proc, SIGCONT);
        }
    }
}

void ftf_worker_stop(ftf_worker *worker, uint64_t deadline_ms) {
    ftf_worker_death death;
    process *both[] = {&worker->cold, &worker->warm};
    ftf_worker_ask_to_stop(worker);
    for (int i = 0; i < 2; i++) {
        if (both[i]->running) {
            uint64_t now_ms = ftf_proc_now_ms();
            ftf_proc_stop(&both[i]->proc, deadline_ms > now_ms ? deadline_ms - now_ms : 0, &death.end);
            worker->past.cold_ms += both[i] == &worker->cold ? now_ms - worker->cold_began_ms : 0;
            bury(worker, both[i], &death);
        }
    }
}

void ftf_worker_destroy(ftf_worker *worker) {
    if (worker != NULL) {
        ftf_worker_stop(worker, 0);
        ftf_zygote_destroy(worker->zygote);
        free(worker);
    }
}
