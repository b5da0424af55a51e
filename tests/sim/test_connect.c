/*
 * Sockets that listen, and lanes that connect to them. If one of these fails, the bug is in
 * harness/sched/interpose_io.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/same.h"

static int listener;
static union {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in net;
} address;
static socklen_t address_length;

static void listen_at_address(int family) {
    memset(&done, 0, sizeof done);
    if (listener != 0) {
        close(listener);
    }
    listener = socket(family, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, &address.any, address_length), 0);
    assert_int_equal(listen(listener, 0), 0);
    address_length = sizeof address;
    assert_int_equal(getsockname(listener, &address.any, &address_length), 0);
}

/* What listens is read and written, what does not is asked for connections. */
static void misuse_listener(int lane) {
    char byte = 'x';
    touch(lane);
    note(lane, recv(listener, &byte, 1, 0) < 0 && read(listener, &byte, 1) < 0 ? 1 : 9);
    note(lane, send(listener, &byte, 1, MSG_NOSIGNAL) < 0 ? 2 : 9);
}

static void misuse_others(int lane) {
    char byte;
    int pair[2];
    assert_int_equal(pipe(pair), 0);
    touch(lane);
    note(lane, recv(pair[0], &byte, 1, 0) < 0 && errno == ENOTSOCK ? 1 : 9);
    note(lane, accept(pair[0], NULL, NULL) < 0 && errno == ENOTSOCK ? 2 : 9);
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    note(lane, accept(pair[0], NULL, NULL) < 0 && errno == EINVAL ? 3 : 9);
    close(pair[0]);
    close(pair[1]);
}

static void all_misused(void) {
    assert_int_equal(done.length, 5);
    assert_true(when(0, 9) < 0 && when(1, 9) < 0);
}

/* No name: the system chooses one. */
static void reset_local(void) {
    address.local = (struct sockaddr_un){.sun_family = AF_UNIX};
    address_length = sizeof(sa_family_t);
    listen_at_address(AF_UNIX);
}

static void reset_net(void) {
    address.net = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address_length = sizeof address.net;
    listen_at_address(AF_INET);
}

static void socket__what_the_descriptor_is_not_for_is_refused_at_once(void **state) {
    (void)state;
    always(misuse_listener, misuse_others, reset_local, all_misused);
    always(misuse_listener, misuse_others, reset_net, all_misused);
}

static int connected(void) {
    int fd = socket(address.any.sa_family, SOCK_STREAM, 0);
    errno = 4711;
    assert_int_equal(connect(fd, &address.any, address_length), 0);
    assert_int_equal(errno, 4711);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    return fd;
}

/* There is room for one that has not been accepted. */
static void connect_thrice(int lane) {
    int fd[3];
    for (int i = 0; i < 3; i++) {
        fd[i] = connected();
        note(lane, i);
    }
    for (int i = 0; i < 3; i++) {
        char byte;
        assert_int_equal(read(fd[i], &byte, 1), 0);
        close(fd[i]);
    }
}

/* A lane that looks for another one whether it is let in must not show it. */
static void accept_thrice(int lane) {
    for (int i = 0; i < 3; i++) {
        errno = 815;
        touch(lane);
        sched_yield();
        assert_int_equal(errno, 815);
        sleep(1);
        close(accept(listener, NULL, NULL));
        note(lane, 10 + i);
    }
}

static void let_in_one_by_one(void) {
    assert_int_equal(done.length, 6);
    assert_true(when(1, 10) < when(0, 2));
}

static void connect__a_lane_waits_to_be_let_in(void **state) {
    (void)state;
    always(connect_thrice, accept_thrice, reset_local, let_in_one_by_one);
}

static int waiting;

/* There is room for the first one only. */
static void connect_a_second(int lane) {
    int first = connected();
    waiting = socket(AF_UNIX, SOCK_STREAM, 0);
    note(lane, connect(waiting, &address.any, address_length) == -1 ? errno : 0);
    close(waiting);
    close(first);
}

/* Other lanes look meanwhile whether the waiting one is let in. */
static void note_nonblocking(int lane, int fd) {
    touch(lane);
    sched_yield();
    int flags = fcntl(fd, F_GETFL);
    note(lane, flags >= 0 && (flags & O_NONBLOCK) != 0 ? 1 : 9);
}

static void put_in_its_place(int lane, int fd) {
    sleep(1);
    assert_int_equal(dup2(fd, waiting), waiting);
    note_nonblocking(lane, fd);
    close(fd);
}

static void put_a_counter(int lane) { put_in_its_place(lane, eventfd(0, EFD_NONBLOCK)); }

static void put_a_socket(int lane) { put_in_its_place(lane, socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)); }

static void its_own_is_gone(void) { assert_true(when(0, EBADF) >= 0 && when(1, 1) >= 0); }

static void connect__what_took_the_place_of_a_socket_is_left_alone(void **state) {
    (void)state;
    always(connect_a_second, put_a_counter, reset_local, its_own_is_gone);
    always(connect_a_second, put_a_socket, reset_local, its_own_is_gone);
}

static void set_its_mode(int lane) {
    sleep(1);
    assert_int_equal(fcntl(waiting, F_SETFL, O_NONBLOCK), 0);
    note_nonblocking(lane, waiting);
    close(accept(listener, NULL, NULL));
}

static void let_in(void) { assert_true(when(1, 1) >= 0 && when(1, 1) < when(0, 0)); }

static void connect__a_mode_that_is_set_meanwhile_stays(void **state) {
    (void)state;
    always(connect_a_second, set_its_mode, reset_local, let_in);
}

static void connect_and_read(int lane) {
    char byte;
    int fd = connected();
    note(lane, read(fd, &byte, 1) == 1);
    close(fd);
}

static void accept_and_write(int lane) {
    touch(lane);
    int fd = accept(listener, NULL, NULL);
    assert_int_equal(write(fd, "x", 1), 1);
    note(lane, 2);
    close(fd);
}

static void met(void) { assert_true(when(0, 1) == 1 && when(1, 2) == 0); }

static void connect__over_the_network_too(void **state) {
    (void)state;
    always(connect_and_read, accept_and_write, reset_net, met);
}

static void connect_to_nobody(int lane) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    close(listener);
    listener = 0;
    note(lane, connect(fd, &address.any, address_length) == -1 ? errno : 0);
    note(lane, connect(-1, &address.any, address_length) == -1 ? errno : 0);
    close(fd);
}

static void nobody_there(void) { assert_true(when(0, ECONNREFUSED) == 0 && when(0, EBADF) == 1); }

static void connect__is_refused_as_ever(void **state) {
    (void)state;
    always(connect_to_nobody, touch, reset_net, nobody_there);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket__what_the_descriptor_is_not_for_is_refused_at_once),
        cmocka_unit_test(connect__a_lane_waits_to_be_let_in),
        cmocka_unit_test(connect__what_took_the_place_of_a_socket_is_left_alone),
        cmocka_unit_test(connect__a_mode_that_is_set_meanwhile_stays),
        cmocka_unit_test(connect__over_the_network_too),
        cmocka_unit_test(connect__is_refused_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
