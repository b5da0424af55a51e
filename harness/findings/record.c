#include "findings/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/text.h"

enum { FORMAT = 1, RECORD_BYTES_MAX = 8 * 1024 * 1024 };

ftf_record *ftf_record_create(void) {
    ftf_record *record = calloc(1, sizeof *record);
    FTF_ASSERT(record);
    return record;
}

void ftf_record_destroy(ftf_record *record) {
    if (!record) {
        return;
    }
    free(record->target);
    free(record->scenario);
    free(record->original);
    free(record->detail);
    free(record->text);
    for (uint32_t i = 0; i < record->history_count; i++) {
        free(record->history[i]);
    }
    for (uint32_t i = 0; i < record->stack_count; i++) {
        for (uint32_t j = 0; j < record->stacks[i].frame_count; j++) {
            free(record->stacks[i].frames[j].module);
        }
        free(record->stacks[i].waits);
        free(record->stacks[i].python);
    }
    free(record);
}

/* ---- to JSON ----------------------------------------------------------------------------------------------------- */

/*
 * The heap in which this builds may be one that the target has destroyed: then memory that should be there is not, and text is no
 * longer what it was. So nothing in here is asserted: whatever cannot be made makes the record as a whole fail.
 */
typedef struct writer {
    bool failed;
} writer;

/*
 * Text of a dying process may hold any bytes, and jansson refuses what is not UTF-8. A record must not be lost for
 * that, so bytes beyond ASCII become question marks when the whole is not valid. NULL: there is no memory.
 */
static json_t *text_to_json(const char *text) {
    json_t *json = json_string(text);
    if (json) {
        return json;
    }
    char *clean = strdup(text);
    if (!clean) {
        return NULL;
    }
    for (char *c = clean; *c; c++) {
        if ((unsigned char)*c >= 0x80) {
            *c = '?';
        }
    }
    json = json_string(clean);
    free(clean);
    return json;
}

/* Both take the value over. */
static void put(writer *w, json_t *object, const char *key, json_t *value) {
    w->failed = json_object_set_new(object, key, value) != 0 || w->failed;
}

static void append(writer *w, json_t *array, json_t *value) {
    w->failed = json_array_append_new(array, value) != 0 || w->failed;
}

static void put_text(writer *w, json_t *object, const char *key, const char *text) {
    if (text) {
        put(w, object, key, text_to_json(text));
    }
}

static void put_integer(writer *w, json_t *object, const char *key, uint64_t value) {
    put(w, object, key, json_integer((json_int_t)value));
}

/* As text: a JSON number above 2^53 is not the same for every reader. */
static void put_hex(writer *w, json_t *object, const char *key, uint64_t value) {
    char text[24];
    (void)snprintf(text, sizeof text, "0x%" PRIx64, value);
    put(w, object, key, json_string(text));
}

static json_t *stack_to_json(writer *w, const ftf_stack *stack) {
    json_t *frames = json_array();
    for (uint32_t i = 0; i < stack->frame_count; i++) {
        json_t *frame = json_object();
        put_text(w, frame, "module", stack->frames[i].module ? stack->frames[i].module : "");
        put_hex(w, frame, "offset", stack->frames[i].offset);
        append(w, frames, frame);
    }
    json_t *json = json_object();
    put_text(w, json, "role", stack->role);
    put(w, json, "lane", json_integer(stack->lane));
    put(w, json, "op", json_integer(stack->op));
    put_hex(w, json, "address", stack->address);
    put_integer(w, json, "size", stack->size);
    put(w, json, "frames", frames);
    put_text(w, json, "waits", stack->waits);
    put_text(w, json, "python", stack->python);
    return json;
}

