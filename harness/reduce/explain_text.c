#include "reduce/explain_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "findings/naming.h"
#include "oracle/kinds.h"
#include "scenario/parse.h"
#include "scenario/print.h"

/*
 * Reading order: places (a stack in a few words), the sentence, the table, stacks and memory, the whole.
 *
 * The memory at the address where it went wrong is called M throughout.
 */

enum { COLUMN_MIN = 34, WIDTH = 112, FRAMES_SHOWN = 6, OP_SHOWN = 60 };

typedef struct writer {
    const ftf_explained *from;
    ftf_scenario scenario;
    uint32_t stack_count;
    ftf_named_stack *stacks; /* of the record */
    ftf_text *out;
} writer;

/* ---- places ------------------------------------------------------------------------------------------------------ */

/* The frames of an event as a stack of the record's form. */
static void raw_stack(const ftf_trace *trace, const ftf_trace_event *event, ftf_stack *out) {
    *out = (ftf_stack){.lane = event->lane, .op = event->op};
    for (uint32_t i = 0; i < event->frame_count; i++) {
        ftf_frame *frame = &out->frames[out->frame_count++];
        *frame = (ftf_frame){.module = (char *)"?"};
        for (size_t m = 0; m < trace->count && trace->events[m].kind == FTF_TRACE_MODULE; m++) {
            const ftf_trace_event *module = &trace->events[m];
            if (event->frames[i] >= module->address && event->frames[i] < module->block) {
                *frame = (ftf_frame){.module = (char *)module->text, .offset = event->frames[i] - module->size};
            }
        }
    }
}

static void name_event(const writer *w, const ftf_trace_event *event, ftf_stack *raw, ftf_named_stack *named) {
    raw_stack(&w->from->trace, event, raw);
    memset(named, 0, sizeof *named);
    ftf_stack_name(w->from->symbolizer, w->from->catalog, raw, false, named);
}

/* `function, file.c:12`, or what little is known. */
static void write_place(const ftf_named_stack *stack, ftf_text *out) {
    const ftf_named_frame *top = stack->top >= 0 ? &stack->frames[stack->top] : NULL;
    if (top == NULL || top->function[0] == '\0') {
        ftf_text_str(out, "code without a name");
        return;
    }
    ftf_text_str(out, top->function);
    if (top->file[0] != '\0' && top->line > 0) {
        ftf_text_printf(out, ", %s:%u", top->file, top->line);
    }
}

static const ftf_section *section_of(const writer *w, int owner) {
    if (owner == FTF_OWNER_SETUP) {
        return &w->scenario.setup;
    }
    if (owner == FTF_OWNER_FINISH) {
        return &w->scenario.finish;
    }
    return owner >= 0 && (uint32_t)owner < w->scenario.lane_count ? &w->scenario.lanes[owner] : NULL;
}

/* The op as it is written, without its repeats; nothing when there is no such one. */
static void write_op(const writer *w, int owner, uint32_t op, ftf_text *out) {
    const ftf_section *section = section_of(w, owner);
    if (section != NULL && op < section->count) {
        ftf_op once = section->ops[op];
        ftf_text text = {0};
        once.repeat = 1;
        ftf_op_print(&w->scenario, &once, &text);
        ftf_text_printf(out, text.len > OP_SHOWN ? "%.*s..." : "%.*s", OP_SHOWN, text.data);
        ftf_text_release(&text);
    }
}

/* The op that a lane began last; -1 when it began none. */
static int last_op(const writer *w, int lane) {
    int op = -1;
    for (size_t i = 0; i < w->from->trace.count; i++) {
        const ftf_trace_event *event = &w->from->trace.events[i];
        op = event->kind == FTF_TRACE_BEGIN && event->lane == lane ? (int)event->op : op;
    }
    return op;
}

/* The op in which a stack of the record was, as far as that is known. */
static int op_of(const writer *w, const ftf_stack *stack) {
    const ftf_section *section = section_of(w, stack->lane);
    if (stack->op >= 0 || section == NULL || stack->lane < 0) {
        return stack->op;
    }
    return section->count == 1 ? 0 : strcmp(stack->role, "freed") != 0 ? last_op(w, stack->lane) : -1;
}

