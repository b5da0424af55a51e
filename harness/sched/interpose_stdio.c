/*
 * stdio on pipes and sockets. libc fills and empties the buffer of a FILE by internal calls that nobody sees, so a lane makes sure
 * beforehand that there is something in the buffer, or room behind it, and then lets libc do what can be done with that. Reading:
 * one fill when the descriptor is ready, and no more than it brought. Writing: the buffer is emptied by us, past TSan, to which
 * stdio on a descriptor orders nobody.
 *
 * Nobody else gets into the middle of a call: the lane has libc's lock of the FILE meanwhile, and other lanes wait for it in the
 * scheduler, as far as they come by the functions below. Whoever comes by another one sleeps in libc, is robbed, and is right.
 *
 * The pointers into the buffer are part of libc's ABI: getc_unlocked was a macro.
 */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/interpose.h"

typedef size_t (*fread_call)(void *, size_t, size_t, FILE *);
typedef size_t (*fwrite_call)(const void *, size_t, size_t, FILE *);
typedef char *(*fgets_call)(char *, int, FILE *);
typedef int (*fputs_call)(const char *, FILE *);
typedef int (*file_call)(FILE *);
typedef int (*putc_call)(int, FILE *);

FTF_REAL(fread_call, fread)
FTF_REAL(fwrite_call, fwrite)
FTF_REAL(fgets_call, fgets)
FTF_REAL(fputs_call, fputs)
FTF_REAL(file_call, fflush)
FTF_REAL(file_call, fclose)
FTF_NEXT(file_call, fgetc)
FTF_NEXT(putc_call, fputc)

/* libc's: fills the buffer with one read when it is empty. */
int __underflow(FILE *file);

enum { UNBUFFERED = 0x2, EOF_SEEN = 0x10, ERROR_SEEN = 0x20, IN_BACKUP = 0x100, LINE_BUFFERED = 0x200 }; /* of _flags */

/* ---- who has it ------------------------------------------------------------------------------------------------------ */

/* Which FILE each lane is in a call on; under the scheduler's lock. */
static const FILE *used[FTF_LANES_MAX];

static int user_of(const void *channel) {
    for (int i = 0; i < FTF_LANES_MAX; i++) {
        if (used[i] == channel) {
            return (int)ftf_sched.lane[i].tid;
        }
    }
    return 0;
}

static bool is_used(const void *channel) { return user_of(channel) != 0; }

static void set_used(const ftf_lane *lane, const FILE *file) {
    ftf_sched_lock();
    used[lane->id] = file;
    ftf_sched_unlock();
}

/* The lane, when it is one and the call might block; else NULL. Wide streams are libc's alone. */
static ftf_lane *begin(FILE *file) {
    ftf_lane *lane = ftf_self;
    int saved_errno = errno;
    struct stat about;
    bool ours = lane != NULL && file->_mode <= 0 && fstat(fileno_unlocked(file), &about) == 0 &&
                (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode));
    errno = saved_errno;
    if (!ours) {
        return NULL;
    }
    const ftf_wait wait = {.what = FTF_WAIT_FILE, .channel = file, .still = is_used, .owner = user_of};
    ftf_point_of(lane, file);
    ftf_block_while(lane, &wait, 0);
    set_used(lane, file);
    flockfile(file);
    return lane;
}

static void end(const ftf_lane *lane, FILE *file) {
    funlockfile(file);
    set_used(lane, NULL);
    ftf_wake(file);
}

/* ---- emptying the buffer --------------------------------------------------------------------------------------------- */

/* False when that failed; then the FILE says so. */
static bool drain(ftf_lane *lane, FILE *file) {
    size_t size = __fpending(file), done = 0;
    while (done < size) {
        size_t piece = size - done < PIPE_BUF ? size - done : PIPE_BUF;
        ssize_t n = -1;
        if (ftf_await_descriptor(lane, fileno_unlocked(file), POLLOUT)) {
            n = syscall(SYS_write, fileno_unlocked(file), file->_IO_write_base + done, piece);
        }
        if (n < 0) {
            file->_flags |= ERROR_SEEN;
            break;
        }
        done += (size_t)n;
    }
    if (size > 0) {
        __fpurge(file);
    }
    return done == size;
}

/* Only what is fully buffered can be put there and stay. */
static size_t buffer_size(FILE *file) {
    return (file->_flags & (UNBUFFERED | LINE_BUFFERED)) != 0 ? 0 : __fbufsize(file);
}

/* How many of the bytes were written. */
static size_t put(ftf_lane *lane, FILE *file, const char *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        size_t piece = size - done < PIPE_BUF ? size - done : PIPE_BUF;
        bool fits = __fpending(file) + piece <= buffer_size(file);
        if (!fits && (!drain(lane, file) || !ftf_await_descriptor(lane, fileno_unlocked(file), POLLOUT))) {
            break;
        }
        size_t n = real_fwrite()(bytes + done, 1, piece, file);
        done += n;
        if (n < piece) {
            break;
        }
    }
    return done;
}

/* ---- filling the buffer ---------------------------------------------------------------------------------------------- */

/* After an ungetc what had been read before lies elsewhere, and libc comes back to it. */
static bool is_put_aside(const FILE *file) {
    return (file->_flags & IN_BACKUP) != 0 && file->_IO_save_end > file->_IO_save_base;
}

/* The descriptor's own time limit is an error, as the read that runs into it would be. */
static bool await_input(ftf_lane *lane, FILE *file) {
    bool in_time = ftf_await_descriptor(lane, fileno_unlocked(file), POLLIN);
    file->_flags |= in_time ? 0 : ERROR_SEEN;
    return in_time;
}

