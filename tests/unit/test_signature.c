#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "findings/known.h"
#include "findings/signature.h"

#define WORKER "/x/build/ftfuzz-worker-tsan"
#define CPYTHON "/cache/source/1/Python-3.13.5/"

static const char *blame_files[] = {"Modules/_collectionsmodule.c", "Objects/odictobject.c"};
static const char *blame_libraries[] = {"/targets/box-tsan/_box.cpython-313t-x86_64-linux-gnu.so"};
static const ftf_catalog stdlib = {.blame_file_count = 2, .blame_files = blame_files};
static const ftf_catalog package = {.blame_library_count = 1, .blame_libraries = blame_libraries};
static const ftf_catalog unknown; /* a stdlib module without a target file */

static ftf_frame_sort sort_of(const ftf_catalog *catalog, const char *module, const char *function, const char *file) {
    ftf_named_frame frame = {.module = module, .function = function, .file = file};
    ftf_frame_classify(catalog, &frame);
    return frame.sort;
}

static void test_frames__stdlib_target_owns_its_files(void **state) {
    (void)state;
    assert_int_equal(sort_of(&stdlib, WORKER, "odict_clear", CPYTHON "Objects/odictobject.c"), FTF_SORT_EXTENSION);
    assert_int_equal(sort_of(&stdlib, WORKER, "dict_clear", CPYTHON "Objects/dictobject.c"), FTF_SORT_INTERPRETER);
    assert_int_equal(sort_of(&stdlib, WORKER, "array_repr", CPYTHON "Modules/arraymodule.c"), FTF_SORT_INTERPRETER);
    assert_int_equal(sort_of(&unknown, WORKER, "array_repr", CPYTHON "Modules/arraymodule.c"), FTF_SORT_EXTENSION);
    assert_int_equal(sort_of(&unknown, WORKER, "set_add", CPYTHON "Objects/setobject.c"), FTF_SORT_EXTENSION);
    assert_int_equal(sort_of(&unknown, WORKER, "list_repr", CPYTHON "Objects/listobject.c"), FTF_SORT_INTERPRETER);
    assert_int_equal(sort_of(&unknown, "/h/lib/python3.13t/lib-dynload/_x.so", "x_new", CPYTHON "Modules/_x.c"),
                     FTF_SORT_EXTENSION);
}

static void test_frames__package_owns_its_library(void **state) {
    (void)state;
    const char *library = blame_libraries[0];
    const char *other_flavour = "/targets/box-asan/_box.cpython-313t-x86_64-linux-gnu.so";
    assert_int_equal(sort_of(&package, library, "box_get", "/src/box/box.c"), FTF_SORT_EXTENSION);
    assert_int_equal(sort_of(&package, other_flavour, "box_get", "/src/box/box.c"), FTF_SORT_EXTENSION);
    assert_int_equal(sort_of(&package, library, "box_get", ""), FTF_SORT_EXTENSION);
    assert_int_equal(sort_of(&package, library, "Py_INCREF", "/p/include/python3.13t/object.h"), FTF_SORT_HELPER);
    assert_int_equal(sort_of(&package, library, "__Pyx_PyObject_Call", "/src/box/box.c"), FTF_SORT_HELPER);
    assert_int_equal(sort_of(&package, "/targets/dep/_dep.so", "dep_get", "/src/dep.c"), FTF_SORT_FOREIGN);
    assert_int_equal(sort_of(&package, WORKER, "array_repr", CPYTHON "Modules/arraymodule.c"), FTF_SORT_INTERPRETER);
}

