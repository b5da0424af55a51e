/*
 * Any bytes either parse or are refused with a line and a reason, and what parses says the same after it was printed:
 * parse(print(s)) == s and print(parse(print(s))) == print(s). Mended, a parsed scenario stays as it is.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "scenario/mend.h"
#include "scenario/parse.h"
#include "scenario/print.h"

/* abort(), unlike FTF_ASSERT's own exit, makes libFuzzer keep the input. */
#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size); /* libFuzzer's own */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static void check_refusal(const ftf_error *err, const char *text, size_t len) {
    int lines = 1;
    for (size_t i = 0; i < len; i++) {
        lines += text[i] == '\n';
    }
    REQUIRE(err->status == FTF_INPUT && err->text[0] != '\0');
    REQUIRE(err->line >= 1 && err->line <= lines);
    REQUIRE(!strchr(err->text, '\n'));
}

static void check_round_trip(const ftf_scenario *scenario, ftf_arena *arena) {
    ftf_text first = {0};
    ftf_text second = {0};
    ftf_scenario again;
    ftf_scenario copy;
    ftf_scenario_print(scenario, &first);
    ftf_status status = ftf_scenario_parse(first.data, first.len, arena, &again, NULL);
    REQUIRE(status == FTF_OK);
    REQUIRE(ftf_scenario_equal(scenario, &again));
    ftf_scenario_print(&again, &second);
    REQUIRE(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    ftf_scenario_copy(&copy, arena, scenario);
    ftf_scenario_mend(&copy);
    REQUIRE(ftf_scenario_equal(scenario, &copy));
    ftf_text_release(&first);
    ftf_text_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ftf_arena *arena;
    if (!arena) {
        arena = ftf_arena_create();
    }
    ftf_arena_reset(arena);
    ftf_scenario scenario;
    ftf_error err = {.status = FTF_OK};
    const char *text = (const char *)data; /* libFuzzer's copy ends where its memory ends: ASan sees a read past it */
    ftf_status status = ftf_scenario_parse(text, size, arena, &scenario, &err);
    if (status == FTF_OK) {
        check_round_trip(&scenario, arena);
    } else {
        check_refusal(&err, text, size);
    }
    return 0;
}

/* Without a corpus the first line alone would take libFuzzer minutes: short inputs become one of these. */
static const char *const seeds[] = {
    "ftfuzz 1\ntarget t\nsetup\n  a = T([1, 2.5, \"x\", b\"\\x00\", (), (1,), {1, 2}, {\"k\": None}], key=True)\n"
    "thread\n  x = a.f(1, $mutates(a), key=$index(3)) * 32\n  a[0] = -x\n  del a[-1]\nthread\n  next(a) * 300\n",
    "ftfuzz 1\ntarget t\nsetup\n  a = m.T(float(\"inf\"), 0xff, -1)\nthread\n  a.b = 1\n  del a.b\n  a.b * 3\n  1 in "
    "a\n"
    "  a ** 2 * 4\n  a |= a\n  ~a\nthread\n  with a: pass\n  del a\n  gc.collect()\n  \"\\u4e2d\\ud800\".f()\nfinish\n"
    "  a(1)\n  copy.copy(a)\nschedule at 0:41>1 1:12>0\n",
    "ftfuzz 1\ntarget t\nthread\n  a = list([1])\n  a = list(a)\n  T.x = a\nschedule pct seed=77 depth=3\n",
};

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    enum { SHORT = 40 };
    const char *text = seeds[seed % (sizeof seeds / sizeof *seeds)];
    if (size < SHORT && strlen(text) <= max_size) {
        size = strlen(text);
        memcpy(data, text, size);
    }
    return LLVMFuzzerMutate(data, size, max_size);
}
