/*
 * Lanes that wait for descriptors. If one of these fails, the bug is in harness/sched/interpose_{io,poll}.c or in how sched.c looks at
 * what lanes wait for.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
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

static void use_the_wrong_ends(int lane) {
    char byte = 'x';
    touch(lane);
    bool refused = read(ends[1], &byte, 1) < 0 && errno == EBADF;
    note(lane, refused && write(ends[0], &byte, 1) < 0 && errno == EBADF);
}

static void both_refused(void) { assert_true(when(0, 1) >= 0 && when(1, 1) >= 0); }

static void pipe__the_wrong_end_is_refused_at_once(void **state) {
    (void)state;
    always(use_the_wrong_ends, use_the_wrong_ends, reset_pipe, both_refused);
}

/* Nothing of that descriptor is ready, and nothing will be. */
static bool is_refused(ssize_t result, int error, int fd) {
    bool refused = result < 0 && errno == error;
    close(fd);
    return refused;
}

static void write_what_is_read_only(int lane) {
    sigset_t none;
    sigemptyset(&none);
    int instance = epoll_create1(0);
    touch(lane);
    note(lane, is_refused(write(instance, "12345678", 8), EINVAL, instance) ? 1 : 9);
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    note(lane, is_refused(write(timer, "12345678", 8), EINVAL, timer) ? 2 : 9);
    int signals = signalfd(-1, &none, 0);
    note(lane, is_refused(write(signals, "12345678", 8), EINVAL, signals) ? 3 : 9);
}

static void read_what_has_only_events(int lane) {
    char byte;
    int instance = epoll_create1(0);
    touch(lane);
    note(lane, is_refused(read(instance, &byte, 1), EINVAL, instance) ? 1 : 9);
}

static void all_refused(void) {
    assert_int_equal(done.length, 4);
    assert_true(when(0, 9) < 0 && when(1, 9) < 0);
}

static void epoll__neither_it_nor_timers_nor_signals_take_what_is_written(void **state) {
    (void)state;
    always(write_what_is_read_only, read_what_has_only_events, reset_pipe, all_refused);
}

/* It cannot count further than the first of them. */
static void add_to_full_counter(int lane) {
    uint64_t most = UINT64_MAX - 1, one = 1;
    assert_int_equal(write(ends[0], &most, sizeof most), sizeof most);
    note(lane, write(ends[0], &one, sizeof one) == sizeof one);
}

static void empty_counter(int lane) {
    uint64_t count = 0;
    touch(lane);
    assert_int_equal(read(ends[0], &count, sizeof count), sizeof count);
    note(lane, count == UINT64_MAX - 1 ? 2 : 9);
}

static void reset_counter(void) {
    reset();
    ends[0] = eventfd(0, 0);
    ends[1] = dup(ends[0]);
}

static void counted_on(void) { assert_true(when(1, 2) >= 0 && when(0, 1) >= 0); }

