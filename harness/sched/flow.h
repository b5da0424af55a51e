#ifndef FTF_SCHED_FLOW_H
#define FTF_SCHED_FLOW_H
/*
 * What the lanes of a run did to each other: which instruction of one lane saw what which instruction of another had
 * written, and which ops were interrupted by which. This is what makes one interleaving different from another, so it is
 * what the fuzzer is told as coverage (engine/feedback.h). The idea is that of alias coverage (Krace, Xu et al., S&P 2020) and
 * of Snowboard's memory communications (Gong et al., SOSP 2021).
 *
 * Nothing is computed while lanes run. The access logs and the list of hand-overs are walked once afterwards.
 *
 *     const ftf_flow_sink sink = {on_data, on_overlap, self};
 *     ftf_flow_walk(&sink);          between ftf_sched_end and the next ftf_sched_begin
 *
 * Threads: main thread, while no lane runs.
 */
#include <stdbool.h>
#include <stdint.h>

typedef struct ftf_flow_sink {
    /* An access of one lane found memory as another lane's write had left it. The numbers are the low halves of program
       counters: the same in every process, as long as addresses are not randomized. */
    void (*data)(void *self, uint32_t from_pc, uint32_t to_pc);
    /* `other` ran in its op number other_op while `lane` had not ended its op number op. */
    void (*overlap)(void *self, int lane, uint32_t op, int other, uint32_t other_op);
    void *self;
} ftf_flow_sink;

void ftf_flow_walk(const ftf_flow_sink *sink);

/* One access of a lane: the low half of its program counter, and the op that it belongs to. */
typedef struct ftf_flow_access {
    uint32_t pc;
    int lane;
    uint16_t op;
} ftf_flow_access;

/* The access that the calling lane is at, and the latest one before it of any other lane to the same 8 bytes, one of the
   two writing. False in a free run, and when nothing is known of either, as after more than
   FTF_SEGMENTS_MAX hand-overs. On the lane's own thread, between the point and the access; reads the logs, and nothing
   else. */
bool ftf_flow_meeting(uintptr_t *address, bool *write, ftf_flow_access *mine, ftf_flow_access *other);

#endif
