/*
 * Reading order: own/disown (reference count ownership), judge (what an op's end means), start, lane_*, finish.
 */
#include "python/pyvm.h"

#include <Python.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/trace.h"
#include "python/build.h"
#include "python/step.h"

/* CPython internals (Include/internal/pycore_brc.h), reachable because libpython is linked statically. Both exist since 3.13. */
extern void _Py_brc_init_thread(PyThreadState *state);
extern void _Py_brc_remove_thread(PyThreadState *state);

/* TSan's runtime exports these; there is nothing to hide from ASan. */
extern void AnnotateIgnoreSyncBegin(const char *file, int line) __attribute__((weak));
extern void AnnotateIgnoreSyncEnd(const char *file, int line) __attribute__((weak));
extern void AnnotateIgnoreReadsBegin(const char *file, int line) __attribute__((weak));
extern void AnnotateIgnoreReadsEnd(const char *file, int line) __attribute__((weak));
extern void AnnotateIgnoreWritesBegin(const char *file, int line) __attribute__((weak));
extern void AnnotateIgnoreWritesEnd(const char *file, int line) __attribute__((weak));
extern void __tsan_acquire(void *address) __attribute__((weak));

/* The events of PyThreadState.eval_breaker are its low byte; the rest is a version number. */
enum { BREAKER_EVENTS = 0xff };

typedef struct section {
    uint32_t count;
    ftf_step *steps; /* room for FTF_OPS_MAX */
    bool *usable;
    PyObject *slots[FTF_SLOTS_MAX];
    char violation[240];
} section;

typedef struct pyvm {
    ftf_vm vm; /* first: a pyvm is an ftf_vm */
    const ftf_scenario *scenario;
    PyInterpreterState *interpreter;
    PyThreadState *main_state;
    PyThreadState *lane_state[FTF_LANES_MAX];
    bool gil;             /* it is on: the control run (reduce/control.h) */
    PyObject *checkpoint; /* a Python function: entering it handles what eval_breaker asks for */
    section setup, finish, lane[FTF_LANES_MAX];
    bool dropped[FTF_SLOTS_MAX]; /* a lane drops it and finish does not use it */
} pyvm;

static pyvm *self_of(ftf_vm *vm) { return (pyvm *)vm; }

/* ---- ops ---------------------------------------------------------------------------------------------------------------------- */

/* Stop-the-world, merging of reference counts, collection: bytecode looks for these all the time, our C loop only here. */
static void look_at_breaker(const pyvm *vm) {
    uintptr_t breaker = __atomic_load_n(&PyThreadState_GetUnchecked()->eval_breaker, __ATOMIC_RELAXED);
    if ((breaker & BREAKER_EVENTS) != 0) {
        PyObject *none = PyObject_CallNoArgs(vm->checkpoint);
        Py_XDECREF(none);
        PyErr_Clear();
    }
}

static void note_violation(section *section, const char *what) {
    if (section->violation[0] == 0) {
        snprintf(section->violation, sizeof section->violation, "%s", what);
    }
}

static void note_system_error(section *section) {
    PyObject *exception = PyErr_GetRaisedException();
    PyObject *text = PyObject_Str(exception);
    const char *bytes = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    note_violation(section, bytes != NULL ? bytes : "SystemError");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_DECREF(exception);
}

/* What the end of an op means. CPython itself turns most violations of the protocol into SystemError. */
static ftf_outcome judge(section *section, PyObject *result) {
    if (result != NULL) {
        if (!PyErr_Occurred()) {
            return FTF_OUTCOME_OK;
        }
        note_violation(section, "returned a result with an exception set");
        PyErr_Clear();
        return FTF_OUTCOME_BROKEN;
    }
    if (!PyErr_Occurred()) {
        note_violation(section, "returned NULL without setting an exception");
        return FTF_OUTCOME_BROKEN;
    }
    if (PyErr_ExceptionMatches(PyExc_SystemError)) {
        note_system_error(section);
        return FTF_OUTCOME_BROKEN;
    }
    ftf_outcome outcome = PyErr_ExceptionMatches(PyExc_TypeError) ? FTF_OUTCOME_REJECTED : FTF_OUTCOME_RAISED;
    PyErr_Clear();
    return outcome;
}

