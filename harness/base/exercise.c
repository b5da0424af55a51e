/* Reading order: find and pair_add (the two tables), then opening, then adding up. */
#include "base/exercise.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

static const char MAGIC[8] = {'F', 'T', 'F', 'E', 'X', 'E', 'R', 'C'};

enum { INDEX_SIZE = 2 * FTF_EXERCISE_OPS, PAIRS_FULL = FTF_EXERCISE_PAIRS / 8 * 7 };

/* ---- operations -------------------------------------------------------------------------------------------------- */

/* As much of a text as a row holds. */
static size_t cut(const char *text) { return strnlen(text, FTF_EXERCISE_NAME_BYTES - 1); }

static uint64_t hash_key(const ftf_exercise_key *key) {
    const uint32_t numbers[] = {key->code, key->place};
    uint64_t hash = ftf_hash_bytes(FTF_HASH_START, numbers, sizeof numbers);
    hash = ftf_hash_bytes(hash, key->type, cut(key->type));
    hash = ftf_hash_bytes(hash, "", 1);
    hash = ftf_hash_bytes(hash, key->name, cut(key->name));
    return hash != 0 ? hash : 1;
}

static bool is_same(const ftf_exercise_op *op, const ftf_exercise_key *key, uint64_t hash) {
    return op->hash == hash && op->code == key->code && op->place == key->place &&
           strncmp(op->type, key->type, FTF_EXERCISE_NAME_BYTES - 1) == 0 &&
           strncmp(op->name, key->name, FTF_EXERCISE_NAME_BYTES - 1) == 0;
}

static uint32_t enter(ftf_exercise *map, const ftf_exercise_key *key, uint64_t hash, uint32_t place) {
    if (map->op_count >= FTF_EXERCISE_OPS) {
        map->lost++;
        return FTF_EXERCISE_NONE;
    }
    uint32_t number = map->op_count;
    ftf_exercise_op *op = &map->ops[number];
    *op = (ftf_exercise_op){.code = key->code, .place = key->place};
    memcpy(op->type, key->type, cut(key->type));
    memcpy(op->name, key->name, cut(key->name));
    op->hash = hash;
    atomic_signal_fence(memory_order_seq_cst); /* the file outlives us: its order of stores is the program's */
    map->op_count = number + 1;
    atomic_signal_fence(memory_order_seq_cst);
    map->index[place] = number + 1;
    return number;
}

/* Its number, or FTF_EXERCISE_NONE and the place in the index where it would be. Nothing is trusted that the target may have
   written to: a number that is none ends the search like an empty place. (The index is twice as large as all that is in it.) */
static uint32_t search(const ftf_exercise *map, const ftf_exercise_key *key, uint64_t hash, uint32_t *place) {
    *place = (uint32_t)(hash ^ hash >> 32) % INDEX_SIZE;
    for (uint32_t i = 0; i < INDEX_SIZE; i++, *place = (*place + 1) % INDEX_SIZE) {
        uint32_t number = map->index[*place];
        if (number == 0 || number > FTF_EXERCISE_OPS) {
            break;
        }
        if (is_same(&map->ops[number - 1], key, hash)) {
            return number - 1;
        }
    }
    return FTF_EXERCISE_NONE;
}

uint32_t ftf_exercise_look_up(const ftf_exercise *map, const ftf_exercise_key *key) {
    uint32_t place;
    return search(map, key, hash_key(key), &place);
}

uint32_t ftf_exercise_find(ftf_exercise *map, const ftf_exercise_key *key) {
    uint64_t hash = hash_key(key);
    uint32_t place, number = search(map, key, hash, &place);
    return number != FTF_EXERCISE_NONE ? number : enter(map, key, hash, place);
}

ftf_exercise_counts *ftf_exercise_count(ftf_exercise *map, uint32_t op) { return &map->ops[op].counts; }

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static uint64_t pair_key(uint32_t inside, uint32_t other) { return (uint64_t)(inside + 1) << 32 | (other + 1); }