static void test_frames__helpers_plumbing_runtime_and_harness(void **state) {
    (void)state;
    assert_int_equal(sort_of(&stdlib, WORKER, "_Py_atomic_load_ptr", CPYTHON "Include/cpython/pyatomic_gcc.h"),
                     FTF_SORT_HELPER);
    assert_int_equal(sort_of(&stdlib, WORKER, "_Py_Dealloc", CPYTHON "Objects/object.c"), FTF_SORT_HELPER);
    assert_int_equal(sort_of(&stdlib, WORKER, "mi_free", CPYTHON "Objects/mimalloc/alloc.c"), FTF_SORT_HELPER);
    assert_int_equal(sort_of(&stdlib, WORKER, "_Py_FatalErrorFunc", CPYTHON "Python/pylifecycle.c"), FTF_SORT_HELPER);
    assert_int_equal(sort_of(&stdlib, WORKER, "method_vectorcall_NOARGS", CPYTHON "Objects/descrobject.c"),
                     FTF_SORT_PLUMBING);
    assert_int_equal(sort_of(&stdlib, WORKER, "__tsan_read8", ""), FTF_SORT_RUNTIME);
    assert_int_equal(sort_of(&stdlib, WORKER, "Py_DECREF", "/c/3.13.5-asan/include/python3.13t/object.h"),
                     FTF_SORT_HELPER);
    assert_int_equal(sort_of(&stdlib, WORKER, "asan_thread_start", "asan_interceptors.cpp.o"), FTF_SORT_RUNTIME);
    assert_int_equal(sort_of(&stdlib, "/lib/x86_64-linux-gnu/libc.so.6", "abort", ""), FTF_SORT_RUNTIME);
    assert_int_equal(sort_of(&stdlib, WORKER, "run_lane", "/checkout/ftfuzz/harness/lanes/pool.c"), FTF_SORT_HARNESS);
}

static void test_frames__files_are_shortened(void **state) {
    (void)state;
    ftf_named_frame frame = {.module = WORKER, .function = "mi_free", .file = CPYTHON "Objects/mimalloc/alloc.c"};
    ftf_frame_classify(&stdlib, &frame);
    assert_string_equal(frame.file, "Objects/mimalloc/alloc.c");
    frame = (ftf_named_frame){.module = blame_libraries[0], .function = "box_get", .file = "/tmp/build-1/src/box.c"};
    ftf_frame_classify(&package, &frame);
    assert_string_equal(frame.file, "box.c");
    frame = (ftf_named_frame){.module = blame_libraries[0], .function = "box_get", .file = ""};
    char name[FTF_FRAME_NAME_MAX];
    ftf_frame_classify(&package, &frame);
    ftf_frame_name(&frame, name);
    assert_string_equal(name, "_box:box_get");
}

/* ---- identities ------------------------------------------------------------------------------------------------ */

typedef struct scene {
    ftf_record record;
    uint32_t count;
    ftf_named_stack stacks[6];
} scene;

static void add(scene *s, const ftf_catalog *catalog, const char *role, const char *const (*frames)[2]) {
    ftf_stack *raw = &s->record.stacks[s->count];
    ftf_named_stack *stack = &s->stacks[s->count++];
    s->record.stack_count = s->count;
    (void)snprintf(raw->role, sizeof raw->role, "%s", role);
    stack->raw = raw;
    stack->count = 0;
    for (size_t i = 0; frames[i][0]; i++) {
        ftf_named_frame frame = {.module = WORKER, .function = frames[i][0], .file = frames[i][1], .line = 7};
        ftf_frame_classify(catalog, &frame);
        stack->frames[stack->count++] = frame;
    }
    ftf_stack_choose_top(stack, strcmp(s->record.kind, "data-race") == 0);
}

static const char *const CLEAR[][2] = {{"__tsan_write8", ""},
                                       {"Py_CLEAR", CPYTHON "Include/cpython/object.h"},
                                       {"odict_clear_impl", CPYTHON "Objects/odictobject.c"},
                                       {"method_vectorcall_NOARGS", CPYTHON "Objects/descrobject.c"},
                                       {"run_lane", "/h/harness/lanes/pool.c"},
                                       {NULL, NULL}};
static const char *const NEXT[][2] = {{"odictiter_iternext", CPYTHON "Objects/odictobject.c"},
                                      {"builtin_next", CPYTHON "Python/bltinmodule.c"},
                                      {"run_lane", "/h/harness/lanes/pool.c"},
                                      {NULL, NULL}};
static const char *const DICT[][2] = {{"dictresize", CPYTHON "Objects/dictobject.c"},
                                      {"run_lane", "/h/harness/lanes/pool.c"},
                                      {NULL, NULL}};