/* ---- the sentence ------------------------------------------------------------------------------------------------ */

static void write_who(const writer *w, const ftf_stack *raw, const ftf_named_stack *stack, ftf_text *out) {
    const ftf_named_frame *top = stack->top >= 0 ? &stack->frames[stack->top] : NULL;
    int op = op_of(w, raw);
    ftf_text_printf(out, "`%s`", top != NULL && top->function[0] != '\0' ? top->function : "a function without a name");
    if (raw->lane >= 0) {
        ftf_text_printf(out, " (lane %d", raw->lane);
        if (op >= 0) {
            ftf_text_str(out, ", in `");
            write_op(w, raw->lane, (uint32_t)op, out);
            ftf_text_char(out, '`');
        }
        ftf_text_char(out, ')');
    }
}

static const ftf_trace_event *last_event(const writer *w, ftf_trace_kind kind) {
    const ftf_trace_event *found = NULL;
    for (size_t i = 0; i < w->from->trace.count; i++) {
        found = w->from->trace.events[i].kind == kind ? &w->from->trace.events[i] : found;
    }
    return found;
}

/* Who freed it: the sanitizer's word, else what was watched. */
static void write_freer(const writer *w, ftf_text *out) {
    for (uint32_t i = 0; i < w->stack_count; i++) {
        if (strcmp(w->from->record->stacks[i].role, "freed") == 0) {
            write_who(w, &w->from->record->stacks[i], &w->stacks[i], out);
            return;
        }
    }
    const ftf_trace_event *event = last_event(w, FTF_TRACE_FREED);
    if (event == NULL) {
        ftf_text_str(out, "somebody else");
        return;
    }
    static ftf_stack raw;
    static ftf_named_stack named;
    name_event(w, event, &raw, &named);
    write_who(w, &raw, &named, out);
}

static const char *does(const ftf_stack *stack) {
    return strstr(stack->role, "write") != NULL ? "writes" : strstr(stack->role, "read") != NULL ? "reads" : "uses";
}

static void write_race(const writer *w, ftf_text *out) {
    const ftf_stack *a = &w->from->record->stacks[0], *b = &w->from->record->stacks[1];
    write_who(w, a, &w->stacks[0], out);
    ftf_text_printf(out, " %s %u byte%s of M, and nothing orders it with ", does(a), a->size, a->size == 1 ? "" : "s");
    write_who(w, b, &w->stacks[1], out);
    ftf_text_printf(out, ", which %s them.", does(b));
}

static void write_waits(const writer *w, ftf_text *out) {
    for (uint32_t i = 0; i < w->stack_count; i++) {
        const ftf_stack *raw = &w->from->record->stacks[i];
        if (strcmp(raw->role, "blocked") == 0) {
            ftf_text_str(out, out->len > 0 ? "; " : "");
            write_who(w, raw, &w->stacks[i], out);
            ftf_text_printf(out, " waits for %s", raw->waits != NULL ? raw->waits : "something");
        }
    }
    ftf_text_str(out, out->len > 0 ? "." : "Nobody can go on.");
}

