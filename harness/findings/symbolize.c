#include "findings/symbolize.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/proc.h"
#include "base/text.h"

/*
 * The child speaks lines: `CODE "<module>" 0x<offset>` in, one JSON object out. A question goes out and its answer
 * comes back before the next, so that a dead child costs one question.
 *
 * DEBUGINFOD_URLS is unset in it: with the variable set, as some distributions do, it asks the network for every
 * library without debug information and may hang for minutes.
 */

enum { BUCKETS_FIRST = 1024, ANSWER_MAX = 4 * 1024 * 1024 };

typedef struct entry {
    const char *module; /* NULL: free bucket */
    uint64_t offset;
    ftf_places places;
} entry;

struct ftf_symbolizer {
    ftf_proc proc; /* pid 0: not running */
    const char *program;
    ftf_arena *arena; /* keys, places, strings */
    entry *buckets;
    size_t bucket_count, used;
    ftf_text pending; /* read from the child and not consumed yet */
};

static const char *const PROGRAMS[] = {"llvm-symbolizer-19", "llvm-symbolizer"};

/* ---- the child --------------------------------------------------------------------------------------------------- */

static ftf_status start(ftf_symbolizer *symbolizer, ftf_error *err) {
    const char *argv[] = {symbolizer->program, "--output-style=JSON", "--inlines", NULL};
    const char *env[] = {"DEBUGINFOD_URLS", NULL};
    ftf_proc_options options = {
        .argv = argv, .env = env, .pipe_stdin = true, .pipe_stdout = true, .cpu = FTF_PROC_ANY_CPU};
    ftf_text_clear(&symbolizer->pending);
    return ftf_proc_spawn(&options, &symbolizer->proc, err);
}

static void stop(ftf_symbolizer *symbolizer) {
    ftf_proc_end end;
    if (symbolizer->proc.pid > 0) {
        ftf_proc_close_pipes(&symbolizer->proc);
        ftf_proc_stop(&symbolizer->proc, 0, &end);
    }
}