/* What came of an op, in a few words; nothing is called for that. */
static void describe(PyObject *result, bool skipped, char *out, size_t room) {
    PyObject *exception = PyErr_Occurred();
    if (skipped) {
        snprintf(out, room, "skipped: an operand is missing");
    } else if (result == NULL) {
        snprintf(out, room, "raises %s", exception != NULL ? ((PyTypeObject *)exception)->tp_name : "nothing");
    } else if (result == Py_None || PyBool_Check(result)) {
        snprintf(out, room, "-> %s", result == Py_None ? "None" : result == Py_True ? "True" : "False");
    } else if (PyLong_CheckExact(result) && _PyLong_IsCompact((PyLongObject *)result)) {
        snprintf(out, room, "-> %zd", PyUnstable_Long_CompactValue((PyLongObject *)result));
    } else {
        snprintf(out, room, "-> a %s", Py_TYPE(result)->tp_name);
    }
}

static int owner_of(const pyvm *vm, const section *section) {
    return section == &vm->setup    ? FTF_OWNER_SETUP
           : section == &vm->finish ? FTF_OWNER_FINISH
                                    : (int)(section - vm->lane);
}

static void trace_op(const pyvm *vm, const section *section, uint32_t op, ftf_trace_kind kind, const char *text) {
    ftf_trace_event event = {.kind = (uint8_t)kind, .lane = (int16_t)owner_of(vm, section), .op = (uint16_t)op};
    snprintf(event.text, sizeof event.text, "%s", text);
    ftf_trace_add(&event);
}

static PyObject *run_traced(const pyvm *vm, section *section, uint32_t index, bool *skipped) {
    char text[FTF_TRACE_TEXT];
    trace_op(vm, section, index, FTF_TRACE_BEGIN, "");
    PyObject *result = ftf_step_run(&section->steps[index], section->slots, skipped);
    describe(result, *skipped, text, sizeof text);
    trace_op(vm, section, index, FTF_TRACE_END, text);
    return result;
}

static ftf_outcome run_step(pyvm *vm, section *section, uint32_t index) {
    if (!section->usable[index]) {
        return FTF_OUTCOME_SKIPPED;
    }
    const ftf_step *step = &section->steps[index];
    bool skipped;
    PyObject *result = ftf_trace_is_open() ? run_traced(vm, section, index, &skipped)
                                           : ftf_step_run(step, section->slots, &skipped);
    if (skipped) {
        return FTF_OUTCOME_SKIPPED;
    }
    ftf_outcome outcome = judge(section, result);
    if (step->op->dest != FTF_NO_SLOT && result != NULL) {
        Py_XSETREF(section->slots[step->op->dest], result);
    } else {
        Py_XDECREF(result);
    }
    look_at_breaker(vm);
    return outcome;
}

/* ---- sections -------------------------------------------------------------------------------------------------------------------- */

static void section_init(section *section) {
    section->steps = calloc(FTF_OPS_MAX, sizeof *section->steps);
    section->usable = calloc(FTF_OPS_MAX, sizeof *section->usable);
    FTF_ASSERT(section->steps != NULL && section->usable != NULL);
}

static void section_prepare(section *section, const ftf_section *source) {
    section->count = source->count;
    for (uint32_t i = 0; i < source->count; i++) {
        section->usable[i] = ftf_step_prepare(&section->steps[i], &source->ops[i]);
    }
}

static void section_refresh(section *section) {
    section->violation[0] = 0;
    for (uint32_t i = 0; i < section->count; i++) {
        ftf_step_refresh(&section->steps[i]);
    }
}

static void section_clear_slots(const pyvm *vm, section *section) {
    for (uint32_t i = 0; i < vm->scenario->slot_count; i++) {
        Py_CLEAR(section->slots[i]);
    }
}

static void section_forget(section *section) {
    for (uint32_t i = 0; i < section->count; i++) {
        ftf_step_forget(&section->steps[i]);
    }
}

static void section_release(section *section) {
    for (uint32_t i = 0; i < section->count; i++) {
        ftf_step_release(&section->steps[i]);
    }
    section->count = 0;
}

/* ---- what TSan need not see -------------------------------------------------------------------------------------------------- */

static void ignore_accesses_begin(void) {
    if (AnnotateIgnoreReadsBegin != NULL) {
        AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
        AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    }
}

static void ignore_accesses_end(void) {
    if (AnnotateIgnoreReadsEnd != NULL) {
        AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    }
}

/*
 * Attaches a lane without ordering it behind the lanes that ran before it: attaching acquires a sequence number that all
 * threads share (QSBR), and TSan would miss the races between them. One edge of attaching is real, though, and stays: whoever
 * stopped the world while this thread was out wrote its state. (Without it every collection races with everything.)
 */