uint32_t ftf_exercise_pair_add(ftf_exercise *map, uint32_t inside, uint32_t other, uint64_t runs) {
    uint64_t key = pair_key(inside, other);
    uint32_t place = (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % FTF_EXERCISE_PAIRS;
    for (uint32_t i = 0; i < FTF_EXERCISE_PAIRS; i++, place = (place + 1) % FTF_EXERCISE_PAIRS) {
        ftf_exercise_pair *pair = &map->pairs[place];
        if (pair->key == key) {
            pair->runs += runs;
            return place;
        }
        if (pair->key == 0 && map->pair_count < PAIRS_FULL) {
            map->pair_count++;
            pair->runs = runs;
            atomic_signal_fence(memory_order_seq_cst);
            pair->key = key;
            return place;
        }
        if (pair->key == 0) {
            break;
        }
    }
    map->lost++;
    return FTF_EXERCISE_NONE;
}

bool ftf_exercise_pair_at(const ftf_exercise *map, uint32_t place, uint32_t *inside, uint32_t *other) {
    uint64_t key = map->pairs[place].key;
    *inside = (uint32_t)(key >> 32) - 1;
    *other = (uint32_t)key - 1;
    return key != 0 && *inside < map->op_count && *other < map->op_count && map->op_count <= FTF_EXERCISE_OPS;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static bool is_map(const ftf_exercise *map) {
    return memcmp(map->magic, MAGIC, sizeof MAGIC) == 0 && map->version == FTF_EXERCISE_VERSION &&
           map->op_count <= FTF_EXERCISE_OPS;
}

static void begin(ftf_exercise *map) {
    memset(map, 0, sizeof *map);
    memcpy(map->magic, MAGIC, sizeof MAGIC);
    map->version = FTF_EXERCISE_VERSION;
}

/* Blocks are allocated at once: a full disk is to be an error with a name and not a SIGBUS in the middle of a run. */
static ftf_exercise *map_file(const char *path, ftf_error *err) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int failed = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)sizeof(ftf_exercise));
    void *map = MAP_FAILED;
    if (failed == 0) {
        map = mmap(NULL, sizeof(ftf_exercise), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        failed = map == MAP_FAILED ? errno : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (failed != 0) {
        (void)ftf_fail(err, FTF_IO, "cannot write the exercise map %s: %s", path, strerror(failed));
        return NULL;
    }
    return map;
}

ftf_exercise *ftf_exercise_open(const char *path, ftf_error *err) {
    ftf_exercise *map;
    if (path != NULL) {
        map = map_file(path, err);
    } else {
        map = mmap(NULL, sizeof *map, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED) {
            (void)ftf_fail(err, FTF_IO, "no memory for an exercise map: %s", strerror(errno));
            return NULL;
        }
    }
    if (map != NULL && !is_map(map)) {
        begin(map);
    }
    return map;
}

void ftf_exercise_close(ftf_exercise *map) {
    if (map != NULL) {
        (void)munmap(map, sizeof *map);
    }
}

/* ---- adding up --------------------------------------------------------------------------------------------------- */

/* The number of another map's operation in ours; FTF_EXERCISE_NONE when its row is damaged. */
static uint32_t take(ftf_exercise *map, const ftf_exercise_op *op) {
    bool ends = memchr(op->type, '\0', sizeof op->type) != NULL && memchr(op->name, '\0', sizeof op->name) != NULL;
    const ftf_exercise_key key = {.type = op->type, .name = op->name, .code = op->code, .place = op->place};
    return ends && op->hash == hash_key(&key) ? ftf_exercise_find(map, &key) : FTF_EXERCISE_NONE;
}

static void add(ftf_exercise *map, const ftf_exercise *from) {
    static uint32_t numbers[FTF_EXERCISE_OPS];
    for (uint32_t i = 0; i < from->op_count; i++) {
        const ftf_exercise_counts *more = &from->ops[i].counts;
        numbers[i] = take(map, &from->ops[i]);
        if (numbers[i] != FTF_EXERCISE_NONE) {
            ftf_exercise_counts *sum = ftf_exercise_count(map, numbers[i]);
            sum->calls += more->calls;
            sum->accepted += more->accepted;
            sum->met += more->met;
        }
    }
    for (uint32_t place = 0; place < FTF_EXERCISE_PAIRS; place++) {
        uint32_t inside, other;
        if (ftf_exercise_pair_at(from, place, &inside, &other) && numbers[inside] != FTF_EXERCISE_NONE &&
            numbers[other] != FTF_EXERCISE_NONE) {
            ftf_exercise_pair_add(map, numbers[inside], numbers[other], from->pairs[place].runs);
        }
    }
    map->lost += from->lost;
}

ftf_status ftf_exercise_add_file(ftf_exercise *map, const char *path, ftf_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? FTF_OK : ftf_fail(err, FTF_IO, "cannot read %s: %s", path, strerror(errno));
    }
    struct stat info;
    void *from = MAP_FAILED;
    if (fstat(fd, &info) == 0 && (size_t)info.st_size >= sizeof(ftf_exercise)) {
        from = mmap(NULL, sizeof(ftf_exercise), PROT_READ, MAP_SHARED, fd, 0);
    }
    close(fd);
    bool good = from != MAP_FAILED && is_map(from);
    if (good) {
        add(map, from);
    }
    if (from != MAP_FAILED) {
        (void)munmap(from, sizeof(ftf_exercise));
    }
    return good ? FTF_OK : ftf_fail(err, FTF_INPUT, "%s is no exercise map of this version", path);
}