json_t *ftf_record_to_json(const ftf_record *record) {
    writer w = {.failed = false};
    json_t *json = json_object();
    put_integer(&w, json, "format", FORMAT);
    put_text(&w, json, "kind", record->kind);
    put_text(&w, json, "flavour", record->flavour);
    put_text(&w, json, "target", record->target);
    put_text(&w, json, "scenario", record->scenario);
    put_text(&w, json, "original", record->original);
    put_integer(&w, json, "sequence", record->sequence);
    put_text(&w, json, "worker", record->worker);
    put_integer(&w, json, "runs", record->runs);
    put_integer(&w, json, "cpu_us", record->cpu_us);
    json_t *history = json_array();
    for (uint32_t i = 0; i < record->history_count; i++) {
        append(&w, history, text_to_json(record->history[i]));
    }
    put(&w, json, "history", history);
    put_integer(&w, json, "steals", record->steals);
    put(&w, json, "cold", json_boolean(record->cold));
    put_text(&w, json, "section", record->section);
    put_text(&w, json, "detail", record->detail);
    json_t *stacks = json_array();
    for (uint32_t i = 0; i < record->stack_count; i++) {
        append(&w, stacks, stack_to_json(&w, &record->stacks[i]));
    }
    put(&w, json, "stacks", stacks);
    put_text(&w, json, "text", record->text);
    if (w.failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* ---- from JSON --------------------------------------------------------------------------------------------------- */

static char *get_text(const json_t *json, const char *key) {
    const char *text = json_string_value(json_object_get(json, key));
    char *copy = text ? strdup(text) : NULL;
    FTF_ASSERT(copy || !text);
    return copy;
}

/* For the short inline strings; false when it is missing or too long. */
static bool get_word(const json_t *json, const char *key, char *out, size_t room) {
    const char *text = json_string_value(json_object_get(json, key));
    int n = text ? snprintf(out, room, "%s", text) : -1;
    return n >= 0 && (size_t)n < room;
}

static uint64_t get_hex(const json_t *json, const char *key) {
    const char *text = json_string_value(json_object_get(json, key));
    return text ? strtoull(text, NULL, 16) : 0;
}

static uint64_t get_integer(const json_t *json, const char *key) {
    json_int_t value = json_integer_value(json_object_get(json, key));
    return value > 0 ? (uint64_t)value : 0;
}

/* A lane or op: -1 where it is not given. */
static int get_index(const json_t *json, const char *key) {
    const json_t *value = json_object_get(json, key);
    json_int_t index = json_is_integer(value) ? json_integer_value(value) : -1;
    return index < 0 || index > INT32_MAX ? -1 : (int)index;
}

static ftf_status stack_from_json(const json_t *json, ftf_stack *stack, ftf_error *err) {
    if (!get_word(json, "role", stack->role, sizeof stack->role)) {
        return ftf_fail(err, FTF_INPUT, "a stack of the record has no usable \"role\"");
    }
    stack->lane = get_index(json, "lane");
    stack->op = get_index(json, "op");
    stack->address = get_hex(json, "address");
    stack->size = (uint32_t)get_integer(json, "size");
    stack->waits = get_text(json, "waits");
    stack->python = get_text(json, "python");
    const json_t *frames = json_object_get(json, "frames");
    size_t i;
    const json_t *frame;
    json_array_foreach(frames, i, frame) {
        if (stack->frame_count == FTF_FRAMES_MAX) {
            break; /* the innermost ones are the ones that matter */
        }
        ftf_frame *to = &stack->frames[stack->frame_count++];
        to->module = get_text(frame, "module");
        to->offset = get_hex(frame, "offset");
    }
    return FTF_OK;
}

static ftf_status fill(const json_t *json, ftf_record *record, ftf_error *err) {
    if (!json_is_object(json) || get_integer(json, "format") != FORMAT) {
        return ftf_fail(err, FTF_INPUT, "not a record of format %d", FORMAT);
    }
    if (!get_word(json, "kind", record->kind, sizeof record->kind) || record->kind[0] == '\0') {
        return ftf_fail(err, FTF_INPUT, "the record has no usable \"kind\"");
    }
    if (!get_word(json, "flavour", record->flavour, sizeof record->flavour)) {
        return ftf_fail(err, FTF_INPUT, "the record has no usable \"flavour\"");
    }
    (void)get_word(json, "section", record->section, sizeof record->section);
    (void)get_word(json, "worker", record->worker, sizeof record->worker);
    record->target = get_text(json, "target");
    record->scenario = get_text(json, "scenario");
    record->original = get_text(json, "original");
    record->detail = get_text(json, "detail");
    record->text = get_text(json, "text");
    record->sequence = get_integer(json, "sequence");
    record->runs = get_integer(json, "runs");
    record->cpu_us = get_integer(json, "cpu_us");
    record->cold = json_is_true(json_object_get(json, "cold"));
    record->steals = get_integer(json, "steals");
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(json, "history"), i, item) {
        if (record->history_count == FTF_BLACKBOX_HISTORY || !json_is_string(item)) {
            return ftf_fail(err, FTF_INPUT, "the record's \"history\" is no list of at most %d texts",
                            FTF_BLACKBOX_HISTORY);
        }
        record->history[record->history_count++] = strdup(json_string_value(item));
    }
    json_array_foreach(json_object_get(json, "stacks"), i, item) {
        if (record->stack_count == FTF_STACKS_MAX) {
            break;
        }
        ftf_status status = stack_from_json(item, &record->stacks[record->stack_count++], err);
        if (status != FTF_OK) {
            return status;
        }
    }
    return FTF_OK;
}

ftf_status ftf_record_from_json(const json_t *json, ftf_record **out, ftf_error *err) {
    ftf_record *record = ftf_record_create();
    ftf_status status = fill(json, record, err);
    if (status != FTF_OK) {
        ftf_record_destroy(record);
        record = NULL;
    }
    *out = record;
    return status;
}

/* A record has one way to be copied that cannot forget a member: through its JSON. */
ftf_status ftf_record_copy(const ftf_record *record, ftf_record **out, ftf_error *err) {
    json_t *json = ftf_record_to_json(record);
    FTF_ASSERT(json); /* who copies is not the worker: its heap is sound */
    ftf_status status = ftf_record_from_json(json, out, err);
    json_decref(json);
    return status;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

ftf_status ftf_record_write(const ftf_record *record, const char *folder, const char *name, ftf_error *err) {
    char path[FTF_FS_PATH_MAX];
    char file[256];
    (void)snprintf(file, sizeof file, "%s.json", name);
    ftf_status status = ftf_fs_join(path, folder, file, err);
    if (status != FTF_OK) {
        return status;
    }
    json_t *json = ftf_record_to_json(record);
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
    json_decref(json);
    if (!text) {
        return ftf_fail(err, FTF_HEAP, "a record cannot be written down: memory has run out or was overwritten");
    }
    status = ftf_fs_write_unflushed(path, text, strlen(text), err);
    free(text);
    return status;
}

ftf_status ftf_record_read(const char *path, ftf_record **out, ftf_error *err) {
    ftf_text text = {0};
    *out = NULL;
    ftf_status status = ftf_fs_read(path, RECORD_BYTES_MAX, &text, err);
    if (status == FTF_OK) {
        json_error_t where;
        json_t *json = json_loadb(text.data, text.len, 0, &where);
        status = json ? ftf_record_from_json(json, out, err) : ftf_fail_at(err, where.line, "%s", where.text);
        json_decref(json);
    }
    ftf_text_release(&text);
    return status;
}
