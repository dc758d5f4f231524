/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-descriptors.c: close, dup, fcntl, ioctl, open and readlink over descriptors of both homes.
 *
 * The guest's and the executor's descriptors are the test's own, one table: what is shown is which side does what, and that both agree. */
#include "src/core/util.h"
#include "src/core/wire.h"
#include "src/jail/calls-proc.h"
#include "src/jail/internal.h"
#include "src/jail/session.h"
#include "src/jail/terminal.h"
#include "tests/unit/fake-jail.h"

#include <asm/ioctls.h>
#include <check.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define A FAKE_ARG
#define U(fd) ((uint64_t)(uint32_t)(fd))

/* What the view would say of mapped files takes no part here. */
enum verdict rsys_proc_give_maps(struct call *call, const char *directory, const char *name, int64_t number, uint64_t flags)
{
    char *text = rsys_proc_read(call, directory, name);
    return rsys_proc_give_text(call, name, number, flags, (struct rsys_text){text, text != NULL ? strlen(text) : 0});
}

int rsys_guest_status(struct jail *jail, pid_t tid, char *text, size_t size) { return -1; }
const struct rsys_name_calls rsys_name_program;
bool rsys_program_is(const struct call *call, const char *path) { return false; }
uint64_t rsys_nofile_max(const struct process *process) { return 64; }

static int pair[2]; /* a pipe: the local one, and what is read from it tells whether it lives */