static void write_sentence(const writer *w) {
    const ftf_record *record = w->from->record;
    ftf_text text = {0};
    bool memory = strcmp(record->kind, "use-after-free") == 0 || strcmp(record->kind, "double-free") == 0;
    if (strcmp(record->kind, "data-race") == 0 && w->stack_count >= 2) {
        write_race(w, &text);
    } else if (memory && w->stack_count >= 1) {
        write_who(w, &record->stacks[0], &w->stacks[0], &text);
        ftf_text_printf(&text, " %s memory that ",
                        strcmp(record->kind, "double-free") == 0 ? "frees" : does(&record->stacks[0]));
        write_freer(w, &text);
        ftf_text_str(&text, " has freed.");
    } else if (strcmp(record->kind, "deadlock") == 0) {
        write_waits(w, &text);
    } else if (w->stack_count >= 1) {
        const ftf_finding_kind_info *kind = ftf_finding_kind_find(record->kind);
        write_who(w, &record->stacks[0], &w->stacks[0], &text);
        ftf_text_printf(&text, ": %s.", kind != NULL ? kind->meaning : record->kind);
    } else {
        ftf_text_str(&text, record->detail != NULL ? record->detail : record->kind);
    }
    ftf_text_printf(w->out, "%s\n\n", text.data);
    ftf_text_release(&text);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static uint32_t column_width(const writer *w) {
    uint32_t width = WIDTH / (w->scenario.lane_count > 0 ? w->scenario.lane_count : 1);
    return width < COLUMN_MIN ? COLUMN_MIN : width;
}

/* The text in the lane's column, folded at spaces. */
static void write_cell(const writer *w, int lane, const char *text) {
    uint32_t room = column_width(w) - 2;
    for (size_t at = 0, len = strlen(text); at < len || at == 0;) {
        size_t take = len - at;
        if (take > room) {
            take = room;
            while (take > room / 2 && text[at + take] != ' ') {
                take--;
            }
        }
        ftf_text_printf(w->out, "  %*s%s%.*s\n", (int)(column_width(w) * (uint32_t)lane), "", at > 0 ? "  " : "",
                        (int)take, text + at);
        at += take;
        at += text[at] == ' ';
        room = column_width(w) - 4;
        if (take == 0) {
            break;
        }
    }
}

static bool is_pair(const ftf_trace *trace, size_t at) {
    const ftf_trace_event *begin = &trace->events[at];
    return at + 1 < trace->count && begin->kind == FTF_TRACE_BEGIN && begin[1].kind == FTF_TRACE_END &&
           begin[1].lane == begin->lane && begin[1].op == begin->op;
}

/* How often an op that nothing interrupts is done in a row, with the same end. */
static size_t count_same(const ftf_trace *trace, size_t at) {
    size_t times = 1;
    for (size_t next = at + 2; is_pair(trace, next); next += 2) {
        const ftf_trace_event *one = &trace->events[next];
        if (one->lane != trace->events[at].lane || one->op != trace->events[at].op ||
            strcmp(one[1].text, trace->events[at + 1].text) != 0) {
            break;
        }
        times++;
    }
    return times;
}

static bool is_in_m(const writer *w, uint64_t address) {
    for (size_t i = 0; i < w->from->trace.count; i++) {
        const ftf_trace_event *event = &w->from->trace.events[i];
        if (event->kind == FTF_TRACE_ALLOCATED && address >= event->block && address < event->block + event->size) {
            return true;
        }
    }
    return w->stack_count > 0 && address == w->from->record->stacks[0].address;
}

static void write_switch(const writer *w, const ftf_trace_event *event) {
    static ftf_stack raw;
    static ftf_named_stack named;
    ftf_text text = {0};
    ftf_text_printf(&text, "--> lane %d", event->to);
    if (event->frame_count == 0) {
        ftf_text_str(&text, ", before the next call");
    } else {
        name_event(w, event, &raw, &named);
        ftf_text_str(&text, " in ");
        write_place(&named, &text);
        if (event->address != 0) {
            ftf_text_printf(&text, ", before it %s%s", event->write ? "writes" : "reads",
                            is_in_m(w, event->address) ? " M" : "");
        }
    }
    write_cell(w, event->lane, text.data);
    ftf_text_release(&text);
}

/* One row for one event, or for a run of ops that all end alike; how many events that were. */
static size_t write_row(const writer *w, size_t at) {
    const ftf_trace *trace = &w->from->trace;
    const ftf_trace_event *event = &trace->events[at];
    size_t used = 1;
    ftf_text text = {0};
    switch (event->kind) {
    case FTF_TRACE_BEGIN:
        write_op(w, event->lane, event->op, &text);
        if (is_pair(trace, at)) {
            size_t times = count_same(trace, at);
            ftf_text_printf(&text, "  %s", event[1].text);
            if (times > 1) {
                ftf_text_printf(&text, "  (%zu times)", times);
            }
            used = 2 * times;
        } else {
            ftf_text_str(&text, "  ...");
        }
        break;
    case FTF_TRACE_END: ftf_text_printf(&text, "... %s", event->text); break;
    case FTF_TRACE_FREED: ftf_text_str(&text, "(frees M)"); break;
    case FTF_TRACE_ALLOCATED: ftf_text_str(&text, "(allocates M)"); break;
    case FTF_TRACE_SWITCH: write_switch(w, event); break;
    default: break;
    }
    if (text.len > 0 && event->lane >= 0) {
        write_cell(w, event->lane, text.data);
    }
    ftf_text_release(&text);
    return used;
}

static void write_section(const writer *w, const char *head, const ftf_section *section, int owner) {
    for (uint32_t i = 0; i < section->count; i++) {
        ftf_text op = {0};
        write_op(w, owner, i, &op);
        ftf_text_printf(w->out, "  %-8s%s", i == 0 ? head : "", op.data);
        ftf_text_printf(w->out, section->ops[i].repeat > 1 ? "  (%u times)\n" : "\n", section->ops[i].repeat);
        ftf_text_release(&op);
    }
}

/* In the column of the lane that noticed it, where one did. */
static void write_outcome(const writer *w) {
    const ftf_record *record = w->from->record;
    const ftf_finding_kind_info *kind = ftf_finding_kind_find(record->kind);
    const ftf_stack *raw = w->stack_count > 0 ? &record->stacks[0] : NULL;
    int lane = raw != NULL && raw->lane >= 0 && (uint32_t)raw->lane < w->scenario.lane_count ? raw->lane : 0;
    ftf_text text = {0};
    ftf_text_str(&text, "==> ");
    if (raw != NULL && strcmp(raw->role, "blocked") != 0) {
        write_place(&w->stacks[0], &text);
        ftf_text_str(&text, ": ");
    }
    ftf_text_str(&text, kind != NULL ? kind->meaning : record->kind);
    write_cell(w, lane, text.data);
    ftf_text_char(w->out, '\n');
    ftf_text_release(&text);
}

static void write_heads(const writer *w) {
    ftf_text line = {0};
    ftf_text_str(&line, "  ");
    for (uint32_t lane = 0; lane < w->scenario.lane_count; lane++) {
        char head[32];
        bool last = lane + 1 == w->scenario.lane_count;
        (void)snprintf(head, sizeof head, "lane %u", lane);
        ftf_text_printf(&line, "%-*s", last ? 0 : (int)column_width(w), head);
    }
    ftf_text_printf(w->out, "%s\n  ", line.data);
    for (uint32_t i = 0; i < column_width(w) * w->scenario.lane_count - 2; i++) {
        ftf_text_char(w->out, '-');
    }
    ftf_text_char(w->out, '\n');
    ftf_text_release(&line);
}

static void write_table(const writer *w) {
    write_section(w, "setup", &w->scenario.setup, FTF_OWNER_SETUP);
    ftf_text_str(w->out, w->scenario.setup.count > 0 ? "\n" : "");
    write_heads(w);
    for (size_t i = 0; i < w->from->trace.count;) {
        i += write_row(w, i);
    }
    write_outcome(w);
}

/* ---- stacks and memory ------------------------------------------------------------------------------------------- */

static void write_frames(const writer *w, const ftf_named_stack *stack) {
    int shown = 0;
    for (uint32_t i = 0; i < stack->count && shown < FRAMES_SHOWN; i++) {
        const ftf_named_frame *frame = &stack->frames[i];
        bool means = frame->sort == FTF_SORT_EXTENSION || frame->sort == FTF_SORT_INTERPRETER ||
                     frame->sort == FTF_SORT_FOREIGN || (int)i == stack->top;
        if (!means || (int)i < stack->top) {
            continue;
        }
        ftf_text_printf(w->out, "    %-36s", frame->function[0] != '\0' ? frame->function : "?");
        ftf_text_printf(w->out, frame->line > 0 ? " %s:%u\n" : " %s\n", frame->file, frame->line);
        shown++;
    }
    if (shown == 0) {
        ftf_text_str(w->out, "    (no stack)\n");
    }
}

static void write_stacks(const writer *w) {
    for (uint32_t i = 0; i < w->stack_count; i++) {
        const ftf_stack *raw = &w->from->record->stacks[i];
        int op = op_of(w, raw);
        ftf_text_printf(w->out, raw->lane >= 0 ? "lane %d " : "the main thread ", raw->lane);
        ftf_text_str(w->out, ftf_finding_role_text(raw->role));
        if (raw->size > 0) {
            ftf_text_printf(w->out, ", %u byte%s", raw->size, raw->size == 1 ? "" : "s");
        }
        if (op >= 0 && raw->lane >= 0) {
            ftf_text_str(w->out, ", in ");
            write_op(w, raw->lane, (uint32_t)op, w->out);
        }
        ftf_text_char(w->out, '\n');
        write_frames(w, &w->stacks[i]);
    }
}

/* The op of the section that main runs in which event number `at` falls. */
static int main_op(const ftf_trace *trace, size_t at, int *owner) {
    int op = -1;
    for (size_t i = 0; i < at; i++) {
        if (trace->events[i].kind == FTF_TRACE_BEGIN && trace->events[i].lane < 0) {
            op = trace->events[i].op;
            *owner = trace->events[i].lane;
        }
    }
    return op;
}

static bool lanes_began(const ftf_trace *trace, size_t before) {
    for (size_t i = 0; i < before; i++) {
        if (trace->events[i].kind == FTF_TRACE_BEGIN && trace->events[i].lane >= 0) {
            return true;
        }
    }
    return false;
}

/* Not what goes when the run is over: everything does. */
static bool is_life(const ftf_trace *trace, size_t at) {
    const ftf_trace_event *event = &trace->events[at];
    bool life = event->kind == FTF_TRACE_ALLOCATED || event->kind == FTF_TRACE_FREED;
    return life && (event->lane >= 0 || !lanes_began(trace, at));
}

static void write_memory(const writer *w) {
    static ftf_stack raw;
    static ftf_named_stack named;
    const ftf_trace *trace = &w->from->trace;
    bool any = false;
    for (size_t i = 0; i < trace->count; i++) {
        const ftf_trace_event *event = &trace->events[i];
        if (!is_life(trace, i)) {
            continue;
        }
        int owner = event->lane, op = event->lane >= 0 ? (int)event->op : main_op(trace, i, &owner);
        ftf_text_str(w->out, any ? "" : "\nthe memory M\n");
        any = true;
        if (event->kind == FTF_TRACE_ALLOCATED) {
            ftf_text_printf(w->out, "  %" PRIu64 " bytes, allocated by ", event->size);
        } else {
            ftf_text_str(w->out, "  freed by ");
        }
        ftf_text_printf(w->out, event->lane >= 0 ? "lane %d" : "the main thread", event->lane);
        if (op >= 0) {
            ftf_text_str(w->out, " in ");
            write_op(w, owner, (uint32_t)op, w->out);
        }
        ftf_text_char(w->out, '\n');
        name_event(w, event, &raw, &named);
        write_frames(w, &named);
    }
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void name_stacks(writer *w) {
    const ftf_record *record = w->from->record;
    bool race = strcmp(record->kind, "data-race") == 0;
    w->stack_count = record->stack_count;
    w->stacks = calloc(record->stack_count + 1, sizeof *w->stacks);
    FTF_ASSERT(w->stacks != NULL);
    for (uint32_t i = 0; i < record->stack_count; i++) {
        ftf_stack_name(w->from->symbolizer, w->from->catalog, &record->stacks[i], race, &w->stacks[i]);
    }
}

ftf_status ftf_explain_write(const ftf_explained *explained, ftf_text *out, ftf_error *err) {
    ftf_arena *arena = ftf_arena_create();
    const char *text = explained->record->scenario;
    writer *w = calloc(1, sizeof *w);
    FTF_ASSERT(w != NULL);
    *w = (writer){.from = explained, .out = out};
    ftf_status status = ftf_scenario_parse(text != NULL ? text : "", text != NULL ? strlen(text) : 0, arena,
                                           &w->scenario, err);
    if (status == FTF_OK) {
        name_stacks(w);
        write_sentence(w);
        write_table(w);
        write_stacks(w);
        write_memory(w);
    }
    free(w->stacks);
    free(w);
    ftf_arena_destroy(arena);
    return status;
}
