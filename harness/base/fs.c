#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

/*
 * Reading order: reading, atomic writing, folders, removal. What is to
 * survive a power cut goes through `flush_folder` afterwards, because a rename is only durable once the folder that holds
 * the new name is.
 */

bool ftf_fs_exists(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

bool ftf_fs_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

ftf_status ftf_fs_join(char path[FTF_FS_PATH_MAX], const char *folder, const char *name, ftf_error *err) {
    int n = snprintf(path, FTF_FS_PATH_MAX, "%s/%s", folder, name);
    if (n < 0 || n >= FTF_FS_PATH_MAX) {
        return ftf_fail(err, FTF_LIMIT, "the path of %s below %.80s... is too long", name, folder);
    }
    return FTF_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static ftf_status read_rest(int fd, const char *path, size_t bytes_max, ftf_text *out, ftf_error *err) {
    char chunk[16 * 1024];
    size_t total = 0;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ftf_fail(err, FTF_IO, "cannot read %s: %s", path, strerror(errno));
        }
        if (n == 0) {
            return FTF_OK;
        }
        total += (size_t)n;
        if (total > bytes_max) {
            return ftf_fail(err, FTF_LIMIT, "%s is larger than %zu bytes", path, bytes_max);
        }
        ftf_text_add(out, chunk, (size_t)n);
    }
}

static ftf_status read_from(const char *path, off_t back, size_t bytes_max, ftf_text *out, ftf_error *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ftf_fail(err, FTF_IO, "cannot open %s: %s", path, strerror(errno));
    }
    struct stat st;
    if (back > 0 && fstat(fd, &st) == 0 && st.st_size > back) {
        (void)lseek(fd, st.st_size - back, SEEK_SET);
    }
    ftf_status status = read_rest(fd, path, bytes_max, out, err);
    close(fd);
    return status;
}

ftf_status ftf_fs_read(const char *path, size_t bytes_max, ftf_text *out, ftf_error *err) {
    ftf_text_add(out, "", 0);
    return read_from(path, 0, bytes_max, out, err);
}

ftf_status ftf_fs_read_tail(const char *path, size_t bytes_max, ftf_text *out, ftf_error *err) {
    ftf_text_add(out, "", 0);
    /* The file may grow while it is read; what came after the size was taken is read as well, within reason. */
    return read_from(path, (off_t)bytes_max, bytes_max + FTF_FS_READ_MAX, out, err);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* The folder part of a path: "." for a bare name. */
static void parent_of(const char *path, char parent[FTF_FS_PATH_MAX]) {
    size_t len = strnlen(path, FTF_FS_PATH_MAX - 1);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    if (len == 0) {
        path = ".";
        len = 1;
    }
    memcpy(parent, path, len);
    parent[len] = '\0';
}

static ftf_status flush_folder(const char *folder, ftf_error *err) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return ftf_fail(err, FTF_IO, "cannot open folder %s: %s", folder, strerror(errno));
    }
    /* Some file systems refuse to flush a folder (EINVAL); they order renames by themselves. */
    int failed = fsync(fd) != 0 && errno != EINVAL ? errno : 0;
    close(fd);
    return failed ? ftf_fail(err, FTF_IO, "cannot flush folder %s: %s", folder, strerror(failed)) : FTF_OK;
}

static ftf_status write_all(int fd, const char *path, const char *bytes, size_t len, ftf_error *err) {
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ftf_fail(err, FTF_IO, "cannot write %s: %s", path, strerror(errno));
        }
        bytes += n;
        len -= (size_t)n;
    }
    return FTF_OK;
}

static ftf_status flush_file(int fd, const char *path, ftf_error *err) {
    if (fsync(fd) != 0 && errno != EINVAL) {
        return ftf_fail(err, FTF_IO, "cannot write %s: %s", path, strerror(errno));
    }
    return FTF_OK;
}

