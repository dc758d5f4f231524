// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* mmap-coherent.c: every way of changing a file is seen by another process through each kind of mapping; and what that one stores, by every way of reading */
#include "guest.h"

#include <setjmp.h>
#include <sys/sendfile.h>

#define PAGE 4096
#define SIZE (3 * PAGE)
#define PATH "f"

static sigjmp_buf back;
static void on_bus(int number) { siglongjmp(back, number); }

/* The beginning of a page: text up to five bytes, "zero", or "bus". */
static void page_text(const volatile char *page, char text[6])
{
    memset(text, 0, 6);
    if (sigsetjmp(back, 1) != 0) {
        strcpy(text, "bus");
        return;
    }
    for (int i = 0; i < 5; i++)
        text[i] = page[i];
    if (text[0] == 0)
        strcpy(text, "zero");
}

static void look(const char *what, const char *map)
{
    char text[3][6];
    for (int page = 0; page < 3; page++)
        page_text(map + (size_t)page * PAGE, text[page]);
    say("%s: %s %s %s", what, text[0], text[1], text[2]);
}

/* ---- another process has it mapped ---- */

struct other {
    pid_t pid;
    int ask, answer;
};

static void serve(int flags, int kind, int ask, int answer)
{
    int fd = (int)MUST(open(PATH, flags));
    int protection = flags == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
    char *map = mmap(NULL, SIZE, protection, kind, fd, 0);
    char command = 'r';
    if (map == MAP_FAILED)
        say("mmap: %s", error_name(errno));
    close(fd);
    signal(SIGBUS, on_bus);
    look("mapped", map);
    while (write(answer, "", 1) == 1 && read(ask, &command, 1) == 1) {
        if (command == 'l')
            look("  seen", map);
        else if (command == 's')
            memcpy(map + PAGE, "store", 5);
        else if (command == 'm')
            say("msync = %d", msync(map, SIZE, MS_SYNC));
    }
    _exit(0);
}

static void tell(struct other *other, char command)
{
    char done;
    if (command != 0)
        MUST(write(other->ask, &command, 1));
    MUST(read(other->answer, &done, 1) == 1 ? 0 : -1);
}

static void start(struct other *other, int flags, int kind)
{
    int ask[2], answer[2];
    MUST(pipe2(ask, O_CLOEXEC));
    MUST(pipe2(answer, O_CLOEXEC));
    other->pid = (pid_t)MUST(fork());
    if (other->pid == 0) {
        close(ask[1]);
        close(answer[0]);
        serve(flags, kind, ask[0], answer[1]);
    }
    close(ask[0]);
    close(answer[1]);
    other->ask = ask[1];
    other->answer = answer[0];
    tell(other, 0);
}

static void end(struct other *other)
{
    close(other->ask);
    close(other->answer);
    say_end("the other", other->pid);
}

static void fresh(void)
{
    char text[SIZE] = "";
    for (int page = 0; page < SIZE / PAGE; page++)
        memcpy(text + page * PAGE, "old", 3);
    int fd = (int)MUST(open(PATH, O_CREAT | O_RDWR | O_TRUNC, 0644));
    MUST(write(fd, text, sizeof text));
    close(fd);
}

/* ---- changes ---- */

static int by_write(int fd)
{
    return (int)write(fd, "write", 5);
}

static int by_pwrite(int fd)
{
    return (int)pwrite(fd, "pwrit", 5, PAGE);
}

static int by_writev(int fd)
{
    struct iovec two[2] = {{"wri", 3}, {"tev", 3}};
    return (int)pwritev(fd, two, 2, 2 * PAGE);
}

static int by_append(int fd)
{
    MUST(ftruncate(fd, PAGE));
    int again = (int)MUST(open(PATH, O_WRONLY | O_APPEND));
    char page[PAGE + 5] = "appen";
    int n = (int)write(again, page, sizeof page);
    close(again);
    return n;
}

static int by_ftruncate(int fd)
{
    return ftruncate(fd, PAGE + 2);
}

static int by_truncate(int fd)
{
    return truncate(PATH, 2 * PAGE);
}

static int by_shrink_and_grow(int fd)
{
    return ftruncate(fd, 1) == 0 ? ftruncate(fd, 2 * PAGE + 10) : -1;
}

static int by_open(int fd)
{
    int again = open(PATH, O_WRONLY | O_TRUNC);
    return again < 0 ? -1 : close(again);
}

static int by_creat(int fd)
{
    int again = creat(PATH, 0600);
    int n = again < 0 ? -1 : (int)write(again, "creat", 5);
    close(again);
    return n;
}