static void setup(void)
{
    ck_assert_int_eq(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
    fake_local(pair[1], true);
    fake_cancel_at = fake_interrupted = 0;
    fake_session->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void teardown(void)
{
    for (int fd = 3; fd < 100; fd++)
        fake_local(fd, false);
    close(fake_session->proc_fd);
    close_range(pair[0], 200, 0);
    fake_free();
}

/* Whether nobody has the local pipe's write end open. */
static bool ended(void)
{
    char byte;
    return read(pair[0], &byte, 1) == 0;
}

static bool lives(int fd) { return rsys_fd_is_local(fake_guest.process->fds, fd) && write(fd, "x", 1) == 1 && read(pair[0], &(char){0}, 1) == 1; }
static int cloexec(int fd) { return fcntl(fd, F_GETFD); }

START_TEST(closing)
{
    int file = open("/dev/null", O_RDONLY);
    ck_assert_int_eq(fake_call(SYS_close, U(file), 0, 0, 0, 0, 0), 0);
    ck_assert_uint_eq(fake_requests, 1);
    ck_assert_int_eq(cloexec(file), -1);
    ck_assert(!ended());
    ck_assert_int_eq(fake_call(SYS_close, U(pair[1]), 0, 0, 0, 0, 0), 0);
    ck_assert(ended());
    ck_assert(!rsys_fd_is_local(fake_guest.process->fds, pair[1]));
    ck_assert_int_eq(fake_call(SYS_close, U(pair[1]), 0, 0, 0, 0, 0), -EBADF);
}
END_TEST

/* A guest that is interrupted just then makes the call again: nothing has been lost or done twice. */
START_TEST(interrupted)
{
    fake_interrupted = 1;
    ck_assert_int_eq(fake_call(SYS_close, U(pair[1]), 0, 0, 0, 0, 0), -512);
    ck_assert_uint_eq(fake_requests, 0);
    ck_assert(lives(pair[1]));
    fake_interrupted = 1;
    ck_assert_int_eq(fake_call(SYS_dup, U(pair[1]), 0, 0, 0, 0, 0), -512);
    ck_assert_uint_eq(fake_posts, 1); /* the number is given back */
    int64_t copy = fake_call(SYS_dup, U(pair[1]), 0, 0, 0, 0, 0);
    ck_assert_int_gt(copy, 2);
    ck_assert(lives((int)copy));
}
END_TEST

START_TEST(duplicates)
{
    int file = open("/dev/zero", O_RDONLY);
    int64_t copy = fake_call(SYS_dup, U(file), 0, 0, 0, 0, 0);
    ck_assert_int_gt(copy, file);
    ck_assert(!rsys_fd_is_local(fake_guest.process->fds, copy));
    int64_t home = fake_call(SYS_dup, U(pair[1]), 0, 0, 0, 0, 0);
    ck_assert(lives((int)home));
    ck_assert_int_eq(cloexec((int)home), 0);
    int64_t high = fake_call(SYS_fcntl, U(pair[1]), F_DUPFD_CLOEXEC, 50, 0, 0, 0);
    ck_assert_int_eq(high, 50);
    ck_assert(lives(50));
    ck_assert_int_eq(cloexec(50), FD_CLOEXEC);
    ck_assert_int_eq(fake_call(SYS_dup3, U(pair[1]), 51, O_CLOEXEC, 0, 0, 0), 51);
    ck_assert(lives(51));
    ck_assert_int_eq(cloexec(51), FD_CLOEXEC);
    /* A local one over a remote one, a remote one over a local one, and one over itself. */
    ck_assert_int_eq(fake_call(SYS_dup2, U(pair[1]), U(file), 0, 0, 0, 0), file);
    ck_assert(lives(file));
    ck_assert_int_eq(fake_call(SYS_dup2, U(copy), 50, 0, 0, 0, 0), 50);
    ck_assert(!rsys_fd_is_local(fake_guest.process->fds, 50));
    ck_assert_int_eq(fake_call(SYS_dup2, U(pair[1]), U(pair[1]), 0, 0, 0, 0), pair[1]);
    ck_assert(lives(pair[1]));
    ck_assert_int_eq(fake_call(SYS_dup3, U(pair[1]), U(pair[1]), 0, 0, 0, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_dup2, 900, U(pair[1]), 0, 0, 0, 0), -EBADF);
    ck_assert(lives(pair[1]));
}
END_TEST

START_TEST(ranges)
{
    int file = open("/dev/zero", O_RDONLY);
    ck_assert_int_eq(fake_call(SYS_dup3, U(pair[1]), 80, 0, 0, 0, 0), 80);
    ck_assert_int_eq(fake_call(SYS_dup3, U(file), 81, 0, 0, 0, 0), 81);
    ck_assert_int_eq(fake_call(SYS_close_range, 80, ~0u, CLOSE_RANGE_CLOEXEC, 0, 0, 0), 0);
    ck_assert(lives(80));
    ck_assert_int_eq(cloexec(80), FD_CLOEXEC);
    ck_assert_int_eq(cloexec(81), FD_CLOEXEC);
    ck_assert_int_eq(fake_call(SYS_close_range, 82, 80, 0, 0, 0, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_close_range, 80, 82, 8, 0, 0, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_close_range, 4096, ~0u, 0, 0, 0, 0), 0);
    ck_assert_uint_eq(fake_requests, 0); /* nothing of a guest's is there, but something of its executor's */
    fake_call(SYS_close, U(pair[1]), 0, 0, 0, 0, 0);
    ck_assert(!ended());
    ck_assert_int_eq(fake_call(SYS_close_range, 80, ~0u, 0, 0, 0, 0), 0);
    ck_assert(ended());
    ck_assert(!rsys_fd_is_local(fake_guest.process->fds, 80));
    ck_assert_int_eq(cloexec(81), -1);
}
END_TEST

START_TEST(flags)
{
    ck_assert_int_eq(fake_call(SYS_fcntl, U(pair[1]), F_SETFD, 0, 0, 0, 0), 0);
    ck_assert(fake_continued);
    ck_assert_uint_eq(fake_requests, 1); /* the placeholder too */
    ck_assert_int_eq(cloexec(pair[1]), 0);
    ck_assert_int_eq(fake_call(SYS_ioctl, U(pair[1]), FIOCLEX, 0, 0, 0, 0), 0);
    ck_assert_int_eq(fake_numbers[0], SYS_fcntl); /* a placeholder takes no ioctl */
    ck_assert_int_eq(cloexec(pair[1]), FD_CLOEXEC);
    ck_assert_int_eq(fake_call(SYS_fcntl, U(pair[1]), F_GETFL, 0, 0, 0, 0), O_WRONLY | O_NONBLOCK);
    ck_assert_uint_eq(fake_requests, 0);
    int file = open("/dev/zero", O_RDONLY);
    ck_assert_int_eq(fake_call(SYS_fcntl, U(file), F_SETFD, FD_CLOEXEC, 0, 0, 0), 0);
    ck_assert_uint_eq(fake_requests, 1);
    ck_assert_int_eq(fake_call(SYS_fcntl, U(file), 99999, 0, 0, 0, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_fcntl, U(file), F_SETLEASE, F_RDLCK, 0, 0, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_fcntl, U(file), 1027, U(pair[1]), 0, 0, 0), 0); /* F_DUPFD_QUERY */
}
END_TEST

START_TEST(locks)
{
    char name[] = "/tmp/rsys-unit-XXXXXX";
    int file = mkostemp(name, O_CLOEXEC);
    unlink(name);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    ck_assert_int_eq(fake_call(SYS_fcntl, U(file), F_SETLKW, A(&lock), 0, 0, 0), 0);
    ck_assert(fake_guest.call->row->flags & RSYS_CALL_BLOCKS);
    ck_assert_int_eq(fake_call(SYS_fcntl, U(file), F_OFD_GETLK, A(&lock), 0, 0, 0), 0);
    ck_assert_int_eq(lock.l_type, F_WRLCK); /* the process's lock stands against an open file's */
    ck_assert(!(fake_guest.call->row->flags & RSYS_CALL_BLOCKS));
    ck_assert_int_eq(fake_call(SYS_fcntl, U(file), F_GETLK, 8, 0, 0, 0), -EFAULT);
    struct f_owner_ex owner = {.type = F_OWNER_PID, .pid = getpid()}, got = {0};
    ck_assert_int_eq(fake_call(SYS_fcntl, U(file), F_SETOWN_EX, A(&owner), 0, 0, 0), 0);
    ck_assert_int_eq(fake_call(SYS_fcntl, U(file), F_GETOWN_EX, A(&got), 0, 0, 0), 0);
    ck_assert_int_eq(got.pid, getpid());
}
END_TEST

START_TEST(requests)
{
    int n = -1, sockets[2] = {-1, -1};
    ck_assert_int_eq(fake_call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, A(sockets), 0, 0), 0);
    ck_assert_int_eq(write(sockets[0], "abc", 3), 3);
    ck_assert_int_eq(fake_call(SYS_ioctl, U(sockets[1]), FIONREAD, A(&n), 0, 0, 0), 0);
    ck_assert_int_eq(n, 3);
    ck_assert_int_eq(fake_call(SYS_ioctl, U(sockets[1]), FIONBIO, A(&(int){1}), 0, 0, 0), 0);
    ck_assert_int_ne(fcntl(sockets[1], F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fake_call(SYS_ioctl, U(sockets[1]), TCGETS, A(&(char[64]){0}), 0, 0, 0), -ENOTTY);
    ck_assert_int_eq(fake_call(SYS_ioctl, U(sockets[1]), 0x12345678, 0, 0, 0, 0), -ENOTTY);
    ck_assert_uint_eq(fake_requests, 0);
    /* Refused wherever, also with bits that the kernel does not look at. */
    ck_assert_int_eq(fake_call(SYS_ioctl, U(pair[1]), TIOCSTI, A("x"), 0, 0, 0), -EPERM);
    ck_assert_int_eq(fake_call(SYS_ioctl, U(pair[1]), TIOCSTI | UINT64_C(1) << 32, A("x"), 0, 0, 0), -EPERM);
    ck_assert(!fake_continued);
    ck_assert_int_eq(fake_call(SYS_ioctl, U(sockets[0]), FICLONE, U(pair[1]), 0, 0, 0), -EXDEV);
    fake_call(SYS_ioctl, U(pair[1]), FIONREAD, A(&n), 0, 0, 0);
    ck_assert(fake_continued);
}
END_TEST

START_TEST(interfaces)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq list[8], name = {.ifr_name = "lo"};
    struct ifconf mine = {.ifc_len = sizeof list, .ifc_req = list}, kernels = {0};
    ck_assert_int_eq(fake_call(SYS_ioctl, U(fd), SIOCGIFCONF, A(&mine), 0, 0, 0), 0);
    ck_assert_int_eq(ioctl(fd, SIOCGIFCONF, &kernels), 0);
    ck_assert_int_eq(mine.ifc_len, RSYS_MIN(kernels.ifc_len, (int)sizeof list));
    ck_assert_ptr_eq(mine.ifc_req, list);
    kernels = (struct ifconf){0};
    ck_assert_int_eq(fake_call(SYS_ioctl, U(fd), SIOCGIFCONF, A(&kernels), 0, 0, 0), 0);
    ck_assert_int_ge(kernels.ifc_len, mine.ifc_len);
    ck_assert_int_eq(fake_call(SYS_ioctl, U(fd), SIOCGIFCONF, 8, 0, 0, 0), -EFAULT);
    ck_assert_int_eq(fake_call(SYS_ioctl, U(fd), SIOCGIFINDEX, A(&name), 0, 0, 0), 0);
    ck_assert_int_eq(name.ifr_ifindex, 1);
}
END_TEST

START_TEST(terminal_names)
{
    static const struct {
        const char *name;
        enum rsys_terminal_kind kind;
        uint32_t number;
    } names[] = {
        {"/dev/ptmx", RSYS_TERMINAL_MASTER, 0},     {"/dev/pts/ptmx", RSYS_TERMINAL_MASTER, 0},  {"/dev/pts", RSYS_TERMINAL_DIRECTORY, 0},
        {"/dev/pts/", RSYS_TERMINAL_DIRECTORY, 0},  {"/dev/pts/.", RSYS_TERMINAL_DIRECTORY, 0},  {"/dev/tty", RSYS_TERMINAL_OWN, 0},
        {"/dev/console", RSYS_TERMINAL_CONSOLE, 0}, {"/dev/pts/0", RSYS_TERMINAL_SLAVE, 0},      {"/dev/pts/1048575", RSYS_TERMINAL_SLAVE, 1048575},
        {"/dev/pts/1048576", RSYS_TERMINAL_ABSENT, 0}, {"/dev/pts/00", RSYS_TERMINAL_ABSENT, 0}, {"/dev/pts/4294967296", RSYS_TERMINAL_ABSENT, 0},
        {"/dev/pts/-1", RSYS_TERMINAL_ABSENT, 0},   {"/dev/pts/1 ", RSYS_TERMINAL_ABSENT, 0},    {"/dev/pts/..", RSYS_TERMINAL_NONE, 0},
        {"/dev/pts/../null", RSYS_TERMINAL_NONE, 0}, {"/dev/pts/0/", RSYS_TERMINAL_NONE, 0},     {"/dev/tty1", RSYS_TERMINAL_NONE, 0},
        {"/dev/", RSYS_TERMINAL_NONE, 0},           {"dev/tty", RSYS_TERMINAL_NONE, 0},          {"/dev/pts0", RSYS_TERMINAL_NONE, 0},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(names); i++) {
        struct rsys_terminal terminal = rsys_terminal_by_name(names[i].name);
        ck_assert_msg(terminal.kind == names[i].kind, "%s is of kind %d", names[i].name, (int)terminal.kind);
        ck_assert(terminal.kind != RSYS_TERMINAL_SLAVE || terminal.number == names[i].number);
    }
}
END_TEST

START_TEST(pairs)
{
    int got[2] = {-1, -1};
    ck_assert_int_eq(fake_call(SYS_pipe2, A(got), O_CLOEXEC, 0, 0, 0, 0), 0);
    ck_assert_int_eq(write(got[1], "x", 1), 1);
    ck_assert_int_eq(fake_call(SYS_pipe, A(got), 99, 0, 0, 0, 0), 0);
    ck_assert_int_eq(cloexec(got[0]), 0);
    int next = dup(0);
    close(next);
    ck_assert_int_eq(fake_call(SYS_pipe, 8, 0, 0, 0, 0, 0), -EFAULT);
    ck_assert_uint_eq(fake_posts, 2);
    ck_assert_int_eq(cloexec(next), -1); /* neither is left open */
    ck_assert_int_eq(cloexec(next + 1), -1);
}
END_TEST

START_TEST(local_pairs)
{
    struct fdtable *fds = fake_guest.process->fds;
    int got[2] = {-1, -1};
    char text[2];
    fake_placed = RSYS_ACTION_LOCAL;
    ck_assert_int_eq(fake_call(SYS_pipe2, A(got), O_CLOEXEC, 0, 0, 0, 0), 0);
    ck_assert_uint_eq(fake_requests, 1);
    ck_assert_int_eq(fake_numbers[0], RSYS_OP_PLACEHOLDER);
    ck_assert(rsys_fd_is_local(fds, got[0]) && !rsys_fd_is_users(fds, got[1]));
    ck_assert_uint_eq(rsys_fd_flags(fds, got[0]), RSYS_FD_SESSION | RSYS_FD_CLOEXEC);
    ck_assert_int_eq(write(got[1], "x", 1), 1);
    close(got[1]);
    ck_assert_int_eq(read(got[0], text, 2), 1);
    ck_assert_int_eq(read(got[0], text, 2), 0); /* nobody else holds the end */
    close(got[0]);
    ck_assert_int_eq(fake_call(SYS_pipe2, A(got), O_EXCL, 0, 0, 0, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_socketpair, AF_INET, SOCK_STREAM, 0, A(got), 0, 0), -EOPNOTSUPP);
    ck_assert_int_eq(fake_call(SYS_socketpair, AF_VSOCK, SOCK_STREAM, 0, A(got), 0, 0), -EAFNOSUPPORT);
    ck_assert_uint_eq(fake_requests, 0);
    ck_assert_int_eq(fake_call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, A(got), 0, 0), 0);
    ck_assert_uint_eq(rsys_fd_flags(fds, got[0]), RSYS_FD_SESSION);
    int64_t event = fake_call(SYS_eventfd2, 3, EFD_CLOEXEC, 0, 0, 0, 0);
    ck_assert_int_ge(event, 0);
    ck_assert_uint_eq(rsys_fd_flags(fds, event), RSYS_FD_SESSION | RSYS_FD_CLOEXEC);
    ck_assert_int_eq(fake_call(SYS_timerfd_create, 12345, 0, 0, 0, 0, 0), -EINVAL);
    /* The guest cannot take them: neither is left open, on either side. */
    int next = dup(0);
    close(next);
    ck_assert_int_eq(fake_call(SYS_pipe, 8, 0, 0, 0, 0, 0), -EFAULT);
    ck_assert_uint_eq(fake_posts, 2);
    ck_assert_int_eq(cloexec(next), -1);
    fake_interrupted = 1; /* at the first end */
    ck_assert_int_eq(fake_call(SYS_pipe, A(got), 0, 0, 0, 0, 0), -512);
    ck_assert_int_eq(cloexec(next), -1);
    fake_placed = 0;
}
END_TEST

