#ifndef FTF_SCENARIO_READER_H
#define FTF_SCENARIO_READER_H
/*
 * Reads pieces of JSON strictly, and knows where in the document it is: what is wrong is refused with a path such as
 * `types[3].make[0]`. Every function returns false after it has described the trouble in err; a caller that
 * enters a step and fails inside of it leaves the path as it is, and nobody looks at it again.
 *
 *     size_t mark = ftf_reader_enter(in, "blame", 0);
 *     if (!ftf_want_object(in, json) || !ftf_get_string(in, json, "name", true, &name)) {
 *         return false;
 *     }
 *     ftf_reader_leave(in, mark);
 *
 * Ownership: what is read is copied into the arena; the JSON may go afterwards.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

typedef struct ftf_reader {
    ftf_arena *arena;
    ftf_error *err;
    void *context; /* of the caller */
    char path[160];
    size_t path_len;
} ftf_reader;

/* Describes the trouble at the current path and returns false. */
bool ftf_reader_refuse(ftf_reader *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Goes one step down, to member `name` or, when name is NULL, to item `index`; returns what to give to leave. */
size_t ftf_reader_enter(ftf_reader *in, const char *name, size_t index);
void ftf_reader_leave(ftf_reader *in, size_t mark);

bool ftf_want_object(ftf_reader *in, const json_t *json);
bool ftf_read_string(ftf_reader *in, const json_t *json, const char **out);

/* Reads one item of a list into zeroed memory. */
typedef bool (*ftf_item_reader)(ftf_reader *in, const json_t *json, void *item);

/* An item that is a string: item points to a `const char *`. */
bool ftf_read_string_item(ftf_reader *in, const json_t *json, void *item);

/* A list, item by item; *out (a pointer to the items' type, given by address) gets an array of items of `size`
   bytes. */
bool ftf_read_list(ftf_reader *in, const json_t *json, ftf_item_reader read, size_t size, uint32_t *count, void *out);

/*
 * Members of an object. One that is missing or null is refused when it is needed; else *out is NULL for a member, ""
 * for a string, false for a bool, and an empty list.
 */
bool ftf_get_member(ftf_reader *in, const json_t *object, const char *name, bool needed, const json_t **out);
bool ftf_get_string(ftf_reader *in, const json_t *object, const char *name, bool needed, const char **out);
bool ftf_get_bool(ftf_reader *in, const json_t *object, const char *name, bool *out);
bool ftf_get_list(ftf_reader *in, const json_t *object, const char *name, bool needed, ftf_item_reader read,
                  size_t size, uint32_t *count, void *out);

#endif
