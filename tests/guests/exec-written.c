// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* exec-written.c: a program is written through a shared mapping, as linkers do, and executed at once: by another process, and by the one that wrote it */
#include "guest.h"

static void *map_copy(const char *path, size_t *ret_size)
{
    struct stat st;
    int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    CHECK(from >= 0 && to >= 0 && fstat(from, &st) == 0 && ftruncate(to, st.st_size) == 0);
    char *in = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, from, 0);
    char *out = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
    CHECK(in != MAP_FAILED && out != MAP_FAILED);
    memcpy(out, in, (size_t)st.st_size);
    CHECK(munmap(in, (size_t)st.st_size) == 0 && close(from) == 0 && close(to) == 0);
    *ret_size = (size_t)st.st_size;
    return out;
}

static int run(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        execl(path, path, "executed", NULL);
        say("exec of %s: %s", path, error_name(errno));
        _exit(9);
    }
    return WEXITSTATUS(reap(child));
}

int main(int argc, char **argv)
{
    size_t size;
    if (argc > 1) {
        say("%s", argv[1]);
        return 5;
    }
    pid_t writer = fork();
    if (writer == 0) {
        map_copy("by-another", &size);
        _exit(0);
    }
    CHECK(reap(writer) == 0);
    say("status %d", run("./by-another"));
    say("status %d", run("./by-another"));

    void *map = map_copy("by-itself", &size);
    say("status %d", run("./by-itself")); /* still mapped for writing */
    CHECK(munmap(map, size) == 0);
    say("status %d", run("./by-itself"));
    map = map_copy("by-itself", &size);
    CHECK(munmap(map, size) == 0);
    say("status %d", run("./by-itself"));
    return 0;
}
