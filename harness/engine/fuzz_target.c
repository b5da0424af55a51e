/*
 * libFuzzer's entry points: LLVMFuzzerInitialize brings everything up, LLVMFuzzerTestOneInput runs a scenario, the custom
 * mutator and cross-over keep inputs valid scenarios.
 *
 * The state below is static because libFuzzer's C interface hands none through.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/rng.h"
#include "base/text.h"
#include "engine/alone.h"
#include "engine/cold.h"
#include "engine/exercise.h"
#include "engine/feedback.h"
#include "engine/options.h"
#include "engine/serve.h"
#include "engine/session.h"
#include "engine/tracing.h"
#include "engine/watch.h"
#include "python/interp.h"
#include "python/pyvm.h"
#include "scenario/generate.h"
#include "scenario/mutate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/sequence.h"

/* Of the mutations asked for, one in this many is a fresh scenario: the corpus must not narrow what is looked at. */
enum { FRESH_ONE_IN = 6 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2, size_t size2, uint8_t *out,
                                 size_t max_out_size, unsigned int seed);

static struct {
    ftf_options options;
    ftf_catalog *catalog;
    ftf_blackbox *box;
    ftf_vm *vm;
    ftf_pool *pool;
    ftf_session *session;
    ftf_arena *arena, *other_arena; /* the mutators' */
} worker;

static _Noreturn void give_up(const ftf_error *err) {
    fprintf(stderr, "%s: error: %s\n", FTF_IS_ALONE ? "ftfuzz" : "ftfuzz-worker", err->text);
    ftf_exit(FTF_IS_ALONE ? FTF_EXIT_SETUP : FTF_WORKER_EXIT_SETUP);
}

static void check(ftf_status status, const ftf_error *err) {
    if (status != FTF_OK) {
        give_up(err);
    }
}

/* mimalloc reserves a GiB at once, and under ASan poisons it: 128 MiB of shadow memory that each fork copies the page tables
   of. It reads its options before anybody else runs, so they have to be there when the program starts. */
static bool with_a_smaller_arena(void) {
    static const char option[] = "MIMALLOC_ARENA_RESERVE";
    return getenv(option) == NULL && setenv(option, "256M", 1) == 0;
}

/* Addresses that differ from process to process differ in hash tables keyed by pointers, and a schedule that replays is
   off by one point. A sandbox may refuse it; then findings replay a little less surely. */
static bool without_aslr(void) {
    int old = personality(0xffffffff);
    return old != -1 && (old & ADDR_NO_RANDOMIZE) == 0 && personality((unsigned long)old | ADDR_NO_RANDOMIZE) != -1;
}

/* Both are of a program from its start on. */
static void start_again(char **argv) {
    bool arena = with_a_smaller_arena();
    if (without_aslr() || arena) {
        execv("/proc/self/exe", argv);
    }
}

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        fprintf(stderr, "ftfuzz-worker: cannot pin to CPU %d (%s); going on unpinned\n", cpu, strerror(errno));
    }
    /* Under SCHED_BATCH who wakes another thread goes on until it sleeps itself: a hand-over on one CPU is then one
       change of threads instead of two. It needs no privilege; without it everything is slower and nothing else. */
    const struct sched_param no_priority = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &no_priority);
}

static void load_catalog(void) {
    ftf_error err;
    ftf_text json = {0};
    check(ftf_fs_read(worker.options.catalog, FTF_FS_READ_MAX, &json, &err), &err);
    check(ftf_catalog_load(json.data, json.len, &worker.catalog, &err), &err);
    ftf_text_release(&json);
}

static void start_python(void) {
    ftf_error err;
    const ftf_interp_options options = {
        .home = worker.options.home, .paths = worker.options.paths, .gil = worker.options.gil};
    check(ftf_interp_start(&options, &err), &err);
    worker.box->phase = FTF_PHASE_IMPORTING;
    check(ftf_interp_import(worker.catalog->import_name, &err), &err);
    worker.vm = ftf_pyvm_create(worker.catalog->import_name, &err);
    if (worker.vm == NULL) {
        give_up(&err);
    }
}

/* What a process does for itself, a fresh one as well as one forked from a zygote. */
static void start_worker(void) {
    ftf_error err;
    if (worker.options.cpu >= 0) {
        pin(worker.options.cpu);
    }
    worker.box = ftf_blackbox_create(worker.options.blackbox, &err);
    if (worker.box == NULL) {
        give_up(&err);
    }
}

static void start_session(void) {
    worker.arena = ftf_arena_create();
    worker.other_arena = ftf_arena_create();
    ftf_sched_init(worker.box, &(const ftf_stuck){.deadlock = ftf_watch_deadlock, .endless = ftf_watch_endless});
    worker.pool = ftf_pool_create(worker.vm, worker.box);
    worker.session = ftf_session_create(&worker.options, worker.catalog, worker.vm, worker.pool, worker.box);
    ftf_watch_start(&(const ftf_watch_options){.box = worker.box,
                                               .pool = worker.pool,
                                               .vm = worker.vm,
                                               .deadline_ms = worker.options.deadline_ms,
                                               .replays = worker.options.replay != NULL});
    worker.box->phase = FTF_PHASE_IDLE;
}

/* ---- replay ---------------------------------------------------------------------------------------------------------------- */