static void eventfd__a_read_of_another_lane_ends_a_write(void **state) {
    (void)state;
    always(add_to_full_counter, empty_counter, reset_counter, counted_on);
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

static void fill_large(void) {
    for (int i = 0; i < LARGE; i++) {
        large[i] = (char)(i % 251);
    }
}

/* Buffers of odd sizes, an empty one among them; LARGE in all. */
static void split(struct iovec parts[5]) {
    static const size_t sizes[5] = {1, 0, 4097, 100000, LARGE - 104098};
    char *at = large;
    for (int i = 0; i < 5; i++) {
        parts[i] = (struct iovec){.iov_base = at, .iov_len = sizes[i]};
        at += sizes[i];
    }
}

static void write_vector(int lane) {
    struct iovec parts[5];
    split(parts);
    note(lane, writev(ends[1], parts, 5) == LARGE);
    close(ends[1]);
    ends[1] = dup(ends[0]);
}

static void read_checked(int lane) {
    static char room[5000];
    long total = 0, wrong = 0;
    for (ssize_t n; (n = read(ends[0], room, sizeof room)) > 0;) {
        wrong += memcmp(room, large + total, (size_t)n) != 0;
        total += n;
        touch(lane);
    }
    note(lane, total == LARGE && wrong == 0 ? 4 : 5);
}

static void pipe__so_does_a_vector(void **state) {
    (void)state;
    fill_large();
    always(write_vector, read_checked, reset_pipe, all_through);
}

/* With a descriptor, which must arrive once. */
static void send_message(int lane) {
    struct iovec parts[5];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    const struct msghdr message = {
        .msg_iov = parts, .msg_iovlen = 5, .msg_control = &control, .msg_controllen = sizeof control};
    int own = STDERR_FILENO;
    split(parts);
    memcpy(CMSG_DATA(&control.header), &own, sizeof own);
    note(lane, sendmsg(ends[1], &message, 0) == LARGE);
    close(ends[1]);
    ends[1] = dup(ends[0]);
}

static void receive_messages(int lane) {
    static char room[5000];
    long total = 0, passed = 0;
    for (;;) {
        struct iovec part = {.iov_base = room, .iov_len = sizeof room};
        char control[CMSG_SPACE(sizeof(int)) * 2];
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t n = recvmsg(ends[0], &message, MSG_CMSG_CLOEXEC);
        if (n <= 0) {
            break;
        }
        const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
            int fd;
            memcpy(&fd, CMSG_DATA(header), sizeof fd);
            close(fd);
            passed++;
        }
        total += memcmp(room, large + total, (size_t)n) == 0 ? n : 0;
        touch(lane);
    }
    note(lane, total == LARGE && passed == 1 ? 4 : 5);
}

static void socket__so_does_a_message(void **state) {
    (void)state;
    fill_large();
    always(send_message, receive_messages, reset_socket, all_through);
}

static void receive_three(int lane) {
    char bytes[4] = "";
    note(lane, recv(ends[0], bytes, 3, MSG_WAITALL) == 3 && strcmp(bytes, "abc") == 0);
    note(lane, recv(ends[0], bytes, 3, MSG_WAITALL) == 1 && bytes[0] == 'd' ? 2 : 9);
    note(lane, recv(ends[0], bytes, 3, MSG_WAITALL) == 0 ? 3 : 9);
}

static void send_one_by_one(int lane) {
    for (const char *c = "abcd"; *c; c++) {
        assert_int_equal(send(ends[1], c, 1, 0), 1);
        touch(lane);
        sleep(1);
    }
    shutdown(ends[1], SHUT_WR);
}

static void received_three(void) { assert_true(when(0, 1) == 0 && when(0, 2) == 1 && when(0, 3) == 2); }

static void socket__a_receive_waits_for_all(void **state) {
    (void)state;
    always(receive_three, send_one_by_one, reset_socket, received_three);
}

/* ---- events -------------------------------------------------------------------------------------------------------------------- */

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
        cmocka_unit_test(pipe__the_wrong_end_is_refused_at_once),
        cmocka_unit_test(epoll__neither_it_nor_timers_nor_signals_take_what_is_written),
        cmocka_unit_test(eventfd__a_read_of_another_lane_ends_a_write),
        cmocka_unit_test(socket__a_send_of_another_lane_ends_a_receive),
        cmocka_unit_test(pipe__a_write_that_does_not_fit_goes_in_pieces),
        cmocka_unit_test(socket__so_does_a_stream),
        cmocka_unit_test(pipe__so_does_a_vector),
        cmocka_unit_test(socket__so_does_a_message),
        cmocka_unit_test(socket__a_receive_waits_for_all),
        cmocka_unit_test(poll__times_out_in_virtual_time),
        cmocka_unit_test(poll__an_event_ends_it_as_it_does_select_and_epoll),
        cmocka_unit_test(pipe__what_comes_from_outside_is_polled_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
