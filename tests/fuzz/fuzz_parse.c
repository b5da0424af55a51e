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
