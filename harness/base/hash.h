#ifndef FTF_BASE_HASH_H
#define FTF_BASE_HASH_H
/* 64-bit FNV-1a: stable across machines and versions, for names and cache keys, not against an adversary. */
#include <stddef.h>
#include <stdint.h>

#define FTF_HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t ftf_hash_bytes(uint64_t hash, const void *bytes, size_t len) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

#endif