static void attach_hidden(PyThreadState *state) {
    ignore_accesses_begin();
    if (AnnotateIgnoreSyncBegin != NULL) {
        AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
    }
    PyEval_RestoreThread(state);
    _Py_brc_init_thread(state);
    if (AnnotateIgnoreSyncEnd != NULL) {
        AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
        __tsan_acquire(&state->state);
    }
    ignore_accesses_end();
}

/* ---- the table -------------------------------------------------------------------------------------------------------------------- */

static bool finish_uses(const ftf_scenario *scenario, int slot) {
    uint64_t used = 0;
    for (uint32_t i = 0; i < scenario->finish.count; i++) {
        used |= ftf_op_slots(&scenario->finish.ops[i]);
    }
    return (used >> slot & 1) != 0;
}

static void find_dropped(pyvm *vm) {
    memset(vm->dropped, 0, sizeof vm->dropped);
    for (uint32_t lane = 0; lane < vm->scenario->lane_count; lane++) {
        const ftf_section *section = &vm->scenario->lanes[lane];
        for (uint32_t i = 0; i < section->count; i++) {
            const ftf_op *op = &section->ops[i];
            if (op->code == FTF_OP_DROP) {
                vm->dropped[op->self.slot] = !finish_uses(vm->scenario, op->self.slot);
            }
        }
    }
}

static ftf_status prepare(ftf_vm *base, const ftf_scenario *scenario, ftf_error *err) {
    (void)err;
    pyvm *vm = self_of(base);
    PyEval_RestoreThread(vm->main_state);
    vm->scenario = scenario;
    section_prepare(&vm->setup, &scenario->setup);
    for (uint32_t i = 0; i < scenario->lane_count; i++) {
        section_prepare(&vm->lane[i], &scenario->lanes[i]);
    }
    section_prepare(&vm->finish, &scenario->finish);
    find_dropped(vm);
    return FTF_OK;
}

static void run_main_section(pyvm *vm, section *section) {
    for (uint32_t i = 0; i < section->count; i++) {
        for (uint32_t n = 0; n < section->steps[i].op->repeat; n++) {
            run_step(vm, section, i);
        }
    }
}

/* Hands one reference of every shared object to each lane. */
static void share_slots(pyvm *vm) {
    for (uint32_t slot = 0; slot < vm->scenario->slot_count; slot++) {
        PyObject *object = vm->setup.slots[slot];
        for (uint32_t i = 0; object != NULL && i < vm->scenario->lane_count; i++) {
            vm->lane[i].slots[slot] = Py_NewRef(object);
        }
        if (vm->dropped[slot]) {
            Py_CLEAR(vm->setup.slots[slot]);
        }
    }
}

static bool start(ftf_vm *base) {
    pyvm *vm = self_of(base);
    section_refresh(&vm->setup);
    run_main_section(vm, &vm->setup);
    bool any = vm->scenario->setup.count == 0;
    for (uint32_t slot = 0; slot < vm->scenario->slot_count; slot++) {
        any = any || vm->setup.slots[slot] != NULL;
    }
    for (uint32_t i = 0; i < vm->scenario->lane_count; i++) {
        section_refresh(&vm->lane[i]);
    }
    share_slots(vm);
    look_at_breaker(vm);
    _Py_brc_remove_thread(vm->main_state);
    PyEval_SaveThread();
    return any;
}

/* The second thread state of an interpreter stops the world (3.13 makes objects immortal then), so lanes open one by one
   while the main thread is detached. */
static void lane_open(ftf_vm *base, int lane) {
    pyvm *vm = self_of(base);
    vm->lane_state[lane] = PyThreadState_New(vm->interpreter);
    FTF_ASSERT(vm->lane_state[lane] != NULL);
    PyEval_RestoreThread(vm->lane_state[lane]);
    _Py_brc_remove_thread(vm->lane_state[lane]);
    PyEval_SaveThread();
}

/* With the GIL on there is nothing to hide: that it orders the lanes is what the control run is about. */
static void lane_enter(ftf_vm *base, int lane) {
    pyvm *vm = self_of(base);
    if (vm->gil) {
        PyEval_RestoreThread(vm->lane_state[lane]);
        _Py_brc_init_thread(vm->lane_state[lane]);
    } else {
        attach_hidden(vm->lane_state[lane]);
    }
}

static ftf_outcome step(ftf_vm *base, int lane, uint32_t op) {
    pyvm *vm = self_of(base);
    return run_step(vm, &vm->lane[lane], op);
}

static void lane_leave(ftf_vm *base, int lane) {
    pyvm *vm = self_of(base);
    section_clear_slots(vm, &vm->lane[lane]);
    look_at_breaker(vm);
    _Py_brc_remove_thread(vm->lane_state[lane]);
    PyEval_SaveThread();
}

