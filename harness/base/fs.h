#ifndef FTF_BASE_FS_H
#define FTF_BASE_FS_H
/*
 * Files and folders, as much of them as ftfuzz needs, with one promise: what other processes can see is always whole.
 * A file is written beside its final name, flushed to the disk (unless the caller can do without) and renamed, so a kill -9,
 * a full disk or a missing permission leaves either the old file or the new one and no scraps. Every failure
 * names the path and the system's reason.
 *
 *     ftf_text text = {0};
 *     status = ftf_fs_read("finding.json", FTF_FS_READ_MAX, &text, &err);
 *     ...
 *     status = ftf_fs_write("finding.json", text.data, text.len, &err);
 *
 * Names that begin with ".tmp-" are ours while we write; ftf_fs_list leaves them out, whoever owns a folder may delete
 * them at start-up (ftf_fs_remove_temporaries).
 *
 * Ownership: the caller owns every ftf_text and ftf_names. Threads: no shared state.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/text.h"

enum {
    FTF_FS_PATH_MAX = 4096,
    FTF_FS_READ_MAX = 64 * 1024 * 1024, /* nothing that ftfuzz reads whole is larger */
};

#define FTF_FS_TEMPORARY ".tmp-"

/* Sorted by strcmp, so that what is made from a listing does not depend on the file system. */
typedef struct ftf_names {
    size_t count;
    char **names;
} ftf_names;

bool ftf_fs_exists(const char *path);
bool ftf_fs_is_dir(const char *path);

/* Appends the whole file to out. FTF_LIMIT when it is larger than bytes_max, FTF_IO when it cannot be read. */
ftf_status ftf_fs_read(const char *path, size_t bytes_max, ftf_text *out, ftf_error *err);

/* Appends the last bytes_max bytes of a file (all of a smaller one) to out. */
ftf_status ftf_fs_read_tail(const char *path, size_t bytes_max, ftf_text *out, ftf_error *err);

/* Creates or replaces the file, whole or not at all. */
ftf_status ftf_fs_write(const char *path, const void *bytes, size_t len, ftf_error *err);

/* The same without waiting for the disk: whole or not at all after the kill -9 of anybody, but not after a power cut. For
   what is read within seconds, and written often. */
ftf_status ftf_fs_write_unflushed(const char *path, const void *bytes, size_t len, ftf_error *err);

/* Like mkdir -p. */
ftf_status ftf_fs_make_dirs(const char *path, ftf_error *err);

/* Makes the path of something that exists absolute, in place: what is handed to a process with another working folder. */
ftf_status ftf_fs_make_absolute(char path[FTF_FS_PATH_MAX], ftf_error *err);

/* Makes a new empty folder `<parent>/.tmp-<random>` and stores its path; the caller renames or removes it. */
ftf_status ftf_fs_make_temporary_dir(const char *parent, char path[FTF_FS_PATH_MAX], ftf_error *err);

/* Renames and flushes the folder that holds the new name. Replaces a file; a folder only when it is empty. */
ftf_status ftf_fs_rename(const char *from, const char *to, ftf_error *err);

/* Names in a folder, without ".", ".." and temporaries. A missing folder is FTF_IO. */
ftf_status ftf_fs_list(const char *path, ftf_names *out, ftf_error *err);
void ftf_names_release(ftf_names *names);

ftf_status ftf_fs_remove(const char *path, ftf_error *err); /* a file; a missing one is fine */

/* Removes a folder and all below it; a missing one is fine. Follows no symbolic link, stays on its file system. */
ftf_status ftf_fs_remove_tree(const char *path, ftf_error *err);

/* Removes what an earlier process left half-written directly inside the folder. */
ftf_status ftf_fs_remove_temporaries(const char *path, ftf_error *err);

/* `<folder>/<name>`; FTF_LIMIT when that does not fit. */
ftf_status ftf_fs_join(char path[FTF_FS_PATH_MAX], const char *folder, const char *name, ftf_error *err);

#endif