static int by_punching(int fd)
{
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE);
}

static int source(const char *text)
{
    int fd = (int)MUST(open("g", O_CREAT | O_RDWR | O_TRUNC, 0644));
    MUST(write(fd, text, strlen(text)));
    MUST(lseek(fd, 0, SEEK_SET));
    return fd;
}

static int by_sendfile(int fd)
{
    int from = source("sendf");
    int n = (int)sendfile(fd, from, NULL, 5);
    close(from);
    return n;
}

static int by_splice(int fd)
{
    int p[2];
    loff_t at = PAGE;
    MUST(pipe(p));
    MUST(write(p[1], "splic", 5));
    int n = (int)splice(p[0], NULL, fd, &at, 5, 0);
    close(p[0]);
    close(p[1]);
    return n;
}

static int by_copy_range(int fd)
{
    int from = source("copyr");
    loff_t at = 2 * PAGE;
    int n = (int)copy_file_range(from, NULL, fd, &at, 5, 0);
    close(from);
    return n;
}

static int by_mapping(int fd)
{
    char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return -1;
    memcpy(map + 2 * PAGE, "mappd", 5);
    return munmap(map, SIZE);
}

static int by_name(int fd)
{
    MUST(rename(PATH, "other name"));
    int n = (int)pwrite(fd, "named", 5, 0);
    MUST(unlink("other name"));
    return n + (int)pwrite(fd, "gone", 5, PAGE);
}

static const struct {
    const char *name;
    int (*change)(int fd);
} changes[] = {
    {"write", by_write},       {"pwrite", by_pwrite}, {"pwritev", by_writev}, {"append", by_append},      {"ftruncate", by_ftruncate},
    {"truncate", by_truncate}, {"shrink and grow", by_shrink_and_grow},       {"open", by_open},          {"creat", by_creat},
    {"punch", by_punching},    {"sendfile", by_sendfile},                     {"splice", by_splice},      {"copy_file_range", by_copy_range},
    {"mapping", by_mapping},   {"rename and unlink", by_name},
};

static void seen_by(const char *how, int flags, int kind)
{
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct other other;
        fresh();
        int fd = (int)MUST(open(PATH, O_RDWR));
        start(&other, flags, kind);
        int n = changes[i].change(fd);
        say("%s, %s: %d", how, changes[i].name, n);
        tell(&other, 'l');
        end(&other);
        close(fd);
    }
}

/* ---- what the other stores ---- */

static void show(const char *what, const char *text, ssize_t n)
{
    say("%s: %zd %.5s", what, n, n > 0 ? text : "");
}

static void read_all_ways(int fd, struct other *other)
{
    char text[16] = "";
    int p[2], out = (int)MUST(open("out", O_CREAT | O_RDWR | O_TRUNC, 0644));
    struct iovec one = {text, 5};
    off_t at = PAGE;
    loff_t place = PAGE;
    MUST(pipe(p));
    tell(other, 's');
    show("pread", text, pread(fd, text, 5, PAGE));
    tell(other, 's');
    lseek(fd, PAGE, SEEK_SET);
    show("read", text, read(fd, text, 5));
    tell(other, 's');
    show("preadv", text, preadv(fd, &one, 1, PAGE));
    tell(other, 's');
    ssize_t n = sendfile(out, fd, &at, 5);
    pread(out, text, 5, 0);
    show("sendfile", text, n);
    tell(other, 's');
    n = splice(fd, &place, p[1], NULL, 5, 0);
    read(p[0], text, 5);
    show("splice", text, n);
    tell(other, 's');
    place = PAGE;
    n = copy_file_range(fd, &place, out, NULL, 5, 0);
    pread(out, text, 5, 5);
    show("copy_file_range", text, n);
}

static void stores(void)
{
    struct other other;
    fresh();
    int fd = (int)MUST(open(PATH, O_RDWR));
    for (int i = 0; i < 6; i++) { /* each way sees the first store that nobody has looked at yet */
        start(&other, O_RDWR, MAP_SHARED);
        read_all_ways(fd, &other);
        tell(&other, 'm');
        TRY(pwrite(fd, "again", 5, PAGE));
        tell(&other, 'l');
        end(&other);
        TRY(pwrite(fd, "fresh", 5, PAGE));
    }
    close(fd);
}

int main(void)
{
    signal(SIGBUS, on_bus);
    seen_by("read-only, shared", O_RDONLY, MAP_SHARED);
    seen_by("shared", O_RDWR, MAP_SHARED);
    seen_by("private", O_RDONLY, MAP_PRIVATE);
    stores();
    return 0;
}
