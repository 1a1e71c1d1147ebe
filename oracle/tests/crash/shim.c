/* Preloaded into an oracle, it writes down what the oracle does to the files of one folder, so that whoever kills the
 * process can take back what was not synced: a kill is then a power cut. A sync here only notes that it was one.
 *
 * MUSTER_CRASH_FOLDER   the folder, absolute
 * MUSTER_CRASH_JOURNAL  where notes go; files that lose their name are kept beside it
 * MUSTER_CRASH_DEAF     if set, no sync is noted: everything is lost, and a check that sees nothing missing is no check
 *
 * A note: kind u8 | inode u64 | at u64 | old_len u64 | path_len u16 | to_len u16 | data_len u32 | path | to | data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, CREATE = 3, RENAME = 4, UNLINK = 5, MKDIR = 6, SYNC_FOLDER = 7 };

#define REAL(name) ((__typeof__(&name))real(#name))

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *folder, *journal;
static int journal_fd = -1;
static unsigned long kept; /* counts what has to differ */

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static void die(const char *what) {
    fprintf(stderr, "crash shim: %s\n", what);
    abort();
}

__attribute__((constructor)) static void begin(void) {
    folder = getenv("MUSTER_CRASH_FOLDER");
    journal = getenv("MUSTER_CRASH_JOURNAL");
    if (!folder || !journal) die("MUSTER_CRASH_FOLDER and MUSTER_CRASH_JOURNAL are needed");
    journal_fd = REAL(open64)(journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal_fd < 0) die("the journal cannot be opened");
}

static int is_ours(const char *path) {
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == 0);
}

/* The path of an open file of the folder; 0 if it is none. */
static int ours(int fd, char *path, struct stat *found) {
    char link[64];
    if (fd == journal_fd || fstat(fd, found) != 0) return 0;
    if (!S_ISREG(found->st_mode) && !S_ISDIR(found->st_mode)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, PATH_MAX - 1);
    if (len < 0) return 0;
    path[len] = 0;
    return is_ours(path);
}

/* One write, so that a kill leaves a note whole or not there. */
static void note(uint8_t kind, uint64_t inode, uint64_t at, uint64_t old_len, const char *path, const char *to,
                 const void *data, uint32_t data_len) {
    uint16_t path_len = strlen(path), to_len = strlen(to);
    size_t len = 33 + path_len + to_len + data_len;
    uint8_t *bytes = malloc(len), *p = bytes;
    if (!bytes) die("no memory");
    *p++ = kind;
    memcpy(p, &inode, 8), p += 8;
    memcpy(p, &at, 8), p += 8;
    memcpy(p, &old_len, 8), p += 8;
    memcpy(p, &path_len, 2), p += 2;
    memcpy(p, &to_len, 2), p += 2;
    memcpy(p, &data_len, 4), p += 4;
    memcpy(p, path, path_len), p += path_len;
    memcpy(p, to, to_len), p += to_len;
    if (data_len) memcpy(p, data, data_len);
    if (REAL(write)(journal_fd, bytes, len) != (ssize_t)len) die("the journal takes no note");
    free(bytes);
}

/* Notes what stands where `len` bytes are about to be written, or everything behind a new end. */
static void note_bytes(int fd, const char *path, const struct stat *found, uint64_t at, uint64_t len) {
    uint64_t old_len = found->st_size, end = at + len < old_len ? at + len : old_len;
    uint32_t count = at < end ? end - at : 0;
    char *old = count ? malloc(count) : NULL;
    if (count && (!old || REAL(pread64)(fd, old, count, at) != (ssize_t)count)) die("old bytes cannot be read");
    note(WRITE, found->st_ino, at, old_len, path, "", old, count);
    free(old);
}

/* Gives a file that is about to lose its name another one. */
static void keep(const char *path, char *as) {
    snprintf(as, PATH_MAX, "%s.kept.%d.%lu", journal, getpid(), kept++);
    if (link(path, as) != 0) as[0] = 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at) {
    char path[PATH_MAX];
    struct stat found;
    pthread_mutex_lock(&mutex);
    if (ours(fd, path, &found)) note_bytes(fd, path, &found, at, len);
    ssize_t done = REAL(pwrite64)(fd, bytes, len, at);
    int error = errno;
    pthread_mutex_unlock(&mutex);
    errno = error;
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) { return pwrite64(fd, bytes, len, at); }

