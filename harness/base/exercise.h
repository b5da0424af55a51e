#ifndef FTF_BASE_EXERCISE_H
#define FTF_BASE_EXERCISE_H
/*
 * What the lanes of a worker have exercised: a table of operations with how often each was called, and one of pairs of
 * operations with how often the second ran while the first was under way on the same object. `ftfuzz check` tells from it
 * what a clean campaign has looked at, and what it has not.
 *
 * Like the black box it is a file that the worker maps, so that it is whole after kill -9. Unlike the black box it stays from
 * one process of a worker place to the next, which go on counting in it. Its layout is fixed and holds no pointers: the
 * supervisor adds up the maps of all places, which have given the same operation different numbers.
 *
 *     ftf_exercise *map = ftf_exercise_open("work/tsan0.exercise", &err);
 *     const ftf_exercise_key key = {.type = "deque", .name = "append", .code = FTF_OP_METHOD};
 *     uint32_t append = ftf_exercise_find(map, &key);           the same number as long as the map lives
 *     ftf_exercise_count(map, append)->calls++;
 *     ftf_exercise_pair_add(map, append, append, 1);
 *
 * What an operation's `code` and `place` mean is the business of who writes and reads them (scenario/deeds.h).
 *
 * A row is written first and announced last, by one store, so a process that dies in between leaves no half of it. And a
 * target that writes where it must not may reach the map: rows are checked against their hash when maps are added up.
 *
 * Threads: one writer. Whoever reads a file that somebody still writes gets counts of different moments.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum {
    FTF_EXERCISE_VERSION = 1,
    FTF_EXERCISE_NAME_BYTES = 88, /* of a type or an operation; longer ones are cut, and may fall together */
    FTF_EXERCISE_OPS = 1 << 13,   /* a module of 500 callables has some 2,000 operations */
    FTF_EXERCISE_PAIRS = 1 << 17, /* places, of which at most 7 of 8 are taken */
    FTF_EXERCISE_NONE = UINT32_MAX,
};

typedef struct ftf_exercise_key {
    const char *type; /* of the object; "" where there is none, or it is not known */
    const char *name; /* of the callable or attribute; "" where the code says it all */
    uint32_t code, place;
} ftf_exercise_key;

/* Of one operation. */
typedef struct ftf_exercise_counts {
    uint64_t calls;    /* in lanes, repeats counted */
    uint64_t accepted; /* of those: not ended by TypeError */
    uint64_t met;      /* runs in which an accepted call and one of another lane were under way at the same time */
} ftf_exercise_counts;

typedef struct ftf_exercise_op {
    uint64_t hash; /* of the key; 0: no operation */
    uint32_t code, place;
    ftf_exercise_counts counts;
    char type[FTF_EXERCISE_NAME_BYTES], name[FTF_EXERCISE_NAME_BYTES];
} ftf_exercise_op;

/* In `runs` runs the operation `inside` was interrupted, and `other` ran before it went on. */
typedef struct ftf_exercise_pair {
    uint64_t key; /* both numbers, each plus 1; 0: no pair */
    uint64_t runs;
} ftf_exercise_pair;

typedef struct ftf_exercise {
    char magic[8]; /* "FTFEXERC" */
    uint32_t version;
    uint32_t op_count, pair_count;
    uint64_t lost;                        /* operations and pairs that there was no room for */
    uint32_t index[2 * FTF_EXERCISE_OPS]; /* open-addressed, by hash: the operation's number plus 1 */
    ftf_exercise_op ops[FTF_EXERCISE_OPS];
    ftf_exercise_pair pairs[FTF_EXERCISE_PAIRS]; /* open-addressed, by key */
} ftf_exercise;

/* Maps the file for writing, and goes on with what is in it; a file that is none of this version is begun anew. With path
   NULL an empty map in memory. NULL on failure. */
ftf_exercise *ftf_exercise_open(const char *path, ftf_error *err);
void ftf_exercise_close(ftf_exercise *map); /* NULL is fine */

/* The number of an operation, which is entered when it is new; FTF_EXERCISE_NONE when there is no room. The other one enters
   none: FTF_EXERCISE_NONE when it is not there. */
uint32_t ftf_exercise_look_up(const ftf_exercise *map, const ftf_exercise_key *key);
uint32_t ftf_exercise_find(ftf_exercise *map, const ftf_exercise_key *key);
ftf_exercise_counts *ftf_exercise_count(ftf_exercise *map, uint32_t op);

/* Adds runs to a pair; its place in `pairs`, or FTF_EXERCISE_NONE when there is no room. */
uint32_t ftf_exercise_pair_add(ftf_exercise *map, uint32_t inside, uint32_t other, uint64_t runs);

/* The operations of a pair; false for an empty place, and for one that names operations that are none. */
bool ftf_exercise_pair_at(const ftf_exercise *map, uint32_t place, uint32_t *inside, uint32_t *other);

/* Adds all that is in the file to the map. A missing file counts nothing. FTF_INPUT when it is no map of this version. */
ftf_status ftf_exercise_add_file(ftf_exercise *map, const char *path, ftf_error *err);

#endif
