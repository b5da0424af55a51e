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
    DELAY_FIRST_MS = 100,
    DELAY_MAX_MS = 5000,
};

struct ftf_worker {
    ftf_worker_options options;
    char name[NAME_MAX_BYTES];
    uint32_t generation;
    bool running, intended;
    ftf_proc proc;
    ftf_zygote *zygote; /* of this place: processes are forked after the import */
    char box_path[FTF_FS_PATH_MAX], err_path[FTF_FS_PATH_MAX], cwd[FTF_FS_PATH_MAX], corpus[FTF_FS_PATH_MAX];
    bool seen;         /* the running process has made its black box */
    ftf_counters live; /* what it says */
    ftf_counters past; /* of processes that have ended */
    ftf_counters earlier; /* past, as it was when the latest process started */
    uint32_t early;    /* early deaths in a row */
    uint64_t start_at_ms, read_ms, looked_ms, progress_ms, progress_runs;
};

uint64_t ftf_worker_delay_ms(uint32_t early) {
    if (early == 0) {
        return 0;
    }
    uint64_t delay = (uint64_t)DELAY_FIRST_MS << (early < 10 ? early - 1 : 9);
    return delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
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
    snprintf(worker->name, sizeof worker->name, "%s%d", ftf_flavour_name(options->flavour), options->index);
    status = ftf_path(worker->cwd, err, "%s/%s.cwd", options->work, worker->name);
    if (status == FTF_OK) {
        status = ftf_path(worker->corpus, err, "%s/%s.corpus", options->work, worker->name);
    }
    if (status != FTF_OK) {
        free(worker);
        return status;
    }
    *out = worker;
    return FTF_OK;
}

const char *ftf_worker_corpus(const ftf_worker *worker) { return worker->corpus; }

const char *ftf_worker_name(const ftf_worker *worker) { return worker->name; }

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
static uint32_t process_seed(const ftf_worker *worker) {
    ftf_rng rng = ftf_rng_seed(worker->options.seed);
    rng.state ^= ((uint64_t)worker->options.flavour << 48) ^ ((uint64_t)worker->options.index << 32) ^
                 worker->generation;
    uint32_t seed = (uint32_t)ftf_rng_next(&rng);
    return seed != 0 ? seed : 1;
}

static void fill_arguments(const ftf_worker *worker, arguments *args) {
    const ftf_worker_options *o = &worker->options;
    add(args, "%s", o->paths->worker[o->flavour]);
    add(args, "--catalog=%s", o->catalog);
    add(args, "--home=%s", o->paths->python[o->flavour]);
    if (*o->target->path[o->flavour] != '\0') {
        add(args, "--path=%s", o->target->path[o->flavour]);
    }
    add(args, "--blackbox=%s", worker->box_path);
    add(args, "--spool=%s", o->spool);
    add(args, "--name=%s.%u", worker->name, worker->generation);
    add(args, "--schedule=%s", o->schedule);
    if (o->cpu != FTF_PROC_ANY_CPU) {
        add(args, "--cpu=%d", o->cpu);
    }
    add(args, "-seed=%u", process_seed(worker));
    add(args, "-max_len=%d", FTF_SCENARIO_BYTES_MAX);
    add(args, "-reload=1"); /* the corpus folder is shared with the other workers */
    add(args, "-verbosity=0");
    add(args, "-entropic_scale_per_exec_time=1"); /* scenarios differ a hundredfold in cost */
    add(args, "-rss_limit_mb=0");                 /* its check is a thread; we look at memory ourselves */
    add(args, "-detect_leaks=0");                 /* costs an atomic on every malloc */
    add(args, "-artifact_prefix=%s/%s.%u.", o->work, worker->name, worker->generation);
    add(args, "%s", worker->corpus);
}

/* The files and folders of the next process. */
static ftf_status prepare(ftf_worker *worker, ftf_error *err) {
    const ftf_worker_options *o = &worker->options;
    ftf_rng rng = ftf_rng_seed(process_seed(worker));
    size_t most = worker->generation == 1 ? FTF_WORKER_FIRST_SAMPLE : FTF_WORKER_SAMPLE;
    ftf_status status = ftf_path(worker->box_path, err, "%s/%s.%u.box", o->work, worker->name, worker->generation);
    if (status == FTF_OK) {
        status = ftf_path(worker->err_path, err, "%s/%s.%u.err", o->work, worker->name, worker->generation);
    }
    /* The target may create files by any name it is given, so it gets a folder to do so. */
    if (status == FTF_OK && (status = ftf_fs_make_dirs(worker->cwd, err)) == FTF_OK) {
        status = ftf_corpus_sample(o->corpus, worker->corpus, most, &rng, err);
    }
    return status;
}