/* Runs each scenario of the file; they begin with the line that every scenario begins with. */
static void replay_once(const char *path, const ftf_text *text) {
    ftf_error err;
    for (const char *at = text->data, *end; *at != 0; at = end) {
        const char *next = ftf_sequence_next(at);
        end = next != NULL ? next : text->data + text->len;
        if (ftf_session_run(worker.session, at, (size_t)(end - at), &err) != FTF_OK) {
            fprintf(stderr, "ftfuzz-worker: error: %s:%d: %s\n", path, err.line, err.text);
            ftf_exit(FTF_WORKER_EXIT_SETUP);
        }
    }
}

static _Noreturn void replay(const char *path) {
    ftf_error err;
    ftf_text text = {0};
    if (worker.options.trace != NULL) {
        check(ftf_tracing_begin(worker.options.trace, worker.options.watch, &err), &err);
    }
    check(ftf_fs_read(path, FTF_FS_READ_MAX, &text, &err), &err);
    for (int i = 0; i < worker.options.repeat; i++) {
        replay_once(path, &text);
    }
    worker.box->phase = FTF_PHASE_DONE;
    ftf_exit(worker.box->records > 0 ? 66 : 0);
}

static void run_cold(const char *text, size_t len, const ftf_run_plan *plan) {
    ftf_error err;
    start_session();
    ftf_session_use_plan(worker.session, plan);
    check(ftf_session_run(worker.session, text, len, &err), &err);
}

/* ---- libFuzzer ---------------------------------------------------------------------------------------------------------------- */

/* Returns in the child that a request asked for, whose command line takes the place of ours. */
static void serve(int *argc, char ***argv) {
    ftf_error err;
    const ftf_options zygote = worker.options;
    ftf_blackbox_close(worker.box);
    ftf_serve(argc, argv);
    check(ftf_options_parse(*argc, *argv, &worker.options, &err), &err);
    worker.options.catalog = zygote.catalog;
    worker.options.home = zygote.home;
    start_worker();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    ftf_error err;
    start_again(*argv);
    check(ftf_options_parse(*argc, *argv, &worker.options, &err), &err);
    if (FTF_IS_ALONE) {
        check(ftf_alone_find(**argv, &worker.options, &err), &err);
    }
    if (worker.options.catalog == NULL) {
        ftf_fail(&err, FTF_USAGE, "--catalog=FILE is missing; run targets through `ftfuzz fuzz TARGET`");
        give_up(&err);
    }
    start_worker();
    load_catalog();
    start_python();
    if (worker.options.serve) {
        serve(argc, argv);
    }
    check(ftf_exercise_start(worker.options.exercise, worker.catalog, &err), &err);
    if (worker.options.cold >= 0) {
        ftf_cold_serve(&worker.options, worker.catalog, worker.box, run_cold);
    }
    start_session();
    if (worker.options.replay != NULL) {
        replay(worker.options.replay);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ftf_error err;
    if (size == 0) {
        return -1; /* libFuzzer's first call */
    }
    if (worker.options.epoch > 0 && worker.box->sequence >= (uint64_t)worker.options.epoch) {
        worker.box->phase = FTF_PHASE_DONE;
        ftf_exit(0); /* what libFuzzer found worth keeping is in its folder already */
    }
    if (FTF_IS_ALONE && size == 1) {
        ftf_feedback_mark(); /* libFuzzer begins with a line feed where it has no corpus, and needs something to keep */
        return 0;
    }
    bool good = ftf_session_run(worker.session, (const char *)data, size, &err) == FTF_OK;
    return good && !ftf_session_was_cut(worker.session) ? 0 : -1;
}

/* Prints the scenario into the fuzzer's buffer; 0 when it does not fit. */
static size_t print_into(const ftf_scenario *scenario, uint8_t *out, size_t room) {
    ftf_text text = {0};
    ftf_scenario_print(scenario, &text);
    size_t len = text.len <= room ? text.len : 0;
    memcpy(out, text.data, len);
    ftf_text_release(&text);
    return len;
}

static size_t generate_into(ftf_rng *rng, uint8_t *out, size_t room) {
    ftf_scenario scenario;
    ftf_arena_reset(worker.arena);
    ftf_generate(worker.catalog, rng, worker.arena, &scenario);
    return print_into(&scenario, out, room);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    ftf_rng rng = ftf_rng_seed(seed);
    ftf_scenario scenario;
    ftf_error err;
    ftf_arena_reset(worker.arena);
    if (size == 0 || ftf_rng_one_in(&rng, FRESH_ONE_IN) ||
        ftf_scenario_parse((const char *)data, size, worker.arena, &scenario, &err) != FTF_OK) {
        return generate_into(&rng, data, max_size);
    }
    ftf_mutate(worker.catalog, &rng, &scenario);
    size_t len = print_into(&scenario, data, max_size);
    return len != 0 ? len : generate_into(&rng, data, max_size);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2, size_t size2, uint8_t *out,
                                 size_t max_out_size, unsigned int seed) {
    ftf_rng rng = ftf_rng_seed(seed);
    ftf_scenario a, b, child;
    ftf_error err;
    ftf_arena_reset(worker.arena);
    ftf_arena_reset(worker.other_arena);
    if (ftf_scenario_parse((const char *)data1, size1, worker.arena, &a, &err) != FTF_OK ||
        ftf_scenario_parse((const char *)data2, size2, worker.arena, &b, &err) != FTF_OK) {
        return 0;
    }
    ftf_crossover(worker.catalog, &rng, &a, &b, worker.other_arena, &child);
    return print_into(&child, out, max_out_size);
}
