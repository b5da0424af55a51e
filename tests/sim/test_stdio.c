/*
 * Lanes that use stdio on pipes and sockets. If one of these fails, the bug is in harness/sched/interpose_stdio.c.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/same.h"

enum { LARGE = 200000 };

static FILE *in, *out;
static char large[LARGE], room[LARGE + 1];

static void close_both(void) {
    memset(&done, 0, sizeof done);
    memset(room, 0, sizeof room);
    if (in != NULL) {
        fclose(in);
    }
    if (out != NULL) {
        fclose(out);
    }
    in = out = NULL;
}

static void open_pipe(void) {
    int ends[2];
    close_both();
    assert_int_equal(pipe(ends), 0);
    in = fdopen(ends[0], "r");
    out = fdopen(ends[1], "w");
    for (int i = 0; i < LARGE; i++) {
        large[i] = (char)(i % 251);
    }
}

static void open_line_buffered_pipe(void) {
    open_pipe();
    setvbuf(out, NULL, _IOLBF, 0);
}

static void open_unbuffered_pipe(void) {
    open_pipe();
    setvbuf(out, NULL, _IONBF, 0);
    setvbuf(in, NULL, _IONBF, 0);
}

static void open_socket(void) {
    int ends[2];
    open_pipe();
    close_both();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    in = fdopen(ends[0], "r+");
    out = fdopen(ends[1], "r+");
}

/* ---- all of it --------------------------------------------------------------------------------------------------------- */

static void write_all(int lane) {
    assert_int_equal(fputc(large[0], out), (unsigned char)large[0]);
    note(lane, fwrite(large + 1, 7, (LARGE - 1) / 7, out) == (LARGE - 1) / 7);
    size_t rest = (LARGE - 1) % 7;
    assert_int_equal(fwrite(large + LARGE - rest, 1, rest, out), rest);
    assert_int_equal(fclose(out), 0);
    out = NULL;
}

static void read_all(int lane) {
    size_t n = fread(room, 1, 10000, in);
    touch(lane);
    n += fread(room + n, 1, sizeof room - n, in);
    note(lane, n == LARGE && memcmp(room, large, LARGE) == 0 && feof(in) && !ferror(in) ? 2 : 9);
}

static void all_through(void) {
    assert_int_equal(done.length, 2);
    assert_true(when(0, 1) >= 0 && when(1, 2) >= 0);
}

static void stdio__what_does_not_fit_goes_through(void **state) {
    (void)state;
    always(write_all, read_all, open_pipe, all_through);
    always(write_all, read_all, open_line_buffered_pipe, all_through);
    always(write_all, read_all, open_socket, all_through);
}

static void write_unbuffered(int lane) {
    note(lane, fwrite(large, 1, LARGE, out) == LARGE);
    assert_int_equal(fclose(out), 0);
    out = NULL;
}

static void read_raw(int lane) {
    size_t done_bytes = 0;
    for (ssize_t n; (n = read(fileno(in), room + done_bytes, 30000)) > 0;) {
        done_bytes += (size_t)n;
        touch(lane);
    }
    note(lane, done_bytes == LARGE && memcmp(room, large, LARGE) == 0 ? 2 : 9);
}

static void stdio__nor_does_it_block_without_a_buffer(void **state) {
    (void)state;
    always(write_unbuffered, read_raw, open_unbuffered_pipe, all_through);
}

/* ---- lines and characters ---------------------------------------------------------------------------------------------- */

static void say_slowly(int lane) {
    const char *const parts[] = {"on", "e\ntwo\nthr", "ee\n", "x", "rest"};
    for (int i = 0; i < 5; i++) {
        assert_true(fputs(parts[i], out) >= 0);
        assert_int_equal(fflush(out), 0);
        sleep(1);
    }
    fclose(out);
    out = NULL;
    note(lane, 7);
}