static ftf_status replace(const char *path, const void *bytes, size_t len, bool flush, ftf_error *err) {
    char parent[FTF_FS_PATH_MAX];
    char temporary[FTF_FS_PATH_MAX];
    parent_of(path, parent);
    ftf_status status = ftf_fs_join(temporary, parent, FTF_FS_TEMPORARY "XXXXXX", err);
    if (status != FTF_OK) {
        return status;
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return ftf_fail(err, FTF_IO, "cannot write %s: %s", path, strerror(errno));
    }
    status = write_all(fd, path, bytes, len, err);
    if (status == FTF_OK && flush) {
        status = flush_file(fd, path, err);
    }
    /* mkostemp makes files for the owner alone; findings are meant to be shared, as the umask allows. */
    mode_t mask = umask(0);
    (void)umask(mask);
    (void)fchmod(fd, 0666 & ~mask);
    /* A quota may be reported as late as here. */
    if (close(fd) != 0 && status == FTF_OK) {
        status = ftf_fail(err, FTF_IO, "cannot write %s: %s", path, strerror(errno));
    }
    if (status == FTF_OK && rename(temporary, path) != 0) {
        status = ftf_fail(err, FTF_IO, "cannot write %s: %s", path, strerror(errno));
    }
    if (status != FTF_OK) {
        (void)unlink(temporary);
        return status;
    }
    return flush ? flush_folder(parent, err) : FTF_OK;
}

ftf_status ftf_fs_write(const char *path, const void *bytes, size_t len, ftf_error *err) {
    return replace(path, bytes, len, true, err);
}

ftf_status ftf_fs_write_unflushed(const char *path, const void *bytes, size_t len, ftf_error *err) {
    return replace(path, bytes, len, false, err);
}

