/*
 * pthread_once. A lane that comes while another one runs the initializer, which may have lost the token in it, waits for its end;
 * then the real call finds it done. Who runs which initializer is a table of ours: libc's word says only that somebody does.
 */
#include <pthread.h>

#include "sched/interpose.h"

typedef int (*once_call)(pthread_once_t *, void (*)(void));

FTF_REAL(once_call, pthread_once)

/* One initializer that runs, under the scheduler's lock. They nest. */
typedef struct running {
    const pthread_once_t *control; /* NULL: the entry is free */
    int tid;
} running;

enum { NESTED_MAX = 32 }; /* over all lanes; whoever does not fit is waited for in the kernel */

static running table[NESTED_MAX];

static running *find(const pthread_once_t *control) {
    for (int i = 0; i < NESTED_MAX; i++) {
        if (table[i].control == control) {
            return &table[i];
        }
    }
    return NULL;
}

static bool is_running(const void *channel) { return find(channel) != NULL; }

static int runner(const void *channel) {
    const running *entry = find(channel);
    return entry != NULL ? entry->tid : 0;
}

static void set(running *entry, const pthread_once_t *control, int tid) {
    ftf_sched_lock();
    *entry = (running){control, tid};
    ftf_sched_unlock();
}

int pthread_once(pthread_once_t *control, void (*initialize)(void)) {
    ftf_lane *lane = ftf_self;
    if (lane == NULL) {
        return real_pthread_once()(control, initialize);
    }
    const ftf_wait wait = {.what = FTF_WAIT_ONCE, .channel = control, .still = is_running, .owner = runner};
    ftf_point_of(lane, control);
    ftf_block_while(lane, &wait, 0);
    running *entry = find(NULL);
    if (entry != NULL) {
        set(entry, control, (int)lane->tid);
    }
    int rc = real_pthread_once()(control, initialize);
    if (entry != NULL) {
        set(entry, NULL, 0);
        ftf_wake(control);
    }
    return rc;
}