static void read_lines(int lane) {
    char line[20];
    note(lane, fgets(line, sizeof line, in) == line && strcmp(line, "one\n") == 0);
    note(lane, fgets(line, 3, in) == line && strcmp(line, "tw") == 0 ? 2 : 9);
    note(lane, fgets(line, sizeof line, in) == line && strcmp(line, "o\n") == 0 ? 3 : 9);
    note(lane, fgets(line, sizeof line, in) == line && strcmp(line, "three\n") == 0 ? 4 : 9);
    int c = getc(in);
    ungetc('y', in); /* what is behind it is still there */
    note(lane, c == 'x' && fgetc(in) == 'y' ? 5 : 9);
    note(lane, fgets(line, sizeof line, in) == line && strcmp(line, "rest") == 0 ? 6 : 9);
    note(lane, fgets(line, sizeof line, in) == NULL && fgetc(in) == EOF && feof(in) ? 8 : 9);
}

static void all_read(void) {
    assert_int_equal(done.length, 8);
    assert_true(when(1, 1) >= 0 && when(1, 9) < 0 && when(1, 8) == 7);
}

static void stdio__lines_come_as_they_are_written(void **state) {
    (void)state;
    always(say_slowly, read_lines, open_pipe, all_read);
    always(say_slowly, read_lines, open_socket, all_read);
}

static void say_a_line(int lane) {
    assert_true(fputs("line\n", out) >= 0);
    assert_int_equal(fflush(out), 0);
    note(lane, 2);
}

static void read_after_an_error(int lane) {
    char line[20];
    assert_int_equal(fputc('x', in), EOF); /* it is for reading only */
    assert_true(ferror(in));
    note(lane, fgets(line, sizeof line, in) == line && strcmp(line, "line\n") == 0);
    assert_true(ferror(in));
}

static void line_read(void) { assert_true(when(0, 2) >= 0 && when(1, 1) >= 0); }

static void stdio__an_earlier_error_is_not_the_next_line_s(void **state) {
    (void)state;
    always(say_a_line, read_after_an_error, open_pipe, line_read);
}

/* What was put back hides what had been read; there is more to come only when the other lane hears of it. */
static void put_back(int lane) {
    char two[3] = "";
    assert_int_equal(fgetc(in), 'a');
    ungetc('z', in);
    assert_int_equal(fread(two, 1, 2, in), 2);
    note(lane, strcmp(two, "zb") == 0);
}

static void write_two(int lane) {
    touch(lane);
    fputs("ab", out);
    fflush(out);
    note(lane, 2);
}

static void both_had(void) { assert_true(when(0, 1) == 1 && when(1, 2) == 0); }

static void stdio__what_is_put_back_hides_nothing(void **state) {
    (void)state;
    always(put_back, write_two, open_pipe, both_had);
}

/* ---- one FILE, several lanes ------------------------------------------------------------------------------------------- */

static void read_pair(int lane) {
    char pair[3] = "";
    assert_int_equal(fread(pair, 1, 2, in), 2);
    note(lane, pair[0] == pair[1]);
}

static void write_pairs(int lane) {
    for (const char *c = "aabb"; *c; c++) {
        fputc(*c, out);
        fflush(out);
        touch(lane);
        sleep(1);
    }
    note(lane, 2);
}

static void whole_pairs(void) { assert_true(when(0, 1) >= 0 && when(1, 1) >= 0 && when(2, 2) == 2); }

static void stdio__nobody_gets_into_the_middle_of_a_call(void **state) {
    (void)state;
    toy *toy = toy_create(3, open_pipe, NULL);
    toy_add(toy, 0, read_pair);
    toy_add(toy, 1, read_pair);
    toy_add(toy, 2, write_pairs);
    always_the_same(toy, whole_pairs);
    toy_destroy(toy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stdio__what_does_not_fit_goes_through),
        cmocka_unit_test(stdio__nor_does_it_block_without_a_buffer),
        cmocka_unit_test(stdio__lines_come_as_they_are_written),
        cmocka_unit_test(stdio__an_earlier_error_is_not_the_next_line_s),
        cmocka_unit_test(stdio__what_is_put_back_hides_nothing),
        cmocka_unit_test(stdio__nobody_gets_into_the_middle_of_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
