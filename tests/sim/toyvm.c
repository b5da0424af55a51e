#include "sim/toyvm.h"

#include <stdlib.h>
#include <sys/wait.h>

#include "base/check.h"

/* The hooks that clang would have called; harness/sched/hooks.c defines them. */
void __sanitizer_cov_load8(void *address);
void __sanitizer_cov_store8(void *address);

long toy_load(volatile long *address) {
    __sanitizer_cov_load8((void *)(uintptr_t)address);
    return *address;
}

void toy_store(volatile long *address, long value) {
    __sanitizer_cov_store8((void *)(uintptr_t)address);
    *address = value;
}

static toy *toy_of(ftf_vm *vm) { return (toy *)vm; }

static ftf_status prepare(ftf_vm *vm, const ftf_scenario *scenario, ftf_error *err) {
    (void)vm, (void)scenario, (void)err;
    return FTF_OK;
}

static bool start(ftf_vm *vm) {
    toy_of(vm)->reset();
    return true;
}

static ftf_outcome step(ftf_vm *vm, int lane, uint32_t op) {
    toy_of(vm)->op[lane][op](lane);
    return FTF_OUTCOME_OK;
}

static void of_lane(ftf_vm *vm, int lane) { (void)vm, (void)lane; }

static void nothing(ftf_vm *vm) { (void)vm; }

toy *toy_create(int lanes, void (*reset)(void), void (*on_deadlock)(void)) {
    toy *made = calloc(1, sizeof *made);
    FTF_ASSERT(made != NULL);
    made->vm = (ftf_vm){prepare, start, of_lane, of_lane, step, of_lane, nothing, nothing};
    made->reset = reset;
    made->arena = ftf_arena_create();
    made->box = ftf_blackbox_create(NULL, NULL);
    FTF_ASSERT(made->box != NULL);
    ftf_scenario_init(&made->scenario, made->arena, "toy");
    made->scenario.lane_count = (uint32_t)lanes;
    ftf_sched_init(made->box, &(const ftf_stuck){.deadlock = on_deadlock});
    made->pool = ftf_pool_create(&made->vm, made->box);
    return made;
}

void toy_destroy(toy *toy) {
    ftf_pool_destroy(toy->pool);
    ftf_blackbox_close(toy->box);
    ftf_arena_destroy(toy->arena);
    free(toy);
}

void toy_add(toy *toy, int lane, toy_op op) {
    uint32_t index = toy->scenario.lanes[lane].count;
    FTF_ASSERT(index < TOY_OPS_MAX && ftf_scenario_add(&toy->scenario, lane, FTF_OP_COLLECT) != NULL);
    toy->op[lane][index] = op;
}

void toy_run(toy *toy, const ftf_run_plan *plan, ftf_tally *tally) {
    toy->vm.start(&toy->vm);
    ftf_pool_run(toy->pool, &toy->scenario, plan, tally);
    toy->vm.finish(&toy->vm);
}

ftf_run_plan toy_replay_plan(const toy *toy, ftf_switch *room) {
    for (uint32_t i = 0; i < toy->box->switch_count; i++) {
        const ftf_blackbox_switch *one = &toy->box->switches[i];
        room[i] = (ftf_switch){one->lane, one->to, (uint16_t)(one->op + 1), one->offset + 1};
    }
    return (ftf_run_plan){.mode = FTF_RUN_AT,
                          .lanes = (int)toy->scenario.lane_count,
                          .switches = room,
                          .switch_count = toy->box->switch_count};
}

int toy_exit_code(pid_t child) {
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
