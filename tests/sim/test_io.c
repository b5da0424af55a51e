/*
 * Lanes that wait for descriptors. If one of these fails, the bug is in harness/sched/interpose_{io,poll}.c or in how sched.c looks at
 * what lanes wait for.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/same.h"

enum { LARGE = 300000 };

static int ends[2];
static pthread_t helper;

static void reset(void) {
    memset(&done, 0, sizeof done);
    if (ends[0] != 0) {
        close(ends[0]);
        close(ends[1]);
    }
}

static void reset_pipe(void) {
    reset();
    assert_int_equal(pipe(ends), 0);
}

static void reset_socket(void) {
    reset();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

/* ---- descriptors --------------------------------------------------------------------------------------------------------------- */

static void read_one(int lane) {
    char byte = 0;
    touch(lane);
    note(lane, read(ends[0], &byte, 1) == 1 && byte == 'x');
}

static void write_one(int lane) {
    touch(lane);
    note(lane, 2);
    assert_int_equal(write(ends[1], "x", 1), 1);
    touch(lane);
}

static void written_first(void) {
    assert_int_equal(done.length, 2);
    assert_true(when(1, 2) >= 0 && when(1, 2) < when(0, 1));
}

static void pipe__a_write_of_another_lane_ends_a_read(void **state) {
    (void)state;
    always(read_one, write_one, reset_pipe, written_first);
}

static void receive_one(int lane) {
    char byte = 0;
    note(lane, recv(ends[0], &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1 ? 6 : 7); /* never waits */
    errno = 0;
    note(lane, recv(ends[0], &byte, 1, MSG_PEEK) == 1 && byte == 'x');
}

static void send_one(int lane) {
    touch(lane);
    assert_int_equal(send(ends[1], "x", 1, 0), 1);
    note(lane, 2);
}

static void received(void) {
    assert_int_equal(done.length, 3);
    assert_true(when(0, 1) >= 0);
}

static void socket__a_send_of_another_lane_ends_a_receive(void **state) {
    (void)state;
    always(receive_one, send_one, reset_socket, received);
}

static char large[LARGE];

static void write_much(int lane) {
    note(lane, write(ends[1], large, sizeof large) == LARGE);
    close(ends[1]);
    ends[1] = dup(ends[0]);
}

static void read_all(int lane) {
    static char room[5000];
    long total = 0;
    for (ssize_t n; (n = read(ends[0], room, sizeof room)) > 0;) {
        total += n;
        touch(lane);
    }
    note(lane, total == LARGE ? 4 : 5);
}

static void all_through(void) { assert_true(when(0, 1) >= 0 && when(1, 4) >= 0); }

static void pipe__a_write_that_does_not_fit_goes_in_pieces(void **state) {
    (void)state;
    always(write_much, read_all, reset_pipe, all_through);
}

static void socket__so_does_a_stream(void **state) {
    (void)state;
    always(write_much, read_all, reset_socket, all_through);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void poll_in_vain(int lane) {
    struct pollfd one = {.fd = ends[0], .events = POLLIN};
    int64_t begin = now_ms();
    note(lane, poll(&one, 1, 5000));
    note(lane, now_ms() - begin >= 5000 && now_ms() - begin < 5100 ? 1 : 9);
}

static void sleep_seven(int lane) {
    sleep(7);
    note(lane, 7);
}

static void polled_before_slept(void) {
    assert_int_equal(done.length, 3);
    assert_int_equal(done.step[0].what, 0);
    assert_int_equal(done.step[1].what, 1);
    assert_int_equal(done.step[2].what, 7);
}

static void poll__times_out_in_virtual_time(void **state) {
    (void)state;
    always(poll_in_vain, sleep_seven, reset_pipe, polled_before_slept);
}

/* Poll, select and epoll, each of which a byte of the other lane ends. */
static void wait_three_ways(int lane) {
    char byte;
    struct pollfd one = {.fd = ends[0], .events = POLLIN};
    note(lane, poll(&one, 1, -1) == 1 && one.revents == POLLIN);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval time = {.tv_sec = 1000};
    note(lane, select(ends[0] + 1, &set, NULL, NULL, &time) == 1 && FD_ISSET(ends[0], &set) ? 2 : 9);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    int instance = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = 17};
    epoll_ctl(instance, EPOLL_CTL_ADD, ends[0], &event);
    note(lane, epoll_wait(instance, &event, 1, 1000000) == 1 && event.data.u32 == 17 ? 3 : 9);
    close(instance);
}

static void write_three(int lane) {
    for (int i = 0; i < 3; i++) {
        touch(lane);
        assert_int_equal(write(ends[1], "x", 1), 1);
        sleep(1);
    }
}

static void seen_three_ways(void) {
    assert_int_equal(done.length, 3);
    assert_true(when(0, 1) == 0 && when(0, 2) == 1 && when(0, 3) == 2);
}

static void poll__an_event_ends_it_as_it_does_select_and_epoll(void **state) {
    (void)state;
    always(wait_three_ways, write_three, reset_pipe, seen_three_ways);
}

static void *write_from_outside(void *unused) {
    usleep(30000);
    assert_int_equal(write(ends[1], "x", 1), 1);
    return unused;
}

static void start_and_read(int lane) {
    assert_int_equal(pthread_create(&helper, NULL, write_from_outside, NULL), 0);
    read_one(lane);
    pthread_join(helper, NULL);
}

static void read_from_outside(void) { assert_true(when(0, 1) == 0); }

static void pipe__what_comes_from_outside_is_polled_for(void **state) {
    (void)state;
    always(start_and_read, touch, reset_pipe, read_from_outside);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipe__a_write_of_another_lane_ends_a_read),
        cmocka_unit_test(socket__a_send_of_another_lane_ends_a_receive),
        cmocka_unit_test(pipe__a_write_that_does_not_fit_goes_in_pieces),
        cmocka_unit_test(socket__so_does_a_stream),
        cmocka_unit_test(poll__times_out_in_virtual_time),
        cmocka_unit_test(poll__an_event_ends_it_as_it_does_select_and_epoll),
        cmocka_unit_test(pipe__what_comes_from_outside_is_polled_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