static void finish(ftf_vm *base) {
    pyvm *vm = self_of(base);
    PyEval_RestoreThread(vm->main_state);
    _Py_brc_init_thread(vm->main_state);
    for (uint32_t slot = 0; slot < vm->scenario->slot_count; slot++) {
        Py_XSETREF(vm->finish.slots[slot], vm->setup.slots[slot]);
        vm->setup.slots[slot] = NULL;
    }
    section_refresh(&vm->finish);
    ignore_accesses_end(); /* what a lane has freed may still be used here */
    run_main_section(vm, &vm->finish);
    section_clear_slots(vm, &vm->finish);
    ignore_accesses_begin();
    section_forget(&vm->setup);
    for (uint32_t i = 0; i < vm->scenario->lane_count; i++) {
        section_forget(&vm->lane[i]);
    }
    section_forget(&vm->finish);
    look_at_breaker(vm);
}

static void release(ftf_vm *base) {
    pyvm *vm = self_of(base);
    section_release(&vm->setup);
    for (uint32_t i = 0; i < vm->scenario->lane_count; i++) {
        section_release(&vm->lane[i]);
    }
    section_release(&vm->finish);
    PyEval_SaveThread();
}

/* ---- life ---------------------------------------------------------------------------------------------------------------------------- */

static PyObject *make_checkpoint(void) {
    PyObject *globals = PyDict_New();
    PyObject *made = NULL;
    if (globals != NULL) {
        PyObject *ran = PyRun_String("def checkpoint(): pass\n", Py_file_input, globals, globals);
        made = ran != NULL ? Py_XNewRef(PyDict_GetItemString(globals, "checkpoint")) : NULL;
        Py_XDECREF(ran);
    }
    Py_XDECREF(globals);
    return made;
}

static bool has_gil(void) {
    PyObject *asks = PySys_GetObject("_is_gil_enabled"); /* borrowed */
    PyObject *answer = asks != NULL ? PyObject_CallNoArgs(asks) : NULL;
    bool on = answer == Py_True;
    PyErr_Clear();
    Py_XDECREF(answer);
    return on;
}

ftf_vm *ftf_pyvm_create(const char *module, ftf_error *err) {
    if (ftf_build_init(module, err) != FTF_OK) {
        return NULL;
    }
    pyvm *vm = calloc(1, sizeof *vm);
    FTF_ASSERT(vm != NULL);
    vm->vm = (ftf_vm){prepare, start, lane_open, lane_enter, step, lane_leave, finish, release};
    vm->main_state = PyThreadState_Get();
    vm->interpreter = PyThreadState_GetInterpreter(vm->main_state);
    vm->gil = has_gil();
    vm->checkpoint = make_checkpoint();
    section_init(&vm->setup);
    section_init(&vm->finish);
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        section_init(&vm->lane[i]);
    }
    if (vm->checkpoint == NULL || !ftf_step_init()) {
        PyErr_Print();
        ftf_fail(err, FTF_SETUP, "the standard library of this interpreter is not usable; see the traceback above");
        free(vm);
        return NULL;
    }
    PyEval_SaveThread();
    /* Everything else that the main thread does is ordered before or after all that the lanes do, and cannot race. Without
       this libFuzzer's clearing of its counters alone takes a third of the time of a short scenario. */
    ignore_accesses_begin();
    atexit(ignore_accesses_end); /* TSan ends a process with an error whose main thread still ignores */
    return &vm->vm;
}

static void section_destroy(section *section) {
    free(section->steps);
    free(section->usable);
}

void ftf_pyvm_destroy(ftf_vm *base) {
    pyvm *vm = self_of(base);
    section_destroy(&vm->setup);
    section_destroy(&vm->finish);
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        section_destroy(&vm->lane[i]);
    }
    Py_XDECREF(vm->checkpoint);
    free(vm);
}

const char *ftf_pyvm_violation(const ftf_vm *base, int lane) { return ((const pyvm *)base)->lane[lane].violation; }

const char *ftf_pyvm_main_violation(const ftf_vm *base) {
    const pyvm *vm = (const pyvm *)base;
    return vm->setup.violation[0] != 0 ? vm->setup.violation : vm->finish.violation;
}

struct _ts *ftf_pyvm_thread(const ftf_vm *base, int lane) {
    const pyvm *vm = (const pyvm *)base;
    return lane < 0 ? vm->main_state : vm->lane_state[lane];
}