ftf_status ftf_fs_rename(const char *from, const char *to, ftf_error *err) {
    char parent[FTF_FS_PATH_MAX];
    parent_of(to, parent);
    if (rename(from, to) != 0) {
        return ftf_fail(err, FTF_IO, "cannot rename %s to %s: %s", from, to, strerror(errno));
    }
    return flush_folder(parent, err);
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

ftf_status ftf_fs_make_dirs(const char *path, ftf_error *err) {
    char partial[FTF_FS_PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof partial) {
        return ftf_fail(err, FTF_LIMIT, "cannot make folder: its path has %zu bytes", len);
    }
    memcpy(partial, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (partial[i] != '/' && partial[i] != '\0') {
            continue;
        }
        partial[i] = '\0';
        if (mkdir(partial, 0777) != 0 && !ftf_fs_is_dir(partial)) {
            /* mkdir says EEXIST when something that is no folder has the name, which stat would call success. */
            const char *why = errno == EEXIST ? "it exists and is not a folder" : strerror(errno);
            return ftf_fail(err, FTF_IO, "cannot make folder %s: %s", partial, why);
        }
        if (i < len) {
            partial[i] = '/';
        }
    }
    return FTF_OK;
}

ftf_status ftf_fs_make_absolute(char path[FTF_FS_PATH_MAX], ftf_error *err) {
    char *absolute = realpath(path, NULL);
    if (!absolute) {
        return ftf_fail(err, FTF_IO, "cannot find %s: %s", path, strerror(errno));
    }
    size_t len = strlen(absolute);
    if (len < FTF_FS_PATH_MAX) {
        memcpy(path, absolute, len + 1);
    }
    free(absolute);
    return len < FTF_FS_PATH_MAX ? FTF_OK : ftf_fail(err, FTF_IO, "the path of %s is too long", path);
}

ftf_status ftf_fs_make_temporary_dir(const char *parent, char path[FTF_FS_PATH_MAX], ftf_error *err) {
    ftf_status status = ftf_fs_join(path, parent, FTF_FS_TEMPORARY "XXXXXX", err);
    if (status != FTF_OK) {
        return status;
    }
    if (!mkdtemp(path)) {
        return ftf_fail(err, FTF_IO, "cannot make a folder in %s: %s", parent, strerror(errno));
    }
    mode_t mask = umask(0);
    (void)umask(mask);
    (void)chmod(path, 0777 & ~mask);
    return FTF_OK;
}

static bool is_temporary(const char *name) { return strncmp(name, FTF_FS_TEMPORARY, strlen(FTF_FS_TEMPORARY)) == 0; }

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

static void add_name(ftf_names *names, const char *name) {
    /* Doubling by powers of two: the room is full exactly when the count is one of them. */
    if ((names->count & (names->count - 1)) == 0) {
        size_t room = names->count ? names->count * 2 : 1;
        names->names = realloc(names->names, room * sizeof *names->names);
        FTF_ASSERT(names->names);
    }
    names->names[names->count] = strdup(name);
    FTF_ASSERT(names->names[names->count]);
    names->count++;
}

static int compare_names(const void *a, const void *b) {
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

static ftf_status list(const char *path, bool temporaries, ftf_names *out, ftf_error *err) {
    *out = (ftf_names){0};
    DIR *dir = opendir(path);
    if (!dir) {
        return ftf_fail(err, FTF_IO, "cannot list folder %s: %s", path, strerror(errno));
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!is_dots(entry->d_name) && is_temporary(entry->d_name) == temporaries) {
            add_name(out, entry->d_name);
        }
    }
    closedir(dir);
    if (out->count > 0) {
        qsort(out->names, out->count, sizeof *out->names, compare_names);
    }
    return FTF_OK;
}

ftf_status ftf_fs_list(const char *path, ftf_names *out, ftf_error *err) { return list(path, false, out, err); }

void ftf_names_release(ftf_names *names) {
    for (size_t i = 0; i < names->count; i++) {
        free(names->names[i]);
    }
    free(names->names);
    *names = (ftf_names){0};
}

/* ---- removal ----------------------------------------------------------------------------------------------------- */

ftf_status ftf_fs_remove(const char *path, ftf_error *err) {
    if (unlink(path) != 0 && errno != ENOENT) {
        return ftf_fail(err, FTF_IO, "cannot delete %s: %s", path, strerror(errno));
    }
    return FTF_OK;
}

/*
 * Works relative to open folders, so that nobody can lead the walk elsewhere by swapping a folder for a symbolic link
 * between the look and the deletion. Returns 0 or the errno of the first thing that could not be removed.
 */
static int remove_below(int folder, dev_t device) {
    DIR *dir = fdopendir(folder);
    if (!dir) {
        int failed = errno;
        close(folder);
        return failed;
    }
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct stat st;
        if (is_dots(entry->d_name) || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (st.st_dev != device) {
            failed = failed ? failed : EXDEV;
            continue;
        }
        bool is_dir = S_ISDIR(st.st_mode);
        if (is_dir) {
            int inner = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            int inner_failed = inner < 0 ? errno : remove_below(inner, device);
            failed = failed ? failed : inner_failed;
        }
        if (unlinkat(dirfd(dir), entry->d_name, is_dir ? AT_REMOVEDIR : 0) != 0 && errno != ENOENT) {
            failed = failed ? failed : errno;
        }
    }
    closedir(dir);
    return failed;
}

ftf_status ftf_fs_remove_tree(const char *path, ftf_error *err) {
    struct stat st;
    if (lstat(path, &st) != 0) {
        return errno == ENOENT ? FTF_OK : ftf_fail(err, FTF_IO, "cannot delete %s: %s", path, strerror(errno));
    }
    if (!S_ISDIR(st.st_mode)) {
        return ftf_fs_remove(path, err);
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int failed = fd < 0 ? errno : remove_below(fd, st.st_dev);
    if (!failed && rmdir(path) != 0) {
        failed = errno;
    }
    return failed ? ftf_fail(err, FTF_IO, "cannot delete folder %s: %s", path, strerror(failed)) : FTF_OK;
}

ftf_status ftf_fs_remove_temporaries(const char *path, ftf_error *err) {
    ftf_names names;
    ftf_status status = list(path, true, &names, err);
    for (size_t i = 0; status == FTF_OK && i < names.count; i++) {
        char full[FTF_FS_PATH_MAX];
        status = ftf_fs_join(full, path, names.names[i], err);
        if (status == FTF_OK) {
            status = ftf_fs_remove_tree(full, err);
        }
    }
    ftf_names_release(&names);
    return status;
}
