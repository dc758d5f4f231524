// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* mmap-advice.c: what else can be done to mappings of files: mremap, madvise, mprotect, mlock, remap_file_pages, flags of mmap, and refusals */
#include "guest.h"

#include <setjmp.h>
#include <sys/syscall.h>

#define PAGE 4096

static sigjmp_buf back;
static void on_bus(int number) { siglongjmp(back, number); }

static const char *at(const volatile char *address)
{
    static char texts[4][6]; /* several in one line */
    static unsigned next;
    char *text = texts[next++ % 4];
    int number = sigsetjmp(back, 1);
    if (number != 0)
        return sigabbrev_np(number);
    memset(text, 0, sizeof texts[0]);
    for (int i = 0; i < 5; i++)
        text[i] = address[i];
    return text[0] == 0 ? "zero" : text;
}

static int fresh(const char *path, int pages, int flags)
{
    char page[PAGE];
    int fd = (int)MUST(open(path, O_CREAT | O_RDWR | O_TRUNC, 0644));
    for (int i = 0; i < pages; i++) {
        memset(page, 0, sizeof page);
        snprintf(page, sizeof page, "page%d", i);
        MUST(write(fd, page, sizeof page));
    }
    close(fd);
    return (int)MUST(open(path, flags));
}

static char *map(int fd, int pages, int protection, int flags)
{
    char *address = mmap(NULL, (size_t)pages * PAGE, protection, flags, fd, 0);
    if (address == MAP_FAILED)
        say("mmap: %s", error_name(errno));
    return address;
}