static const char *const OURS[][2] = {{"ftf_lane_step", "/h/harness/lanes/pool.c"}, {NULL, NULL}};
static const char *const HANDED[][2] = {{"Py_DECREF", CPYTHON "Include/object.h"},
                                        {"drop_slot", "/h/harness/python/vm.c"},
                                        {NULL, NULL}};
static const char *const REPR[][2] = {{"Py_TYPE", CPYTHON "Include/object.h"},
                                      {"PyObject_Repr", CPYTHON "Objects/object.c"},
                                      {"run_unary", "/h/harness/python/step.c"},
                                      {NULL, NULL}};

/* A finalizer that the extension set off; a slot that it called; a function that it called by name. */
static const char *const CALLBACK[][2] = {{"bytearray_repr", CPYTHON "Objects/bytearrayobject.c"},
                                          {"PyObject_Repr", CPYTHON "Objects/object.c"},
                                          {"_PyEval_EvalFrameDefault", CPYTHON "Python/generated_cases.c.h"},
                                          {"slot_tp_finalize", CPYTHON "Objects/typeobject.c"},
                                          {"deque_clear", CPYTHON "Modules/_collectionsmodule.c"},
                                          {NULL, NULL}};
static const char *const SLOT[][2] = {{"bytearray_repr", CPYTHON "Objects/bytearrayobject.c"},
                                      {"PyObject_Repr", CPYTHON "Objects/object.c"},
                                      {"odict_repr", CPYTHON "Objects/odictobject.c"},
                                      {NULL, NULL}};
static const char *const DIRECT[][2] = {{"dictresize", CPYTHON "Objects/dictobject.c"},
                                        {"PyDict_Next", CPYTHON "Objects/dictobject.c"},
                                        {"odict_update", CPYTHON "Objects/odictobject.c"},
                                        {NULL, NULL}};
static const char *const ALLOCATES[][2] = {{"__tsan_read8", ""},
                                           {"maybe_freelist_pop", CPYTHON "Objects/tupleobject.c"},
                                           {"PyTuple_New", CPYTHON "Objects/tupleobject.c"},
                                           {"odict_items", CPYTHON "Objects/odictobject.c"},
                                           {NULL, NULL}};

static scene make(const char *kind) {
    scene s = {0};
    (void)snprintf(s.record.kind, sizeof s.record.kind, "%s", kind);
    return s;
}

static void test_identity__race_is_an_unordered_pair(void **state) {
    (void)state;
    scene a = make("data-race"), b = make("data-race");
    ftf_identity first, second;
    add(&a, &stdlib, "write", CLEAR);
    add(&a, &stdlib, "read", NEXT);
    add(&a, &stdlib, "allocated", DICT);
    add(&b, &stdlib, "read", NEXT);
    add(&b, &stdlib, "write", CLEAR);
    for (int i = 0; i < 3; i++) { /* the stacks point into the record of the copy that add() was given */
        a.stacks[i].raw = &a.record.stacks[i];
        b.stacks[i].raw = &b.record.stacks[i];
    }
    ftf_identity_make(&a.record, a.stacks, a.count, NULL, &first);
    ftf_identity_make(&b.record, b.stacks, b.count, NULL, &second);
    assert_string_equal(first.signature, "data-race odictobject.c:odict_clear_impl | odictobject.c:odictiter_iternext");
    assert_string_equal(first.signature, second.signature);
    assert_string_equal(first.id, second.id);
    assert_string_equal(first.title, "data race: odict_clear_impl writes what odictiter_iternext reads");
    assert_string_equal(second.title, first.title);
    assert_string_equal(first.blame, "extension");
    assert_int_equal(strncmp(first.id, "data-race-", 10), 0);
    assert_int_equal(strlen(first.id), 18);
}

static void check_blame(const char *kind, const char *const (*frames)[2], const char *blame) {
    scene s = make(kind);
    ftf_identity identity;
    add(&s, &stdlib, "signal", frames);
    ftf_identity_make(&s.record, s.stacks, s.count, NULL, &identity);
    assert_string_equal(identity.blame, blame);
}

static void test_identity__blame(void **state) {
    (void)state;
    check_blame("segv", CLEAR, "extension");
    check_blame("segv", DICT, "cpython");
    check_blame("segv", OURS, "harness");
    check_blame("segv", HANDED, "extension");
    check_blame("abort", HANDED, "cpython");
}

