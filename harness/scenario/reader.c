#include "scenario/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- paths and errors -------------------------------------------------------------------------------------------- */

bool ftf_reader_refuse(ftf_reader *in, const char *format, ...) {
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0) {
        text[0] = '\0';
    }
    va_end(arguments);
    ftf_fail(in->err, FTF_INPUT, "catalog: %s: %s", in->path_len ? in->path : "top level", text);
    return false;
}

/* Goes one step down, to member `name` or, when name is NULL, to item `index`; returns what to give to
   ftf_reader_leave. */
size_t ftf_reader_enter(ftf_reader *in, const char *name, size_t index) {
    size_t mark = in->path_len;
    size_t room = sizeof in->path - mark;
    int len = name ? snprintf(in->path + mark, room, "%s%s", mark ? "." : "", name)
                   : snprintf(in->path + mark, room, "[%zu]", index);
    in->path_len = len < 0 ? mark : mark + (size_t)len < sizeof in->path ? mark + (size_t)len : sizeof in->path - 1;
    return mark;
}

void ftf_reader_leave(ftf_reader *in, size_t mark) {
    in->path_len = mark;
    in->path[mark] = '\0';
}

/* ---- pieces of JSON ---------------------------------------------------------------------------------------------- */

bool ftf_read_string(ftf_reader *in, const json_t *json, const char **out) {
    if (!json_is_string(json)) {
        return ftf_reader_refuse(in, "a string is wanted here");
    }
    *out = ftf_arena_copy(in->arena, json_string_value(json), json_string_length(json));
    return true;
}

/* Member `name` of an object: *out is NULL when it is missing or null, which only a needed one may not be. */
bool ftf_get_member(ftf_reader *in, const json_t *object, const char *name, bool needed, const json_t **out) {
    *out = json_object_get(object, name);
    if (*out && json_is_null(*out)) {
        *out = NULL;
    }
    return *out || !needed || ftf_reader_refuse(in, "member \"%s\" is missing", name);
}

bool ftf_get_string(ftf_reader *in, const json_t *object, const char *name, bool needed, const char **out) {
    const json_t *json;
    if (!ftf_get_member(in, object, name, needed, &json)) {
        return false;
    }
    if (!json) {
        *out = "";
        return true;
    }
    size_t mark = ftf_reader_enter(in, name, 0);
    bool read = ftf_read_string(in, json, out);
    ftf_reader_leave(in, mark);
    return read;
}

bool ftf_get_bool(ftf_reader *in, const json_t *object, const char *name, bool *out) {
    const json_t *json = json_object_get(object, name);
    *out = json_is_true(json);
    return !json || json_is_boolean(json) || ftf_reader_refuse(in, "member \"%s\" must be true or false", name);
}

bool ftf_read_list(ftf_reader *in, const json_t *json, ftf_item_reader read, size_t size, uint32_t *count, void *out) {
    enum { ITEMS_MAX = 1 << 20 };
    if (!json_is_array(json)) {
        return ftf_reader_refuse(in, "a list is wanted here");
    }
    size_t items = json_array_size(json);
    if (items > ITEMS_MAX) {
        return ftf_reader_refuse(in, "the list has more than %d items", ITEMS_MAX);
    }
    char *array = ftf_arena_alloc(in->arena, items * size);
    for (size_t i = 0; i < items; i++) {
        size_t mark = ftf_reader_enter(in, NULL, i);
        if (!read(in, json_array_get(json, i), array + i * size)) {
            return false;
        }
        ftf_reader_leave(in, mark);
    }
    *count = (uint32_t)items;
    memcpy(out, &array, sizeof array);
    return true;
}

bool ftf_get_list(ftf_reader *in, const json_t *object, const char *name, bool needed, ftf_item_reader read,
                  size_t size, uint32_t *count, void *out) {
    const json_t *json;
    *count = 0;
    if (!ftf_get_member(in, object, name, needed, &json)) {
        return false;
    }
    if (!json) {
        return true;
    }
    size_t mark = ftf_reader_enter(in, name, 0);
    bool done = ftf_read_list(in, json, read, size, count, out);
    if (done) {
        ftf_reader_leave(in, mark);
    }
    return done;
}

bool ftf_want_object(ftf_reader *in, const json_t *json) {
    return json_is_object(json) || ftf_reader_refuse(in, "an object is wanted here");
}

bool ftf_read_string_item(ftf_reader *in, const json_t *json, void *item) {
    const char **out = item;
    return ftf_read_string(in, json, out);
}