/* How many bytes are there to be had at once; 0 at the end, or after an error. */
static size_t ready(ftf_lane *lane, FILE *file) {
    if (file->_IO_read_ptr >= file->_IO_read_end) {
        if (!is_put_aside(file) &&
            ((file->_flags & EOF_SEEN) != 0 || !drain(lane, file) || !await_input(lane, file))) {
            return 0;
        }
        if (__underflow(file) == EOF) {
            return 0;
        }
    }
    return (size_t)(file->_IO_read_end - file->_IO_read_ptr);
}

static size_t get(ftf_lane *lane, FILE *file, char *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        size_t there = ready(lane, file);
        size_t n = there == 0 ? 0 : real_fread()(bytes + done, 1, there < size - done ? there : size - done, file);
        done += n;
        if (n == 0) {
            break;
        }
    }
    return done;
}

/* An error of an earlier call is none of this one, and stays. */
static char *get_line(ftf_lane *lane, FILE *file, char *bytes, size_t room) {
    size_t done = 0;
    int old_error = file->_flags & ERROR_SEEN;
    file->_flags &= ~ERROR_SEEN;
    for (bool whole = false; !whole && done + 1 < room;) {
        size_t there = ready(lane, file);
        if (there == 0) {
            break;
        }
        size_t size = there < room - 1 - done ? there : room - 1 - done;
        const char *newline = memchr(file->_IO_read_ptr, '\n', size);
        whole = newline != NULL;
        size = whole ? (size_t)(newline - file->_IO_read_ptr) + 1 : size;
        real_fgets()(bytes + done, (int)size + 1, file);
        done += size;
    }
    bool good = done > 0 && (file->_flags & ERROR_SEEN) == 0;
    file->_flags |= old_error;
    return good ? bytes : NULL;
}

/* ---- the calls ------------------------------------------------------------------------------------------------------- */

size_t fread(void *bytes, size_t size, size_t count, FILE *file) {
    size_t total = 0;
    bool counts = !__builtin_mul_overflow(size, count, &total) && total > 0;
    ftf_lane *lane = counts ? begin(file) : NULL;
    if (lane == NULL) {
        return real_fread()(bytes, size, count, file);
    }
    size_t done = get(lane, file, bytes, total) / size;
    end(lane, file);
    return done;
}

char *fgets(char *bytes, int room, FILE *file) {
    ftf_lane *lane = room > 1 ? begin(file) : NULL;
    if (lane == NULL) {
        return real_fgets()(bytes, room, file);
    }
    char *line = get_line(lane, file, bytes, (size_t)room);
    end(lane, file);
    return line;
}

/* What compilers call with -D_FORTIFY_SOURCE where they know how large the buffer is. */
size_t __fread_chk(void *bytes, size_t room, size_t size, size_t count, FILE *file);
char *__fgets_chk(char *bytes, size_t room, int size, FILE *file);

size_t __fread_chk(void *bytes, size_t room, size_t size, size_t count, FILE *file) {
    size_t total = 0;
    bool fits = !__builtin_mul_overflow(size, count, &total) && total <= room;
    return fits ? fread(bytes, size, count, file) : (__builtin_trap(), 0);
}

char *__fgets_chk(char *bytes, size_t room, int size, FILE *file) {
    return size < 0 || (size_t)size <= room ? fgets(bytes, size, file) : (__builtin_trap(), NULL);
}

int fgetc(FILE *file) {
    ftf_lane *lane = begin(file);
    if (lane == NULL) {
        return next_fgetc()(file);
    }
    int c = ready(lane, file) > 0 ? next_fgetc()(file) : EOF;
    end(lane, file);
    return c;
}

int(getc)(FILE *file) { return fgetc(file); }

size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file) {
    size_t total = 0;
    bool counts = !__builtin_mul_overflow(size, count, &total) && total > 0;
    ftf_lane *lane = counts ? begin(file) : NULL;
    if (lane == NULL) {
        return real_fwrite()(bytes, size, count, file);
    }
    size_t done = put(lane, file, bytes, total) / size;
    end(lane, file);
    return done;
}

int fputs(const char *text, FILE *file) {
    ftf_lane *lane = begin(file);
    if (lane == NULL) {
        return real_fputs()(text, file);
    }
    size_t size = strlen(text), done = put(lane, file, text, size);
    end(lane, file);
    return done == size ? 1 : EOF;
}

int fputc(int c, FILE *file) {
    ftf_lane *lane = begin(file);
    if (lane == NULL) {
        return next_fputc()(c, file);
    }
    char byte = (char)c;
    size_t done = put(lane, file, &byte, 1);
    end(lane, file);
    return done == 1 ? (unsigned char)byte : EOF;
}

int(putc)(int c, FILE *file) { return fputc(c, file); }

/* Without a FILE all of them are meant, and libc knows which. */
int fflush(FILE *file) {
    ftf_lane *lane = file != NULL ? begin(file) : NULL;
    if (lane == NULL) {
        return real_fflush()(file);
    }
    bool good = drain(lane, file);
    int rc = real_fflush()(file);
    end(lane, file);
    return good ? rc : EOF;
}

int fclose(FILE *file) {
    ftf_lane *lane = begin(file);
    bool good = true;
    if (lane != NULL) {
        good = drain(lane, file);
        end(lane, file);
    }
    int rc = real_fclose()(file);
    return good ? rc : EOF;
}