static void check_race(const char *const (*frames)[2], const char *blame) {
    scene s = make("data-race");
    ftf_identity identity;
    add(&s, &stdlib, "write", DICT);
    add(&s, &stdlib, "read", frames);
    ftf_identity_make(&s.record, s.stacks, s.count, NULL, &identity);
    assert_string_equal(identity.blame, blame);
}

static void test_identity__what_others_do_inside_of_a_call_is_theirs(void **state) {
    (void)state;
    check_race(CALLBACK, "cpython");
    check_race(SLOT, "cpython");
    check_race(DIRECT, "extension");
    check_blame("heap-overflow", CALLBACK, "cpython");
    check_blame("use-after-free", SLOT, "extension"); /* it may have been given a borrowed reference */
    check_blame("use-after-free", DIRECT, "extension");
}

static void test_identity__an_object_that_is_gone_is_one_finding_wherever_noticed(void **state) {
    (void)state;
    scene a = make("use-after-free"), b = make("use-after-free");
    ftf_identity first, second;
    add(&a, &stdlib, "read", HANDED);
    add(&b, &stdlib, "read", REPR);
    ftf_identity_make(&a.record, a.stacks, a.count, NULL, &first);
    ftf_identity_make(&b.record, b.stacks, b.count, NULL, &second);
    assert_string_equal(first.signature, "use-after-free a-referenced-object");
    assert_string_equal(second.signature, first.signature);
    assert_string_equal(second.blame, "extension");
    assert_string_equal(second.title,
                        "use-after-free: an object is gone that is still referenced (noticed in PyObject_Repr)");
}

static void test_identity__race_with_the_caller_does_not_name_helpers(void **state) {
    (void)state;
    scene s = make("data-race");
    ftf_identity identity;
    add(&s, &stdlib, "atomic-read", HANDED);
    add(&s, &stdlib, "write", CLEAR);
    ftf_identity_make(&s.record, s.stacks, s.count, NULL, &identity);
    assert_string_equal(identity.signature, "data-race a-referenced-object | odictobject.c:odict_clear_impl");
    assert_string_equal(identity.title, "data race: odict_clear_impl writes what the caller reads");
    assert_string_equal(identity.blame, "extension");
}

static void test_identity__who_asks_a_destroyed_heap_for_memory_is_innocent(void **state) {
    (void)state;
    scene s = make("segv");
    ftf_identity identity;
    add(&s, &stdlib, "signal", ALLOCATES);
    ftf_identity_make(&s.record, s.stacks, s.count, NULL, &identity);
    assert_string_equal(identity.signature, "segv a-destroyed-heap");
    assert_string_equal(identity.title, "segv: the allocator's lists are destroyed (noticed in odict_items)");
    assert_string_equal(identity.blame, "extension");
}

static void test_identity__one_side_in_the_extension_is_the_extensions(void **state) {
    (void)state;
    scene s = make("use-after-free");
    ftf_identity identity;
    add(&s, &stdlib, "read", DICT);
    add(&s, &stdlib, "freed", CLEAR);
    ftf_identity_make(&s.record, s.stacks, s.count, NULL, &identity);
    assert_string_equal(identity.signature, "use-after-free dictobject.c:dictresize | odictobject.c:odict_clear_impl");
    assert_string_equal(identity.blame, "extension");
    assert_string_equal(identity.title, "use after free: dictresize reads memory that odict_clear_impl freed");
}

static void test_identity__deadlock_names_every_lane(void **state) {
    (void)state;
    scene s = make("deadlock");
    ftf_identity identity;
    add(&s, &stdlib, "blocked", NEXT);
    add(&s, &stdlib, "blocked", OURS); /* parked: it has nothing to do with it */
    add(&s, &stdlib, "running", CLEAR);
    add(&s, &stdlib, "blocked", CLEAR); /* one more that waits there is no other bug */
    ftf_identity_make(&s.record, s.stacks, s.count, NULL, &identity);
    assert_string_equal(identity.signature,
                        "deadlock odictobject.c:odict_clear_impl | odictobject.c:odictiter_iternext");
    assert_string_equal(identity.title, "deadlock: odictiter_iternext and odict_clear_impl wait for ever");
}

