// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* mmap-shared.c: shared mappings: writes reach the file, the file's writes reach the mapping */
// also: tls
#include "guest.h"

/* As /proc/self/maps has it, or another one. */
static bool is_told(const char *file, const char *permissions, const char *end)
{
    char line[512];
    bool found = false;
    FILE *maps = fopen(file, "re");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        size_t length = strlen(line), tail = strlen(end);
        found |= strstr(line, permissions) != NULL && length > tail && strcmp(line + length - tail, end) == 0;
    }
    if (maps != NULL)
        fclose(maps);
    return found;
}

static bool is_mapped(const char *permissions, const char *end) { return is_told("/proc/self/maps", permissions, end) && is_told("/proc/self/smaps", permissions, end); }

int main(void)
{
    make_file("f", "0123456789");
    int fd = (int)MUST(open("f", O_RDWR));
    MUST(ftruncate(fd, 8192));
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    memcpy(map, "mapped", 6);
    map[8191] = 'Z';
    TRY(msync(map, 8192, MS_SYNC));
    char text[16] = "";
    TRY(pread(fd, text, 10, 0));
    say("%s", text);
    TRY(pread(fd, text, 1, 8191));
    say("%c", text[0]);
    TRY(pwrite(fd, "written", 7, 2));
    say("%.10s", map);
    memcpy(map + 100, "no msync", 8);
    memset(text, 0, sizeof text);
    TRY(pread(fd, text, 8, 100));
    say("%s", text);
    CHECK(is_mapped(" rw-s ", "/f\n") && !is_mapped(" rw-s ", "/moved away\n"));
    MUST(rename("f", "moved away"));
    CHECK(is_mapped(" rw-s ", "/moved away\n"));
    MUST(rename("moved away", "f"));
    TRY(munmap(map, 8192));
    CHECK(!is_mapped(" rw-s ", "/f\n"));
    int other = (int)MUST(open("a name", O_RDWR | O_CREAT, 0600));
    MUST(ftruncate(other, 4096));
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0) != MAP_FAILED);
    MUST(unlink("a name"));
    CHECK(is_mapped(" rw-s ", "/a name (deleted)\n"));
    if (access("/proc/self/numa_maps", F_OK) == 0) /* a kernel may be without it */
        CHECK(is_told("/proc/self/numa_maps", "a\\040name\\040(deleted)", "\n") || is_told("/proc/self/numa_maps", "a\\040name (deleted)", "\n"));
    TRY(close(fd));
    show_file("f");
    fd = (int)syscall(SYS_memfd_create, "name", 1u);
    TRY(write(fd, "in memory", 9));
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED && memcmp(map, "in memory", 10) == 0);
    list_tree(".");
    return 0;
}
