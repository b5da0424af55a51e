#include "scenario/executed.h"

void ftf_schedule_executed(const ftf_blackbox *box, ftf_arena *arena, ftf_schedule *schedule) {
    if (box->run_kind == FTF_SCHEDULE_FREE || box->switch_count > FTF_BLACKBOX_SWITCHES) {
        return;
    }
    ftf_switch *switches = FTF_NEW(arena, ftf_switch, box->switch_count + 1);
    for (uint32_t i = 0; i < box->switch_count; i++) {
        const ftf_blackbox_switch *one = &box->switches[i];
        switches[i] = (ftf_switch){one->lane, one->to, (uint16_t)(one->op + 1), one->offset + 1};
    }
    *schedule = (ftf_schedule){.kind = FTF_SCHEDULE_AT, .count = box->switch_count, .switches = switches};
}