static ftf_status start(ftf_worker *worker, uint64_t now_ms, ftf_error *err) {
    const ftf_worker_options *o = &worker->options;
    worker->generation++;
    worker->earlier = worker->past;
    ftf_status status = prepare(worker, err);
    if (status != FTF_OK) {
        return status;
    }
    arguments *args = calloc(1, sizeof *args);
    FTF_ASSERT(args != NULL);
    fill_arguments(worker, args);
    ftf_proc_options options = {.argv = args->argv,
                                .stderr_path = worker->err_path,
                                .append_output = true, /* so that the file can be cut while it is written */
                                .cwd = worker->cwd,
                                .cpu = o->cpu};
    status = ftf_zygote_spawn(&worker->zygote, &options, &worker->proc, err);
    free(args);
    if (status == FTF_OK) {
        worker->running = true;
        worker->intended = false;
        worker->past.starts++;
        worker->looked_ms = worker->progress_ms = now_ms;
        worker->progress_runs = 0;
    }
    return status;
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

/* Takes the counters out of the black box. They are read rather than mapped: a zygote's child makes the file anew while we
   look at it, and a mapping would follow it through states that are none. */
static void read_box(ftf_worker *worker) {
    union {
        ftf_blackbox box; /* for its alignment; only the part before the scenario is filled */
        char bytes[offsetof(ftf_blackbox, scenario)];
    } head;
    int fd = open(worker->box_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    ssize_t len = pread(fd, head.bytes, sizeof head.bytes, 0);
    close(fd);
    if (len != (ssize_t)sizeof head.bytes || memcmp(head.box.magic, "FTFBLACK", sizeof head.box.magic) != 0 ||
        head.box.version != FTF_BLACKBOX_VERSION) {
        return;
    }
    worker->seen = true;
    worker->live = (ftf_counters){.scenarios = head.box.scenarios,
                                  .refused = head.box.refused,
                                  .runs = head.box.runs,
                                  .calls = head.box.calls,
                                  .accepted = head.box.accepted,
                                  .steals = head.box.steals,
                                  .reports = head.box.reports,
                                  .slow = head.box.slow,
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
    sum->features = more->features > sum->features ? more->features : sum->features;
    sum->starts += more->starts;
    sum->restarts_memory += more->restarts_memory;
    sum->restarts_still += more->restarts_still;
    sum->cpu_us += more->cpu_us;
}

void ftf_worker_add_counters(const ftf_worker *worker, ftf_counters *sum) {
    add_counters(sum, &worker->past);
    add_counters(sum, &worker->live);
}

void ftf_worker_add_earlier(const ftf_worker *worker, ftf_counters *sum) { add_counters(sum, &worker->earlier); }

bool ftf_worker_has(const ftf_worker *worker, const char *process) {
    size_t len = strlen(worker->name);
    return strncmp(process, worker->name, len) == 0 && process[len] == '.';
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

static void bound_stderr(const ftf_worker *worker) {
    struct stat info;
    if (stat(worker->err_path, &info) == 0 && info.st_size > FTF_WORKER_STDERR_MAX) {
        /* What matters is the end, and that is still to come. A failure here costs disk, nothing else. */
        (void)!truncate(worker->err_path, 0);
    }
}

static void look(ftf_worker *worker, uint64_t now_ms) {
    uint64_t runs = worker->live.runs + worker->live.refused;
    worker->looked_ms = now_ms;
    bound_stderr(worker);
    if (runs != worker->progress_runs) {
        worker->progress_runs = runs;
        worker->progress_ms = now_ms;
    }
    if (rss_kib(worker->proc.pid) > worker->options.rss_limit_kib) {
        worker->past.restarts_memory++;
        worker->intended = true;
        ftf_proc_signal(&worker->proc, SIGKILL);
    } else if (now_ms - worker->progress_ms > (uint64_t)(runs > 0 ? FTF_WORKER_STILL_MS : FTF_WORKER_START_MS)) {
        worker->past.restarts_still++;
        ftf_proc_signal(&worker->proc, SIGKILL); /* not intended: the scenario it hangs in is kept by the judge */
    }
}

static void bury(ftf_worker *worker, uint64_t now_ms, ftf_worker_death *death) {
    read_box(worker);
    worker->live.cpu_us = death->end.cpu_us; /* nobody has that clock any more; the end says it exactly */
    death->happened = true;
    death->intended = worker->intended;
    death->early = !worker->seen || worker->live.scenarios == 0;
    death->blackbox_path = worker->box_path;
    death->stderr_path = worker->err_path;
    add_counters(&worker->past, &worker->live);
    worker->live = (ftf_counters){0};
    worker->seen = false;
    worker->running = false;
    worker->early = death->early ? worker->early + 1 : 0;
    death->hopeless = worker->early >= FTF_WORKER_EARLY_MAX;
    worker->start_at_ms = now_ms + ftf_worker_delay_ms(worker->early);
}

ftf_status ftf_worker_tick(ftf_worker *worker, uint64_t now_ms, ftf_worker_death *death, ftf_error *err) {
    memset(death, 0, sizeof *death);
    if (!worker->running) {
        return now_ms >= worker->start_at_ms ? start(worker, now_ms, err) : FTF_OK;
    }
    if (ftf_proc_poll(&worker->proc, &death->end)) {
        bury(worker, now_ms, death);
        return FTF_OK;
    }
    if (now_ms - worker->read_ms >= READ_MS) {
        worker->read_ms = now_ms;
        read_box(worker);
    }
    if (now_ms - worker->looked_ms >= LOOK_MS) {
        look(worker, now_ms);
    }
    return FTF_OK;
}

void ftf_worker_forgive(ftf_worker *worker) {
    worker->early = 0;
    worker->start_at_ms = 0;
}

/* ---- ending ------------------------------------------------------------------------------------------------------ */

void ftf_worker_ask_to_stop(ftf_worker *worker) {
    if (worker->running) {
        worker->intended = true;
        ftf_proc_signal(&worker->proc, SIGTERM);
    }
}

void ftf_worker_stop(ftf_worker *worker, uint64_t deadline_ms) {
    ftf_worker_death death;
    if (worker->running) {
        uint64_t now_ms = ftf_proc_now_ms();
        worker->intended = true;
        ftf_proc_stop(&worker->proc, deadline_ms > now_ms ? deadline_ms - now_ms : 0, &death.end);
        bury(worker, now_ms, &death);
    }
}

void ftf_worker_destroy(ftf_worker *worker) {
    if (worker != NULL) {
        ftf_worker_stop(worker, 0);
        ftf_zygote_destroy(worker->zygote);
        free(worker);
    }
}