ssize_t write(int fd, const void *bytes, size_t len) {
    char path[PATH_MAX];
    struct stat found;
    if (fd == journal_fd || fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return REAL(write)(fd, bytes, len);
    pthread_mutex_lock(&mutex);
    if (ours(fd, path, &found)) {
        int appends = fcntl(fd, F_GETFL) & O_APPEND;
        note_bytes(fd, path, &found, appends ? (uint64_t)found.st_size : (uint64_t)lseek64(fd, 0, SEEK_CUR), len);
    }
    ssize_t done = REAL(write)(fd, bytes, len);
    int error = errno;
    pthread_mutex_unlock(&mutex);
    errno = error;
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    struct stat found;
    if (ours(fd, path, &found)) die("writev to a file is not modelled");
    return REAL(writev)(fd, parts, count);
}

int ftruncate64(int fd, off64_t len) {
    char path[PATH_MAX];
    struct stat found;
    pthread_mutex_lock(&mutex);
    if (ours(fd, path, &found)) note_bytes(fd, path, &found, len, UINT64_MAX - len);
    int done = REAL(ftruncate64)(fd, len);
    pthread_mutex_unlock(&mutex);
    return done;
}

int ftruncate(int fd, off_t len) { return ftruncate64(fd, len); }

static int synced(int fd, int (*sync)(int)) {
    char path[PATH_MAX];
    struct stat found;
    if (!ours(fd, path, &found)) return sync(fd);
    /* As long as a disk takes, so that the power also goes in the middle of it. */
    usleep(200 + (useconds_t)(kept++ * 7919 % 3000));
    if (getenv("MUSTER_CRASH_DEAF")) return 0;
    pthread_mutex_lock(&mutex);
    note(S_ISDIR(found.st_mode) ? SYNC_FOLDER : SYNC, found.st_ino, 0, 0, path, "", NULL, 0);
    pthread_mutex_unlock(&mutex);
    return 0;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (!is_ours(path) || !(flags & (O_CREAT | O_TRUNC))) return REAL(open64)(path, flags, mode);
    struct stat before;
    pthread_mutex_lock(&mutex);
    int was_there = stat(path, &before) == 0;
    if (was_there && flags & O_TRUNC && before.st_size > 0) {
        int fd = REAL(open64)(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) die("a file that is emptied cannot be read");
        note_bytes(fd, path, &before, 0, UINT64_MAX);
        close(fd);
    }
    if (!was_there) note(CREATE, 0, 0, 0, path, "", NULL, 0);
    int fd = REAL(open64)(path, flags, mode);
    int error = errno;
    pthread_mutex_unlock(&mutex);
    errno = error;
    return fd;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open64(path, flags, mode);
}

int rename(const char *from, const char *to) {
    char as[PATH_MAX] = "";
    struct stat found;
    if (!is_ours(from)) return REAL(rename)(from, to);
    pthread_mutex_lock(&mutex);
    if (stat(to, &found) == 0) keep(to, as);
    note(RENAME, 0, 0, 0, from, to, as, strlen(as));
    int done = REAL(rename)(from, to);
    pthread_mutex_unlock(&mutex);
    return done;
}

int unlink(const char *path) {
    char as[PATH_MAX] = "";
    if (!is_ours(path)) return REAL(unlink)(path);
    pthread_mutex_lock(&mutex);
    keep(path, as);
    note(UNLINK, 0, 0, 0, path, "", as, strlen(as));
    int done = REAL(unlink)(path);
    pthread_mutex_unlock(&mutex);
    return done;
}

int mkdir(const char *path, mode_t mode) {
    if (!is_ours(path)) return REAL(mkdir)(path, mode);
    pthread_mutex_lock(&mutex);
    note(MKDIR, 0, 0, 0, path, "", NULL, 0);
    int done = REAL(mkdir)(path, mode);
    pthread_mutex_unlock(&mutex);
    return done;
}