static void moving(void)
{
    int fd = fresh("f", 4, O_RDWR);
    char *address = map(fd, 2, PROT_READ | PROT_WRITE, MAP_SHARED);
    char *longer = mremap(address, 2 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
    CHECK(longer != MAP_FAILED);
    say("grown: %s", at(longer + 3 * PAGE));
    say("past the end: %s", at(longer + 4 * PAGE));
    memcpy(longer + 3 * PAGE, "moved", 5);
    MUST(ftruncate(fd, 5 * PAGE));
    say("the file has grown: %s", at(longer + 4 * PAGE));
    say("and beyond: %s", at(longer + 5 * PAGE));
    char *twice = mremap(longer, 0, PAGE, MREMAP_MAYMOVE);
    CHECK(twice != MAP_FAILED && twice != longer);
    memcpy(twice, "twice", 5);
    say("%s", at(longer));
    char *shorter = mremap(longer, 6 * PAGE, PAGE, 0);
    CHECK(shorter == longer);
    say("gone: %s", at(longer + PAGE));
    char text[6] = "";
    TRY(pread(fd, text, 5, 3 * PAGE));
    say("%s", text);
    close(fd);
}

static void advising(void)
{
    int fd = fresh("g", 4, O_RDWR);
    char *address = map(fd, 4, PROT_READ | PROT_WRITE, MAP_SHARED), text[6] = "";
    memcpy(address, "dirty", 5);
    TRY(madvise(address, 4 * PAGE, MADV_DONTNEED));
    say("%s %s", at(address), at(address + PAGE));
    TRY(madvise(address + PAGE, PAGE, MADV_REMOVE));
    say("%s %s %s", at(address + PAGE), "then", at(address + 2 * PAGE));
    TRY(pread(fd, text, 5, PAGE));
    say("%s", text[0] == 0 ? "zero" : text);
    struct stat st;
    fstat(fd, &st);
    say("size %ld", (long)st.st_size);
    TRY(madvise(address, PAGE, MADV_FREE));
    TRY(madvise(address, 4 * PAGE, MADV_WILLNEED));
    TRY(madvise(address, 4 * PAGE, MADV_SEQUENTIAL));
    TRY(madvise(address, 4 * PAGE, MADV_POPULATE_READ));
    TRY(madvise(address, 4 * PAGE, MADV_POPULATE_WRITE));
    TRY(madvise(address, 4 * PAGE, MADV_COLD));
    TRY(madvise(address, 4 * PAGE, MADV_PAGEOUT));
    say("%s", at(address));
    char *own = map(fd, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    memcpy(own, "mine!", 5);
    say("%s %s", at(own), at(address));
    TRY(madvise(own, PAGE, MADV_DONTNEED));
    say("%s", at(own));
    int reading = (int)MUST(open("g", O_RDONLY));
    char *read_only = map(reading, 4, PROT_READ, MAP_SHARED);
    TRY(madvise(read_only, PAGE, MADV_REMOVE));
    TRY(mlock(address, 2 * PAGE));
    TRY(munlock(address, 2 * PAGE));
    unsigned char in[4];
    at(address + 3 * PAGE);
    TRY(mincore(address, 4 * PAGE, in));
    CHECK(in[3] & 1);
    close(reading);
    close(fd);
}

static void protecting(void)
{
    int fd = fresh("h", 1, O_RDWR), reading = (int)MUST(open("h", O_RDONLY)), writing = (int)MUST(open("h", O_WRONLY));
    char *writable = map(fd, 1, PROT_READ, MAP_SHARED);
    char *read_only = map(reading, 1, PROT_READ, MAP_SHARED);
    TRY(mprotect(read_only, PAGE, PROT_READ | PROT_WRITE));
    say("%s", at(writable));
    signal(SIGSEGV, on_bus);
    int number = sigsetjmp(back, 1);
    if (number == 0)
        *(volatile char *)read_only = 'x';
    else
        say("%s", sigabbrev_np(number));
    TRY(mprotect(writable, PAGE, PROT_READ | PROT_WRITE));
    memcpy(writable, "write", 5);
    say("%s", at(read_only));
    map(writing, 1, PROT_READ, MAP_SHARED);
    map(writing, 1, PROT_WRITE, MAP_SHARED);
    map(reading, 1, PROT_READ | PROT_WRITE, MAP_SHARED);
    char *copy = map(reading, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    memcpy(copy, "copy!", 5);
    say("%s %s", at(copy), at(writable));
    close(writing);
    close(reading);
    close(fd);
}

static void mapping(void)
{
    int fd = fresh("i", 4, O_RDWR);
    map(fd, 4, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC);
    map(fd, 4, PROT_READ, 0);
    CHECK(map(fd, 4, PROT_READ, MAP_SHARED_VALIDATE) != MAP_FAILED);
    char *address = map(fd, 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);
    say("%s", at(address + PAGE));
    char *over = mmap(address + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 3 * PAGE);
    CHECK(over == address + PAGE);
    say("%s %s", at(address + PAGE), at(address + 3 * PAGE));
    memcpy(over, "fixed", 5);
    say("%s", at(address + 3 * PAGE));
    over = mmap(address, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    say("%s", over == MAP_FAILED ? error_name(errno) : "mapped");
    over = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 100);
    say("%s", over == MAP_FAILED ? error_name(errno) : "mapped");
    over = mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0);
    say("%s", over == MAP_FAILED ? error_name(errno) : "mapped");
    over = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, 77, 0);
    say("%s", over == MAP_FAILED ? error_name(errno) : "mapped");
    char *pages = map(fd, 4, PROT_READ | PROT_WRITE, MAP_SHARED);
    TRY(syscall(SYS_remap_file_pages, pages, PAGE, 0, 2, 0));
    say("%s %s", at(pages), at(pages + PAGE));
    memcpy(pages, "remap", 5);
    say("%s", at(pages + 2 * PAGE));
    TRY(msync(pages, 4 * PAGE, MS_SYNC));
    TRY(msync(pages, 4 * PAGE, MS_ASYNC));
    TRY(msync(pages, 4 * PAGE, MS_ASYNC | MS_SYNC));
    TRY(msync(pages + 1, PAGE, MS_SYNC));
    TRY(msync(pages, 4 * PAGE, MS_INVALIDATE));
    int directory = (int)MUST(open(".", O_RDONLY | O_DIRECTORY));
    map(directory, 1, PROT_READ, MAP_PRIVATE);
    int path_only = (int)MUST(open("i", O_PATH));
    map(path_only, 1, PROT_READ, MAP_PRIVATE);
    int p[2];
    MUST(pipe(p));
    map(p[0], 1, PROT_READ, MAP_SHARED);
    int zero = (int)MUST(open("/dev/zero", O_RDWR));
    address = map(zero, 1, PROT_READ | PROT_WRITE, MAP_SHARED);
    say("%s", at(address));
    pid_t child = fork();
    if (child == 0) {
        memcpy(address, "child", 5);
        _exit(0);
    }
    say_end("child", child);
    say("%s", at(address));
    MUST(unlink("i"));
    say("unlinked: %s", at(pages));
}

int main(void)
{
    signal(SIGBUS, on_bus);
    signal(SIGSEGV, on_bus);
    moving();
    advising();
    protecting();
    mapping();
    list_tree(".");
    return 0;
}
