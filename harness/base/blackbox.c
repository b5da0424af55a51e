#include "base/blackbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The file is made full size at once and its pages are touched (MAP_POPULATE, and blocks allocated with
 * posix_fallocate): a full disk must show here as an error with a name, not later as SIGBUS in a lane, which would look
 * like a crash of the target.
 */

static const char MAGIC[8] = {'F', 'T', 'F', 'B', 'L', 'A', 'C', 'K'};

static void stamp(ftf_blackbox *box) {
    memcpy(box->magic, MAGIC, sizeof MAGIC);
    box->version = FTF_BLACKBOX_VERSION;
    box->pid = (uint32_t)getpid();
    box->phase = FTF_PHASE_STARTING;
}

static ftf_blackbox *map_anonymous(ftf_error *err) {
    ftf_blackbox *box =
        mmap(NULL, sizeof *box, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (box == MAP_FAILED) {
        (void)ftf_fail(err, FTF_IO, "no memory for a black box: %s", strerror(errno));
        return NULL;
    }
    stamp(box);
    return box;
}

ftf_blackbox *ftf_blackbox_create(const char *path, ftf_error *err) {
    if (!path) {
        return map_anonymous(err);
    }
    /* Never truncated: a supervisor may have it mapped already (a zygote makes one for its start, and the first process
       that it forks takes it over), and would die of SIGBUS. */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        (void)ftf_fail(err, FTF_IO, "cannot write the black box %s: %s", path, strerror(errno));
        return NULL;
    }
    int failed = posix_fallocate(fd, 0, (off_t)sizeof(ftf_blackbox));
    if (failed) {
        close(fd);
        (void)ftf_fail(err, FTF_IO, "cannot write the black box %s: %s", path, strerror(failed));
        return NULL;
    }
    ftf_blackbox *box =
        mmap(NULL, sizeof *box, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    failed = errno;
    close(fd);
    if (box == MAP_FAILED) {
        (void)ftf_fail(err, FTF_IO, "cannot map the black box %s: %s", path, strerror(failed));
        return NULL;
    }
    memset(box, 0, sizeof *box);
    stamp(box);
    return box;
}

const ftf_blackbox *ftf_blackbox_open(const char *path, ftf_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)ftf_fail(err, FTF_IO, "cannot read the black box %s: %s", path, strerror(errno));
        return NULL;
    }
    struct stat st;
    if (fstat(fd, &st) != 0 || (size_t)st.st_size < sizeof(ftf_blackbox)) {
        close(fd);
        (void)ftf_fail(err, FTF_INPUT, "the black box %s is too short", path);
        return NULL;
    }
    const ftf_blackbox *box = mmap(NULL, sizeof *box, PROT_READ, MAP_SHARED, fd, 0);
    int failed = errno;
    close(fd);
    if (box == MAP_FAILED) {
        (void)ftf_fail(err, FTF_IO, "cannot map the black box %s: %s", path, strerror(failed));
        return NULL;
    }
    if (memcmp(box->magic, MAGIC, sizeof MAGIC) != 0 || box->version != FTF_BLACKBOX_VERSION) {
        ftf_blackbox_close(box);
        (void)ftf_fail(err, FTF_INPUT, "%s is no black box of this version", path);
        return NULL;
    }
    return box;
}

void ftf_blackbox_close(const ftf_blackbox *box) {
    if (box) {
        (void)munmap((void *)(uintptr_t)box, sizeof *box);
    }
}
