// Stops the whole process (SIGSTOP) just before the STOP_AT-th call that opens, writes, syncs, renames, makes or removes
// a file below the folder STOP_UNDER; STOP_COUNT gets the number of such calls at the end. The process believes to be in
// another container than those without this library, so that these know it by its claims alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int calls;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void pass(const char *path) {
    const char *under = getenv("STOP_UNDER"), *at = getenv("STOP_AT");
    if (!under || !path || !strstr(path, under)) return;
    int call = __sync_add_and_fetch(&calls, 1);
    if (at && call == atoi(at)) kill(getpid(), SIGSTOP);
}

static void pass_fd(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = REAL(readlink)(link, path, sizeof path - 1);
    if (n > 0) { path[n] = 0; pass(path); }
}

__attribute__((destructor)) static void count(void) {
    const char *file = getenv("STOP_COUNT");
    FILE *out = file ? fopen(file, "w") : NULL;
    if (out) { fprintf(out, "%d", calls); fclose(out); }
}

ssize_t readlink(const char *path, char *into, size_t size) {
    if (strcmp(path, "/proc/self/ns/pid") == 0 && size >= 6) { memcpy(into, "pid:[0", 6); return 6; }
    return REAL(readlink)(path, into, size);
}

int open64(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & O_CREAT) { va_list more; va_start(more, flags); mode = va_arg(more, int); va_end(more); }
    pass(path);
    return REAL(open64)(path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t size) { pass_fd(fd); return REAL(write)(fd, bytes, size); }
int fsync(int fd) { pass_fd(fd); return REAL(fsync)(fd); }
int rename(const char *from, const char *to) { pass(to); return REAL(rename)(from, to); }
int unlink(const char *path) { pass(path); return REAL(unlink)(path); }
int mkdir(const char *path, mode_t mode) { pass(path); return REAL(mkdir)(path, mode); }
int rmdir(const char *path) { pass(path); return REAL(rmdir)(path); }