START_TEST(opening)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC};
    char self[64];
    int64_t fd = fake_call(SYS_openat, U(AT_FDCWD), A("/dev/zero"), O_RDONLY, 0, 0, 0);
    ck_assert_int_gt(fd, 2);
    ck_assert_int_eq(fake_call(SYS_open, A("/no/such"), O_RDONLY, 0, 0, 0, 0), -ENOENT);
    ck_assert_int_eq(fake_call(SYS_open, 8, O_RDONLY, 0, 0, 0, 0), -EFAULT);
    bool has_openat2 = fake_call(SYS_openat2, U(AT_FDCWD), A("/dev/zero"), A(&how), sizeof how, 0, 0) != -ENOSYS; /* valgrind has not */
    if (has_openat2)
        ck_assert_int_gt(fake_call(SYS_openat2, U(AT_FDCWD), A("/dev/zero"), A(&how), sizeof how, 0, 0), 2);
    ck_assert_int_eq(fake_call(SYS_open, A("/dev/tty"), O_RDWR, 0, 0, 0, 0), -ENXIO); /* no terminal that could come home */
    /* A name of a local descriptor comes home. */
    snprintf(self, sizeof self, "/proc/self/fd/%d", pair[1]);
    fd = fake_call(SYS_open, A(self), O_WRONLY, 0, 0, 0, 0);
    ck_assert_int_eq(fake_numbers[0], RSYS_OP_PLACEHOLDER);
    ck_assert(lives((int)fd));
    snprintf(self, sizeof self, "/dev/fd/%d", pair[1]);
    how.flags = O_WRONLY | O_CLOEXEC;
    fd = fake_call(SYS_openat2, U(AT_FDCWD), A(self), A(&how), sizeof how, 0, 0);
    ck_assert(lives((int)fd));
    ck_assert_int_eq(cloexec((int)fd), FD_CLOEXEC);
    ck_assert_int_eq(fake_call(SYS_open, A(self), O_RDONLY, 0, 0, 0, 0), -EACCES);
    snprintf(self, sizeof self, "/proc/%d/fd/%d", getpid(), pair[1]);
    ck_assert(lives((int)fake_call(SYS_open, A(self), O_WRONLY, 0, 0, 0, 0)));
    ck_assert_int_eq(fake_call(SYS_open, A("/proc/self/fd/99999999999"), O_RDONLY, 0, 0, 0, 0), -ENOENT);
    /* What tells of memory is the guest's. */
    fd = fake_call(SYS_openat, U(AT_FDCWD), A("/proc/self/maps"), O_RDONLY, 0, 0, 0);
    ck_assert(rsys_fd_is_local(fake_guest.process->fds, fd));
    /* The executor's kernel says who may; root may open it so, but nobody writes to it. */
    fd = fake_call(SYS_open, A("/proc/self/maps"), O_RDWR, 0, 0, 0, 0);
    int natively = open("/proc/self/maps", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(fd < 0, natively < 0);
    ck_assert(fd < 0 || (fcntl((int)fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
    /* A text of both: no more than what is told of descriptors is the server's here. */
    fd = fake_call(SYS_open, A("/proc/self/limits"), O_RDONLY, 0, 0, 0, 0);
    ck_assert(rsys_fd_is_local(fake_guest.process->fds, fd));
    char text[4096] = "";
    ck_assert_int_gt(read((int)fd, text, sizeof text - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, " 64                   files"));
    ck_assert_int_eq(write((int)fd, "x", 1), -1);
    /* By another spelling it is asked for what it is. */
    int dir = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fd = fake_call(SYS_openat, U(dir), A("statm"), O_RDONLY, 0, 0, 0);
    ck_assert(rsys_fd_is_local(fake_guest.process->fds, fd));
    ck_assert_uint_eq(fake_requests, 2);
    fd = fake_call(SYS_openat, U(dir), A("mounts"), O_RDONLY, 0, 0, 0);
    ck_assert(!rsys_fd_is_local(fake_guest.process->fds, fd));
    ck_assert_uint_eq(fake_requests, 1);
    /* And so is its program. */
    fake_guest.process->exe = (char *)"/dev/zero";
    if (has_openat2)
        fd = fake_call(SYS_openat2, U(AT_FDCWD), A("/proc/self/exe"), A(&(struct open_how){0}), sizeof how, 0, 0);
    else
        fd = fake_call(SYS_open, A("/proc/self/exe"), O_RDONLY, 0, 0, 0, 0);
    struct stat st, zero;
    ck_assert_int_eq(fstat((int)fd, &st), 0);
    ck_assert_int_eq(stat("/dev/zero", &zero), 0);
    ck_assert_uint_eq(st.st_rdev, zero.st_rdev);
    fake_guest.process->exe = NULL;
}
END_TEST

START_TEST(links)
{
    char text[64] = "", name[64];
    fake_guest.process->exe = (char *)"/bin/guest";
    ck_assert_int_eq(fake_call(SYS_readlink, A("/proc/self/exe"), A(text), 64, 0, 0, 0), 10);
    ck_assert_str_eq(text, "/bin/guest");
    snprintf(name, sizeof name, "/proc/%d/exe", getpid());
    ck_assert_int_eq(fake_call(SYS_readlinkat, U(AT_FDCWD), A(name), A(text), 4, 0, 0), 4);
    ck_assert_int_eq(fake_call(SYS_readlink, A(name), A(text), 0, 0, 0, 0), -EINVAL);
    ck_assert_int_eq(fake_call(SYS_readlink, A(name), 8, 64, 0, 0, 0), -EFAULT);
    fake_guest.process->exe = NULL;
    snprintf(name, sizeof name, "/proc/self/fd/%d", pair[1]);
    ck_assert_int_gt(fake_call(SYS_readlink, A(name), A(text), 64, 0, 0, 0), 6);
    ck_assert_int_eq(strncmp(text, "pipe:[", 6), 0);
    ck_assert_uint_eq(fake_requests, 0);
    /* The client's own names stay its own. */
    int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    fake_local(file, true);
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    memset(text, 0, sizeof text);
    ck_assert_int_gt(fake_call(SYS_readlink, A(name), A(text), 64, 0, 0, 0), 0);
    ck_assert_int_eq(strncmp(text, "local:[", 7), 0);
    ck_assert_int_eq(fake_call(SYS_readlink, A("/proc/version"), A(text), 64, 0, 0, 0), -EINVAL);
    ck_assert_uint_eq(fake_requests, 1);
}
END_TEST

START_TEST(stats)
{
    struct stat st = {0};
    struct statx sx = {0};
    int dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(fake_call(SYS_fstat, U(pair[1]), A(&st), 0, 0, 0, 0), 0);
    ck_assert(fake_continued);
    ck_assert_int_eq(fake_call(SYS_newfstatat, U(pair[1]), A(""), A(&st), AT_EMPTY_PATH, 0, 0), 0);
    ck_assert(!fake_continued);
    ck_assert_uint_eq(fake_requests, 0);
    ck_assert(S_ISFIFO(st.st_mode));
    ck_assert_int_eq(fake_call(SYS_statx, U(pair[1]), A(""), AT_EMPTY_PATH, STATX_BASIC_STATS, A(&sx), 0), 0);
    ck_assert(S_ISFIFO(sx.stx_mode));
    ck_assert_int_eq(fake_call(SYS_newfstatat, U(pair[1]), A(""), A(&st), 0, 0, 0), -ENOENT);
    ck_assert_int_eq(fake_call(SYS_newfstatat, U(pair[1]), A(""), 8, AT_EMPTY_PATH, 0, 0), -EFAULT);
    ck_assert_int_eq(fake_call(SYS_newfstatat, U(pair[1]), A("/dev"), A(&st), 0, 0, 0), 0);
    /* The user's directory is no way into the client's files. */
    fake_local(dir, true);
    ck_assert_int_eq(fake_call(SYS_newfstatat, U(dir), A("self"), A(&st), 0, 0, 0), -ENOTDIR);
    ck_assert_int_eq(fake_call(SYS_fchdir, U(dir), 0, 0, 0, 0, 0), -ENOTDIR);
    ck_assert_int_eq(fake_call(SYS_getdents64, U(dir), A(&sx), sizeof sx, 0, 0, 0), -ENOTDIR);
    ck_assert_uint_eq(fake_requests, 0);
    fake_local(dir, false);
    ck_assert_int_eq(fake_call(SYS_newfstatat, U(dir), A("self"), A(&st), 0, 0, 0), 0);
    ck_assert_int_gt(fake_call(SYS_getdents64, U(dir), A(&sx), sizeof sx, 0, 0, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("descriptors");
    TCase *test = tcase_create("descriptors");
    tcase_add_checked_fixture(test, setup, teardown);
    tcase_add_test(test, closing);
    tcase_add_test(test, interrupted);
    tcase_add_test(test, duplicates);
    tcase_add_test(test, ranges);
    tcase_add_test(test, flags);
    tcase_add_test(test, locks);
    tcase_add_test(test, requests);
    tcase_add_test(test, interfaces);
    tcase_add_test(test, pairs);
    tcase_add_test(test, terminal_names);
    tcase_add_test(test, local_pairs);
    tcase_add_test(test, opening);
    tcase_add_test(test, links);
    tcase_add_test(test, stats);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
