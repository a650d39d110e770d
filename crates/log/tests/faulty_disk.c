/* Preloaded into a test's child process: makes calls on the log's files fail as a bad disk does.
 * FAULT_CALL: fsync, write or torn (writes half, then ends the process). FAULT_FILE: end of the file's name.
 * FAULT_ERRNO: what the call answers. FAULT_AFTER: calls that still succeed. FAULT_TIMES: calls that then fail.
 * Each fault is one byte in the file FAULT_SEEN. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int calls;

static int is(const char *name, const char *value) {
    const char *set = getenv(name);
    return set && strcmp(set, value) == 0;
}

static int number(const char *name) {
    const char *set = getenv(name);
    return set ? atoi(set) : 0;
}

static int on_the_file(int fd) {
    char link[64], path[4096];
    const char *end = getenv("FAULT_FILE");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!end || length < (ssize_t)strlen(end)) return 0;
    path[length] = 0;
    return strcmp(path + length - strlen(end), end) == 0;
}

static int now(int fd) {
    if (!on_the_file(fd)) return 0;
    int call = calls++;
    int after = number("FAULT_AFTER");
    if (call < after || call >= after + number("FAULT_TIMES")) return 0;
    int seen = open(getenv("FAULT_SEEN"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ssize_t (*really)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    really(seen, "x", 1);
    close(seen);
    return 1;
}

static int synced(int fd, const char *name) {
    int (*really)(int) = dlsym(RTLD_NEXT, name);
    if (is("FAULT_CALL", "fsync") && now(fd)) {
        errno = number("FAULT_ERRNO");
        return -1;
    }
    return really(fd);
}

int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

ssize_t write(int fd, const void *bytes, size_t count) {
    ssize_t (*really)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    if (is("FAULT_CALL", "write") && now(fd)) {
        errno = number("FAULT_ERRNO");
        return -1;
    }
    if (is("FAULT_CALL", "torn") && now(fd)) {
        really(fd, bytes, count / 2);
        _exit(77);
    }
    return really(fd, bytes, count);
}

static ssize_t placed(int fd, const void *bytes, size_t count, off64_t at) {
    ssize_t (*really)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    if (is("FAULT_CALL", "write") && now(fd)) {
        errno = number("FAULT_ERRNO");
        return -1;
    }
    if (is("FAULT_CALL", "torn") && now(fd)) {
        really(fd, bytes, count / 2, at);
        _exit(77);
    }
    return really(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { return placed(fd, bytes, count, at); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return placed(fd, bytes, count, at); }