/* Writing to a child that has just died raises SIGPIPE, which would end us: it is blocked meanwhile and taken back. */
static bool write_question(int fd, const char *bytes, size_t len) {
    sigset_t pipe_only, before;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    bool sent = true;
    while (sent && len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        sent = n > 0;
        if (sent) {
            bytes += n;
            len -= (size_t)n;
        }
    }
    if (!sent && errno == EPIPE) {
        const struct timespec now = {0};
        (void)sigtimedwait(&pipe_only, NULL, &now);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sent;
}

/* One line of the child's output into line; false when it died or is too late. */
static bool read_answer(ftf_symbolizer *symbolizer, ftf_text *line) {
    ftf_text *pending = &symbolizer->pending;
    uint64_t until = ftf_proc_now_ms() + FTF_SYMBOLIZE_DEADLINE_MS;
    for (;;) {
        char *newline = pending->len > 0 ? memchr(pending->data, '\n', pending->len) : NULL;
        if (newline) {
            size_t len = (size_t)(newline - pending->data);
            ftf_text_add(line, pending->data, len);
            pending->len -= len + 1;
            memmove(pending->data, newline + 1, pending->len);
            pending->data[pending->len] = '\0';
            return true;
        }
        uint64_t now = ftf_proc_now_ms();
        struct pollfd ready = {.fd = symbolizer->proc.stdout_fd, .events = POLLIN};
        if (now >= until || pending->len > ANSWER_MAX) {
            return false;
        }
        int polled = poll(&ready, 1, (int)(until - now));
        char chunk[8192];
        ssize_t n = polled > 0 ? read(ready.fd, chunk, sizeof chunk) : 0;
        if ((polled < 0 || n < 0) && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        ftf_text_add(pending, chunk, (size_t)n);
    }
}

/* Asks, once more with a new child when the first one failed. */
static bool ask(ftf_symbolizer *symbolizer, const char *module, uint64_t offset, ftf_text *answer) {
    ftf_text question = {0};
    ftf_text_printf(&question, "CODE \"%s\" 0x%" PRIx64 "\n", module, offset);
    bool answered = false;
    for (int attempt = 0; attempt < 2 && !answered; attempt++) {
        if (symbolizer->proc.pid == 0 && start(symbolizer, NULL) != FTF_OK) {
            break;
        }
        ftf_text_clear(answer);
        answered = write_question(symbolizer->proc.stdin_fd, question.data, question.len) &&
                   read_answer(symbolizer, answer);
        if (!answered) {
            stop(symbolizer);
        }
    }
    ftf_text_release(&question);
    return answered;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* The length of a demangled name without its parameters: up to the first parenthesis that belongs to neither template
   arguments, "(anonymous namespace)" nor "operator()". */
static size_t without_parameters(const char *name) {
    static const char ANONYMOUS[] = "(anonymous namespace)";
    static const char CALL_OPERATOR[] = "operator()";
    int depth = 0;
    size_t i = 0;
    while (name[i]) {
        if (strncmp(name + i, ANONYMOUS, sizeof ANONYMOUS - 1) == 0) {
            i += sizeof ANONYMOUS - 1;
            continue;
        }
        if (strncmp(name + i, CALL_OPERATOR, sizeof CALL_OPERATOR - 1) == 0) {
            i += sizeof CALL_OPERATOR - 1;
            continue;
        }
        if (name[i] == '(' && depth == 0) {
            break;
        }
        bool arrow = i > 0 && name[i] == '>' && name[i - 1] == '-';
        depth += name[i] == '<' ? 1 : name[i] == '>' && depth > 0 && !arrow ? -1 : 0;
        i++;
    }
    return i;
}

/* Compilers name clones of one function after it (f.part.0, f.constprop.1, f.cold): for us they are that function. */
static size_t without_clone_suffix(const char *name, size_t len) {
    static const char *const SUFFIXES[] = {".part.", ".constprop.", ".isra.", ".cold", ".llvm.", ".lto_priv."};
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof *SUFFIXES; i++) {
        const char *at = memmem(name, len, SUFFIXES[i], strlen(SUFFIXES[i]));
        len = at && at != name ? (size_t)(at - name) : len;
    }
    return len;
}

static const char *keep(ftf_symbolizer *symbolizer, const char *text, size_t len) {
    return len > 0 ? ftf_arena_copy(symbolizer->arena, text, len) : "";
}

static ftf_places places_from_json(ftf_symbolizer *symbolizer, const json_t *symbols) {
    size_t count = json_array_size(symbols);
    count = count < FTF_PLACES_MAX ? count : FTF_PLACES_MAX;
    ftf_place *places = count > 0 ? FTF_NEW(symbolizer->arena, ftf_place, count) : NULL;
    uint32_t known = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *symbol = json_array_get(symbols, i);
        const char *function = json_string_value(json_object_get(symbol, "FunctionName"));
        const char *file = json_string_value(json_object_get(symbol, "FileName"));
        json_int_t line = json_integer_value(json_object_get(symbol, "Line"));
        if ((!function || !function[0]) && (!file || !file[0])) {
            continue; /* the symbolizer's way to say that it does not know */
        }
        size_t len = function ? without_clone_suffix(function, without_parameters(function)) : 0;
        places[known++] = (ftf_place){
            .function = keep(symbolizer, function, len),
            .file = keep(symbolizer, file, file ? strlen(file) : 0),
            .line = line > 0 && line < INT32_MAX ? (uint32_t)line : 0,
        };
    }
    return (ftf_places){.count = known, .places = places};
}

/* ---- cache ------------------------------------------------------------------------------------------------------- */

static entry *bucket_of(entry *buckets, size_t count, const char *module, uint64_t offset) {
    uint64_t hash = ftf_hash_bytes(FTF_HASH_START, module, strlen(module));
    hash = ftf_hash_bytes(hash, &offset, sizeof offset);
    for (size_t i = hash & (count - 1);; i = (i + 1) & (count - 1)) {
        entry *e = &buckets[i];
        if (!e->module || (e->offset == offset && strcmp(e->module, module) == 0)) {
            return e;
        }
    }
}

static void grow(ftf_symbolizer *symbolizer) {
    size_t count = symbolizer->bucket_count ? symbolizer->bucket_count * 2 : BUCKETS_FIRST;
    entry *buckets = calloc(count, sizeof *buckets);
    FTF_ASSERT(buckets);
    for (size_t i = 0; i < symbolizer->bucket_count; i++) {
        entry *old = &symbolizer->buckets[i];
        if (old->module) {
            *bucket_of(buckets, count, old->module, old->offset) = *old;
        }
    }
    free(symbolizer->buckets);
    symbolizer->buckets = buckets;
    symbolizer->bucket_count = count;
}

/* ---- public ------------------------------------------------------------------------------------------------------ */

ftf_status ftf_symbolizer_create(ftf_symbolizer **out, ftf_error *err) {
    ftf_symbolizer *symbolizer = calloc(1, sizeof *symbolizer);
    FTF_ASSERT(symbolizer);
    ftf_status status = FTF_SETUP;
    for (size_t i = 0; i < sizeof PROGRAMS / sizeof *PROGRAMS && status != FTF_OK; i++) {
        symbolizer->program = PROGRAMS[i];
        status = start(symbolizer, NULL);
    }
    if (status != FTF_OK) {
        free(symbolizer);
        *out = NULL;
        return ftf_fail(err, FTF_SETUP, "llvm-symbolizer-19 is not installed (Debian package llvm-19): "
                                        "without it findings have no function names");
    }
    symbolizer->arena = ftf_arena_create();
    grow(symbolizer);
    *out = symbolizer;
    return FTF_OK;
}

void ftf_symbolizer_destroy(ftf_symbolizer *symbolizer) {
    if (!symbolizer) {
        return;
    }
    stop(symbolizer);
    ftf_arena_destroy(symbolizer->arena);
    ftf_text_release(&symbolizer->pending);
    free(symbolizer->buckets);
    free(symbolizer);
}

ftf_places ftf_symbolizer_resolve(ftf_symbolizer *symbolizer, const char *module, uint64_t offset) {
    if (module[0] == '\0' || strpbrk(module, "\"\n")) {
        return (ftf_places){0};
    }
    entry *e = bucket_of(symbolizer->buckets, symbolizer->bucket_count, module, offset);
    if (e->module) {
        return e->places;
    }
    ftf_places places = {0};
    ftf_text answer = {0};
    if (ask(symbolizer, module, offset, &answer)) {
        json_t *json = json_loadb(answer.data, answer.len, 0, NULL);
        places = places_from_json(symbolizer, json_object_get(json, "Symbol"));
        json_decref(json);
    }
    ftf_text_release(&answer);
    *e = (entry){.module = keep(symbolizer, module, strlen(module)), .offset = offset, .places = places};
    if (++symbolizer->used * 2 > symbolizer->bucket_count) {
        grow(symbolizer);
    }
    return places;
}