static void test_identity__hang_is_the_lane_that_runs(void **state) {
    (void)state;
    scene s = make("hang");
    ftf_identity identity;
    add(&s, &stdlib, "blocked", CLEAR);
    add(&s, &stdlib, "running", NEXT);
    add(&s, &stdlib, "blocked", OURS);
    ftf_identity_make(&s.record, s.stacks, s.count, NULL, &identity);
    assert_string_equal(identity.signature, "hang odictobject.c:odictiter_iternext");
    assert_string_equal(identity.title, "hang: odictiter_iternext does not return");
}

static void test_identity__without_stacks_numbers_do_not_matter(void **state) {
    (void)state;
    scene a = make("error-protocol"), b = make("error-protocol");
    ftf_identity first, second;
    char one[] = "SystemError: <method at 0x7f12> returned NULL 3 times";
    char two[] = "SystemError: <method at 0x9> returned NULL 41 times";
    a.record.detail = one;
    b.record.detail = two;
    ftf_identity_make(&a.record, a.stacks, 0, NULL, &first);
    ftf_identity_make(&b.record, b.stacks, 0, NULL, &second);
    assert_string_equal(first.signature, "error-protocol SystemError: <method at #> returned NULL # times");
    assert_string_equal(first.signature, second.signature);
    assert_string_equal(first.blame, "extension");
}

static const char *const TRY_INCREF[][2] = {{"_Py_IsOwnedByCurrentThread", CPYTHON "Include/object.h"},
                                            {"_Py_TryIncrefFast", CPYTHON "Include/internal/pycore_object.h"},
                                            {"_Py_dict_lookup_threadsafe", CPYTHON "Objects/dictobject.c"},
                                            {"odict_get", CPYTHON "Objects/odictobject.c"},
                                            {NULL, NULL}};
static const char *const BEHIND[][2] = {{"odict_get", CPYTHON "Objects/odictobject.c"},
                                        {"_Py_TryXGetRef", CPYTHON "Include/internal/pycore_object.h"},
                                        {NULL, NULL}};

static const char *known(const char *const (*frames)[2], const char *kind, const char *version) {
    scene s = make(kind);
    add(&s, &stdlib, "write", DICT);
    add(&s, &stdlib, "read", frames);
    return ftf_known_race(&s.record, s.stacks, s.count, version);
}

static void test_known__races_of_the_interpreter_are_looked_up(void **state) {
    (void)state;
    assert_non_null(known(TRY_INCREF, "data-race", "3.13.5"));
    assert_non_null(known(TRY_INCREF, "data-race", NULL));
    assert_null(known(TRY_INCREF, "data-race", "3.15.0"));
    assert_null(known(TRY_INCREF, "use-after-free", "3.13.5"));
    assert_null(known(BEHIND, "data-race", "3.13.5")); /* the extension is further in */
    assert_null(known(NEXT, "data-race", "3.13.5"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames__stdlib_target_owns_its_files),
        cmocka_unit_test(test_frames__package_owns_its_library),
        cmocka_unit_test(test_frames__helpers_plumbing_runtime_and_harness),
        cmocka_unit_test(test_frames__files_are_shortened),
        cmocka_unit_test(test_identity__race_is_an_unordered_pair),
        cmocka_unit_test(test_identity__blame),
        cmocka_unit_test(test_identity__what_others_do_inside_of_a_call_is_theirs),
        cmocka_unit_test(test_identity__an_object_that_is_gone_is_one_finding_wherever_noticed),
        cmocka_unit_test(test_identity__race_with_the_caller_does_not_name_helpers),
        cmocka_unit_test(test_identity__who_asks_a_destroyed_heap_for_memory_is_innocent),
        cmocka_unit_test(test_identity__one_side_in_the_extension_is_the_extensions),
        cmocka_unit_test(test_identity__deadlock_names_every_lane),
        cmocka_unit_test(test_identity__hang_is_the_lane_that_runs),
        cmocka_unit_test(test_identity__without_stacks_numbers_do_not_matter),
        cmocka_unit_test(test_known__races_of_the_interpreter_are_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
