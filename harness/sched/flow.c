/*
 * Reading order: ftf_flow_walk, then overlaps and data of one segment. A segment is what a lane did from one hand-over to the
 * next (state.h); all segments in order are the run.
 *
 * Who wrote last is kept in a table that forgets when two granules meet: a pair that is lost once is seen in another run.
 */
#include "sched/flow.h"

#include <string.h>

#include "sched/state.h"

enum { TABLE_BITS = 12, TABLE_SIZE = 1 << TABLE_BITS, NO_OP = -1, MEETING_REACH = 8192 };

typedef struct last_write {
    uintptr_t granule;
    uint32_t stamp, pc;
    int lane;
} last_write;

static last_write table[TABLE_SIZE];
static uint32_t stamp;

static last_write *place(uintptr_t address) {
    return &table[((address >> 3) * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - TABLE_BITS)];
}

static void walk_accesses(const ftf_segment *segment, uint32_t end, const ftf_flow_sink *sink) {
    const ftf_access *log = ftf_sched.logs[segment->lane];
    for (uint32_t n = segment->point + 1; n <= end; n++) {
        if (log[n].address == 0) {
            continue;
        }
        last_write *last = place(log[n].address);
        bool same = last->stamp == stamp && last->granule == log[n].address >> 3;
        if (same && last->lane != segment->lane) {
            sink->data(sink->self, last->pc, log[n].pc);
        }
        if (log[n].write) {
            *last = (last_write){log[n].address >> 3, stamp, log[n].pc, segment->lane};
        }
    }
}

static void walk_ops(const ftf_segment *segment, const int *inside, const ftf_flow_sink *sink) {
    for (int lane = 0; lane < ftf_sched.lanes; lane++) {
        if (lane == segment->lane || inside[lane] == NO_OP) {
            continue;
        }
        for (uint32_t op = segment->first_op; op <= segment->last_op; op++) {
            sink->overlap(sink->self, lane, (uint32_t)inside[lane], segment->lane, op);
        }
    }
}

/* Where a segment ends: where its lane's next one begins, or where the lane ended, or where there was no more room. */
static void find_ends(uint32_t *ends) {
    uint32_t next[FTF_LANES_MAX];
    for (int i = 0; i < ftf_sched.lanes; i++) {
        uint32_t points = ftf_sched.segments_full ? ftf_sched.lane[i].noted : ftf_sched_points(i);
        next[i] = points < FTF_PROFILE_POINTS ? points : FTF_PROFILE_POINTS - 1;
    }
    for (uint32_t i = ftf_sched.segment_count; i-- > 0;) {
        const ftf_segment *segment = &ftf_sched.segments[i];
        ends[i] = next[segment->lane];
        next[segment->lane] = segment->point < FTF_PROFILE_POINTS ? segment->point : FTF_PROFILE_POINTS - 1;
    }
}

void ftf_flow_walk(const ftf_flow_sink *sink) {
    static uint32_t ends[FTF_SEGMENTS_MAX];
    int inside[FTF_LANES_MAX];
    memset(inside, 0xff, sizeof inside); /* NO_OP */
    stamp++;
    find_ends(ends);
    for (uint32_t i = 0; i < ftf_sched.segment_count; i++) {
        const ftf_segment *segment = &ftf_sched.segments[i];
        if (ftf_sched.lane[segment->lane].log != NULL) {
            walk_accesses(segment, ends[i], sink);
        }
        walk_ops(segment, inside, sink);
        inside[segment->lane] = segment->ends_inside ? (int)segment->last_op : NO_OP;
    }
}

/* ---- while lanes run ------------------------------------------------------------------------------------------------- */

/* The access at the point at which a lane lost the token is still to come. */
void ftf_flow_is_full(void) {
    ftf_sched.segments_full = true;
    for (int i = 0; i < ftf_sched.lanes; i++) {
        uint32_t points = ftf_sched_points(i);
        ftf_sched.lane[i].noted = points > 0 ? points - 1 : 0;
    }
}

static const ftf_access *last_access(const ftf_lane *lane) {
    uint32_t points = atomic_load_explicit(&lane->points, memory_order_relaxed);
    return lane->log != NULL && points > 0 && points < FTF_PROFILE_POINTS ? &lane->log[points] : NULL;
}

/* The latest access of a segment, up to point `end` of its lane, to that granule. */
static const ftf_access *find_access(const ftf_segment *segment, uint32_t end, const ftf_access *now, uint32_t *reach) {
    const ftf_access *log = ftf_sched.logs[segment->lane];
    for (uint32_t n = end; n > segment->point && *reach > 0; n--, (*reach)--) {
        if (log[n].address >> 3 == now->address >> 3 && log[n].address != 0 && (log[n].write || now->write)) {
            return &log[n];
        }
    }
    return NULL;
}

/* Among the last MEETING_REACH points of the other lanes. What a lane without the token is at, it has not done yet. */
static bool find_other(int self, const ftf_access *now, ftf_flow_access *other) {
    uint32_t ends[FTF_LANES_MAX], reach = MEETING_REACH;
    for (int i = 0; i < ftf_sched.lanes; i++) {
        uint32_t points = ftf_sched_points(i);
        ends[i] = points > 0 && points <= FTF_PROFILE_POINTS ? points - 1 : 0; /* behind its log nothing is known */
    }
    for (uint32_t i = ftf_sched.segment_count; i-- > 0 && reach > 0;) {
        const ftf_segment *segment = &ftf_sched.segments[i];
        const ftf_access *met = segment->lane != self ? find_access(segment, ends[segment->lane], now, &reach) : NULL;
        if (met != NULL) {
            *other = (ftf_flow_access){met->pc, segment->lane, met->op};
            return true;
        }
        ends[segment->lane] = segment->point < ends[segment->lane] ? segment->point : ends[segment->lane];
    }
    return false;
}

bool ftf_flow_meeting(uintptr_t *address, bool *write, ftf_flow_access *mine, ftf_flow_access *other) {
    const ftf_lane *self = ftf_self;
    const ftf_access *now = self != NULL ? last_access(self) : NULL;
    if (now == NULL || now->address == 0 || ftf_sched.segments_full) {
        return false;
    }
    *address = now->address;
    *write = now->write;
    *mine = (ftf_flow_access){now->pc, self->id, now->op};
    return find_other(self->id, now, other);
}
