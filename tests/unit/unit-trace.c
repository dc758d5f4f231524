/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-trace.c: the lines of --trace and the table of --stats. */
#include "src/jail/internal.h"

#include <check.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static struct rsys_options options = {.stats = true};
static struct rsys_session session = {.options = &options};
static struct guest guest = {.tid = 42};
static struct call call = {.guest = &guest};
static int out;

struct rsys_memory *rsys_guest_memory(struct guest *g) { return &rsys_memory_own; }

static void setup(void)
{
    int pair[2];
    ck_assert_int_eq(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
    out = pair[0];
    session.trace_fd = pair[1];
    rsys_trace_start(&session);
}

static const char *printed(void)
{
    static char text[8192];
    ssize_t n = read(out, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static const char *line(long nr, int64_t result, enum verdict verdict, unsigned trips, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    call.nr = (uint64_t)nr;
    call.row = rsys_call_by_number(call.nr);
    memcpy(call.args, (uint64_t[6]){a, b, c, d}, sizeof call.args);
    rsys_trace_call_begin(&call);
    call.result = result;
    call.trips = trips;
    call.placed = RSYS_ACTION_REMOTE;
    rsys_trace_call_ready(&call, verdict);
    rsys_trace_call_end(&call, verdict);
    char *text = (char *)(uintptr_t)printed(), *times = strrchr(text, ',');
    ck_assert_ptr_nonnull(times);
    ck_assert_ptr_nonnull(strstr(times, " µs>\n"));
    *times = 0;
    return text;
}

#define A(x) ((uint64_t)(uintptr_t)(x))
#define AT ((uint64_t)AT_FDCWD)

START_TEST(lines)
{
    char data[41] = "0123456789012345678901234567890123456789";
    ck_assert_str_eq(line(SYS_openat, 5, VERDICT_DONE, 1, AT, A("/etc/\"x\"\n\033"), 0x80000, 0644), "[42] openat(AT_FDCWD, \"/etc/\\\"x\\\"\\n\\x1b\", O_RDONLY|O_CLOEXEC) = 5 <remote");
    ck_assert_str_eq(line(SYS_openat, -2, VERDICT_DONE, 1, 7, A("x"), 0, 0), "[42] openat(7, \"x\", O_RDONLY) = -1 ENOENT (No such file or directory) <remote");
    ck_assert_str_eq(line(SYS_openat, -14, VERDICT_DONE, 0, 7, 8, 0, 0), "[42] openat(7, 0x8, O_RDONLY) = -1 EFAULT (Bad address) <client");
    ck_assert_str_eq(line(SYS_write, 40, VERDICT_DONE, 1, 3, A(data), 40, 0), "[42] write(3, \"01234567890123456789012345678901\"..., 40) = 40 <remote");
    ck_assert_str_eq(line(SYS_read, 3, VERDICT_DONE, 1, 3, A(data), 40, 0), "[42] read(3, \"012\", 40) = 3 <remote");
    ck_assert_str_eq(line(SYS_read, -512, VERDICT_DONE, 1, 3, 0, (uint64_t)-1, 0), "[42] read(3, NULL, -1) = ? (interrupted by a signal) <remote");
    ck_assert_ptr_nonnull(strstr(line(SYS_read, 0, VERDICT_CONTINUE, 0, 0, A(data), 40, 0), ", 40) = ? <local"));
    ck_assert_ptr_nonnull(strstr(line(SYS_ptrace, -1, VERDICT_DONE, 0, 0, 0, 0, 0), "EPERM (Operation not permitted) <denied"));
    ck_assert_str_eq(line(511, -38, VERDICT_DONE, 0, 0, 0, 0, 0), "[42] syscall_511() = -1 ENOSYS (Function not implemented) <denied");
}
END_TEST

/* ---- decoded arguments: a line a case ---- */

static struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"}, abstract = {.sun_family = AF_UNIX, .sun_path = "\0a\1"};
static struct sockaddr_in in = {.sin_family = AF_INET};
static struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
static struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = 7, .nl_groups = 1};
static struct stat file = {.st_mode = S_IFREG | 0640, .st_size = 5, .st_uid = 1, .st_gid = 2}, device = {.st_mode = S_IFCHR | 0666, .st_rdev = 0x103};
static struct iovec vector[2] = {{"hello", 5}, {"world", 5}};
static struct pollfd polled[2] = {{3, POLLIN | POLLPRI, POLLIN}, {4, POLLOUT, 0}};
static struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x55};
static struct timespec times[2] = {{1, 2}, {0, UTIME_NOW}};
static struct timeval timeval = {3, 4};
static struct itimerspec timer = {{1, 0}, {2, 5}};
static struct rlimit limit = {1024, RLIM_INFINITY};
static struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -5, .l_len = 9};
static int numbers[2] = {7, 8}, one = 1;
static socklen_t in_size = sizeof in, int_size = sizeof one;
static int64_t offset = 77;
static uint64_t signals = 1u << (SIGINT - 1) | 1u << (SIGTERM - 1), most = ~(UINT64_C(1) << (SIGKILL - 1));
static fd_set set;
static char *strings[] = {"ls", "-l", NULL}, *many[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", NULL};
static struct utsname name = {.sysname = "Linux", .nodename = "box"};
static struct open_how how = {.flags = O_RDWR, .mode = 0600, .resolve = RESOLVE_BENEATH};
static char cwd[] = "/work";
static struct {
    uint64_t ino, off;
    uint16_t length;
    char rest[6];
} entries[2] = {{1, 1, 24, ""}, {2, 2, 24, ""}};
static union {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(int))];
} control;
static struct msghdr message = {.msg_name = &in, .msg_namelen = sizeof in, .msg_iov = vector, .msg_iovlen = 2};
static struct msghdr with_control = {.msg_iov = vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control, .msg_flags = MSG_CTRUNC};
static struct msghdr wild = {.msg_name = (void *)8, .msg_namelen = 16, .msg_iov = (void *)8, .msg_iovlen = SIZE_MAX, .msg_control = (void *)8, .msg_controllen = SIZE_MAX};
static struct mmsghdr messages[2] = {{{.msg_iov = vector, .msg_iovlen = 1}, 3}, {{.msg_iov = &vector[1], .msg_iovlen = 1}, 5}};

static const struct decoded {
    long nr;
    int64_t result;
    uint64_t args[6]; /* numbers, or the addresses of what is above */
    const char *text;
} decoded[] = {
#define P(x) ((uint64_t)(uintptr_t)(x))
    /* files */
    {SYS_open, 3, {P("f"), O_WRONLY | O_CREAT | O_TRUNC | 0x40000000, 0644}, "open(\"f\", O_WRONLY|O_CREAT|O_TRUNC|0x40000000, 0644) = 3"},
    {SYS_openat, 3, {AT, P("."), O_TMPFILE | O_RDWR, 0600}, "openat(AT_FDCWD, \".\", O_RDWR|O_TMPFILE, 0600) = 3"},
    {SYS_openat2, 3, {AT, P("f"), P(&how), sizeof how}, "openat2(AT_FDCWD, \"f\", {flags=O_RDWR, mode=0600, resolve=RESOLVE_BENEATH}, 24) = 3"},
    {SYS_openat2, -EINVAL, {AT, P("f"), 8, 4}, "openat2(AT_FDCWD, \"f\", 0x8, 4) = -1 EINVAL (Invalid argument)"},
    {SYS_fstat, 0, {3, P(&file)}, "fstat(3, {st_mode=S_IFREG|0640, st_size=5, st_uid=1, st_gid=2, ...}) = 0"},
    {SYS_stat, 0, {P("n"), P(&device)}, "stat(\"n\", {st_mode=S_IFCHR|0666, st_rdev=1:3, st_uid=0, st_gid=0, ...}) = 0"},
    {SYS_stat, -ENOENT, {P("n"), 0x1000}, "stat(\"n\", 0x1000) = -1 ENOENT (No such file or directory)"},
    {SYS_fstat, 0, {3, 8}, "fstat(3, 0x8) = 0"},
    {SYS_newfstatat, -EBADF, {5, P(""), 0, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW}, "newfstatat(5, \"\", NULL, AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH) = -1 EBADF (Bad file descriptor)"},
    {SYS_access, 0, {P("f"), F_OK}, "access(\"f\", F_OK) = 0"},
    {SYS_faccessat2, 0, {AT, P("f"), R_OK | X_OK, AT_EACCESS}, "faccessat2(AT_FDCWD, \"f\", R_OK|X_OK, AT_EACCESS) = 0"},
    {SYS_lseek, 5, {3, -1ul, SEEK_DATA}, "lseek(3, -1, SEEK_DATA) = 5"},
    {SYS_unlinkat, 0, {AT, P("d"), AT_REMOVEDIR}, "unlinkat(AT_FDCWD, \"d\", AT_REMOVEDIR) = 0"},
    {SYS_renameat2, 0, {AT, P("a"), AT, P("b"), 1}, "renameat2(AT_FDCWD, \"a\", AT_FDCWD, \"b\", RENAME_NOREPLACE) = 0"},
    {SYS_mknod, 0, {P("p"), S_IFIFO | 0600, 0}, "mknod(\"p\", S_IFIFO|0600, 0) = 0"},
    {SYS_flock, 0, {3, LOCK_EX | LOCK_NB}, "flock(3, LOCK_EX|LOCK_NB) = 0"},
    {SYS_fallocate, 0, {3, 3, 0, 9}, "fallocate(3, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 0, 9) = 0"},
    {SYS_utimensat, 0, {AT, P("f"), P(times), 0}, "utimensat(AT_FDCWD, \"f\", [{tv_sec=1, tv_nsec=2}, UTIME_NOW], 0) = 0"},
    {SYS_getcwd, 6, {P(cwd), 100}, "getcwd(\"/work\", 100) = 6"},
    {SYS_getcwd, -ERANGE, {0x1000, 1}, "getcwd(0x1000, 1) = -1 ERANGE (Numerical result out of range)"},
    {SYS_writev, 10, {3, P(vector), 2}, "writev(3, [{\"hello\", 5}, {\"world\", 5}], 2) = 10"},
    {SYS_readv, 6, {3, P(vector), 2}, "readv(3, [{\"hello\", 5}, {\"w\", 5}], 2) = 6"},
    {SYS_readv, -EAGAIN, {3, 0x1000, 2}, "readv(3, 0x1000, 2) = -1 EAGAIN (Resource temporarily unavailable)"},
    {SYS_writev, -EFAULT, {3, 8, 2}, "writev(3, 0x8, 2) = -1 EFAULT (Bad address)"},
    {SYS_sendfile, 5, {4, 3, P(&offset), 5}, "sendfile(4, 3, [77], 5) = 5"},
    {SYS_mmap, 4096, {0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 3, 0}, "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, 3, 0) = 4096"},
    {SYS_memfd_create, 3, {P("m"), MFD_CLOEXEC}, "memfd_create(\"m\", MFD_CLOEXEC) = 3"},
    /* descriptors */
    {SYS_pipe2, 0, {P(numbers), O_CLOEXEC | O_NONBLOCK}, "pipe2([7, 8], O_CLOEXEC|O_NONBLOCK) = 0"},
    {SYS_dup3, 5, {3, 5, O_CLOEXEC}, "dup3(3, 5, O_CLOEXEC) = 5"},
    {SYS_fcntl, 0, {3, F_SETFL, O_APPEND | O_RDWR}, "fcntl(3, F_SETFL, O_RDWR|O_APPEND) = 0"},
    {SYS_fcntl, 0, {3, F_SETFD, FD_CLOEXEC}, "fcntl(3, F_SETFD, FD_CLOEXEC) = 0"},
    {SYS_fcntl, 1, {3, F_GETFD, 99}, "fcntl(3, F_GETFD) = 1"},
    {SYS_fcntl, 10, {3, F_DUPFD, 10}, "fcntl(3, F_DUPFD, 10) = 10"},
    {SYS_fcntl, 0, {3, F_SETLK, P(&lock)}, "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_END, l_start=-5, l_len=9}) = 0"},
    {SYS_fcntl, -EINVAL, {3, 12345, 8}, "fcntl(3, 0x3039, 0x8) = -1 EINVAL (Invalid argument)"},
    {SYS_ioctl, 0, {3, FIONREAD, P(&one)}, "ioctl(3, FIONREAD, [1]) = 0"},
    {SYS_ioctl, 0, {3, FIONBIO, P(&one)}, "ioctl(3, FIONBIO, [1]) = 0"},
    {SYS_ioctl, 0, {3, FIOCLEX, 0}, "ioctl(3, FIOCLEX) = 0"},
    {SYS_ioctl, -ENOTTY, {3, TIOCGWINSZ, 0}, "ioctl(3, TIOCGWINSZ, NULL) = -1 ENOTTY (Inappropriate ioctl for device)"},
    {SYS_ioctl, -ENOTTY, {3, 0xabcdef, 8}, "ioctl(3, 0xabcdef, 0x8) = -1 ENOTTY (Inappropriate ioctl for device)"},
    /* waiting */
    {SYS_poll, 1, {P(polled), 2, -1ul}, "poll([{fd=3, events=POLLIN|POLLPRI, revents=POLLIN}, {fd=4, events=POLLOUT}], 2, -1) = 1"},
    {SYS_ppoll, 0, {P(polled), 0, P(times), P(&signals), 8}, "ppoll([], 0, {tv_sec=1, tv_nsec=2}, [INT TERM], 8) = 0"},
    {SYS_select, 1, {6, P(&set), 0, 0, P(&timeval)}, "select(6, [1 5], NULL, NULL, {tv_sec=3, tv_usec=4}) = 1"},
    {SYS_epoll_ctl, 0, {3, EPOLL_CTL_MOD, 4, P(&event)}, "epoll_ctl(3, EPOLL_CTL_MOD, 4, {events=EPOLLIN|EPOLLET, data=0x55}) = 0"},
    {SYS_epoll_wait, 1, {3, P(&event), 9, 5}, "epoll_wait(3, [{events=EPOLLIN|EPOLLET, data=0x55}], 9, 5) = 1"},
    {SYS_epoll_wait, 0, {3, P(&event), 9, 5}, "epoll_wait(3, [], 9, 5) = 0"},
    {SYS_signalfd4, 3, {-1ul, P(&most), 8, SFD_CLOEXEC}, "signalfd4(-1, ~[KILL], 8, SFD_CLOEXEC) = 3"},
    {SYS_timerfd_settime, 0, {3, TFD_TIMER_ABSTIME, P(&timer), 0}, "timerfd_settime(3, TFD_TIMER_ABSTIME, {it_interval={tv_sec=1, tv_nsec=0}, it_value={tv_sec=2, tv_nsec=5}}, NULL) = 0"},
    {SYS_inotify_add_watch, 1, {3, P("d"), IN_CREATE | IN_DELETE}, "inotify_add_watch(3, \"d\", IN_CREATE|IN_DELETE) = 1"},
    /* sockets */
    {SYS_socket, 3, {AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP}, "socket(AF_INET6, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_UDP) = 3"},
    {SYS_socket, 3, {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}, "socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) = 3"},
    {SYS_socket, -EAFNOSUPPORT, {99, 0xe, 7}, "socket(0x63, 0xe, 7) = -1 EAFNOSUPPORT (Address family not supported by protocol)"},
    {SYS_socketpair, 0, {AF_UNIX, SOCK_SEQPACKET, 0, P(numbers)}, "socketpair(AF_UNIX, SOCK_SEQPACKET, 0, [7, 8]) = 0"},
    {SYS_connect, 0, {3, P(&un), sizeof un}, "connect(3, {AF_UNIX \"/run/x\"}, 110) = 0"},
    {SYS_bind, 0, {3, P(&abstract), 5}, "bind(3, {AF_UNIX @\"a\\x01\"}, 5) = 0"},
    {SYS_bind, 0, {3, P(&un), 2}, "bind(3, {AF_UNIX}, 2) = 0"},
    {SYS_bind, 0, {3, P(&in), sizeof in}, "bind(3, {AF_INET 127.0.0.1:80}, 16) = 0"},
    {SYS_bind, 0, {3, P(&in6), sizeof in6}, "bind(3, {AF_INET6 [::1]:443}, 28) = 0"},
    {SYS_bind, 0, {3, P(&nl), sizeof nl}, "bind(3, {AF_NETLINK pid=7 groups=0x1}, 12) = 0"},
    {SYS_bind, -EFAULT, {3, 8, 16}, "bind(3, 0x8, 16) = -1 EFAULT (Bad address)"},
    {SYS_accept4, 5, {3, P(&in), P(&in_size), SOCK_NONBLOCK}, "accept4(3, {AF_INET 127.0.0.1:80}, [16], SOCK_NONBLOCK) = 5"},
    {SYS_accept, 5, {3, 0, 0}, "accept(3, NULL, NULL) = 5"},
    {SYS_sendto, 2, {3, P("hi"), 2, MSG_NOSIGNAL | MSG_MORE, P(&in), sizeof in}, "sendto(3, \"hi\", 2, MSG_NOSIGNAL|MSG_MORE, {AF_INET 127.0.0.1:80}, 16) = 2"},
    {SYS_sendmsg, 10, {3, P(&message), 0}, "sendmsg(3, {msg_name={AF_INET 127.0.0.1:80}, msg_iov=[{\"hello\", 5}, {\"world\", 5}], msg_flags=0}, 0) = 10"},
    {SYS_recvmsg, 3, {3, P(&with_control), MSG_DONTWAIT}, "recvmsg(3, {msg_name=NULL, msg_iov=[{\"hel\", 5}], msg_control=[{SOL_SOCKET, SCM_RIGHTS, 9}], msg_flags=MSG_CTRUNC}, MSG_DONTWAIT) = 3"},
    {SYS_recvmsg, -EAGAIN, {3, P(&message), 0}, NULL},
    {SYS_sendmsg, -EFAULT, {3, P(&wild), 0}, "sendmsg(3, {msg_name=0x8, msg_iov=0x8, msg_control=0x8, msg_flags=0}, 0) = -1 EFAULT (Bad address)"},
    {SYS_recvmmsg, 2, {3, P(messages), 5, 0, 0}, "recvmmsg(3, [{{msg_name=NULL, msg_iov=[{\"hel\", 5}], msg_flags=0}, msg_len=3}, {{msg_name=NULL, msg_iov=[{\"world\", 5}], msg_flags=0}, msg_len=5}], 5, 0, NULL) = 2"},
    {SYS_shutdown, 0, {3, SHUT_WR}, "shutdown(3, SHUT_WR) = 0"},
    {SYS_setsockopt, 0, {3, SOL_SOCKET, SO_REUSEADDR, P(&one), 4}, "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0"},
    {SYS_setsockopt, 0, {3, IPPROTO_TCP, TCP_CONGESTION, P("reno"), 5}, "setsockopt(3, IPPROTO_TCP, TCP_CONGESTION, \"reno\\x00\", 5) = 0"},
    {SYS_getsockopt, 0, {3, SOL_SOCKET, SO_ERROR, P(&one), P(&int_size)}, "getsockopt(3, SOL_SOCKET, SO_ERROR, [1], [4]) = 0"},
    {SYS_getsockopt, -ENOPROTOOPT, {3, 77, 78, 0, 0}, "getsockopt(3, 0x4d, 78, NULL, NULL) = -1 ENOPROTOOPT (Protocol not available)"},
    /* processes */
    {SYS_clone, 9, {CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0}, "clone(CLONE_VM|CLONE_VFORK|SIGCHLD, NULL, NULL, NULL, NULL) = 9"},
    {SYS_execve, 0, {P("/bin/ls"), P(strings), 0}, "execve(\"/bin/ls\", [\"ls\", \"-l\"], NULL /* 0 vars */) = 0"},
    {SYS_execve, -EFAULT, {P("x"), P(many), 8}, "execve(\"x\", [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", ...], 0x8 /* 0 vars */) = -1 EFAULT (Bad address)"},
    {SYS_kill, 0, {5, SIGTERM}, "kill(5, SIGTERM) = 0"},
    {SYS_tgkill, 0, {5, 5, 40}, "tgkill(5, 5, 40) = 0"},
    {SYS_prlimit64, 0, {0, RLIMIT_NOFILE, P(&limit), P(&limit)}, "prlimit64(0, RLIMIT_NOFILE, {rlim_cur=1024, rlim_max=RLIM_INFINITY}, {rlim_cur=1024, rlim_max=RLIM_INFINITY}) = 0"},
    {SYS_prctl, 0, {PR_SET_NAME, 0, 0, 0, 0}, "prctl(PR_SET_NAME, NULL, NULL, NULL, NULL) = 0"},
    {SYS_uname, 0, {P(&name)}, "uname({sysname=\"Linux\", nodename=\"box\", ...}) = 0"},
    {SYS_getresuid, 0, {P(&one), P(&one), 0}, "getresuid([1], [1], NULL) = 0"},
};

static void fill(void)
{
    FD_ZERO(&set);
    FD_SET(1, &set);
    FD_SET(5, &set);
    in.sin_port = htons(80);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in6.sin6_port = htons(443);
    control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.head), &(int){9}, sizeof(int));
}

static const char *decode(const struct decoded *d)
{
    call.nr = (uint64_t)d->nr;
    call.row = rsys_call_by_number(call.nr);
    memcpy(call.args, d->args, sizeof call.args);
    call.trips = 1;
    call.placed = RSYS_ACTION_REMOTE;
    call.result = d->result;
    rsys_trace_call_begin(&call);
    rsys_trace_call_ready(&call, VERDICT_DONE);
    rsys_trace_call_end(&call, VERDICT_DONE);
    char *text = (char *)(uintptr_t)printed(), *times_at = strstr(text, " <remote, ");
    ck_assert_msg(strncmp(text, "[42] ", 5) == 0 && times_at != NULL, "%s", text);
    *times_at = 0;
    return text + 5;
}

START_TEST(arguments)
{
    const struct decoded *d = &decoded[_i];
    fill();
    const char *text = decode(d);
    if (d->text != NULL)
        ck_assert_str_eq(text, d->text);
    else
        ck_assert_ptr_nonnull(strstr(text, "recvmsg(3, 0x"));
}
END_TEST

START_TEST(entries_are_counted)
{
    struct decoded d = {SYS_getdents64, sizeof entries, {3, P(entries), 1000}, NULL};
    ck_assert_ptr_nonnull(strstr(decode(&d), " /* 2 entries */, 1000) = 48"));
    entries[1].length = 0; /* nonsense */
    ck_assert_ptr_nonnull(strstr(decode(&d), " /* 1 entries or more */"));
}
END_TEST

/* Whatever the arguments are, a whole line comes of each call, and it ends. */
START_TEST(any_arguments)
{
    static char junk[4096];
    srandom(1);
    fill();
    for (unsigned i = 0; i < 20000; i++) {
        const struct rsys_call *row = rsys_call_by_number((uint64_t)random() % RSYS_CALLS_MAX);
        if (row == NULL || row->where == RSYS_NEVER)
            continue;
        struct decoded d = {row->nr, random() % 3 == 0 ? -(random() % 4096) : random() % 5000, {0}, NULL};
        for (size_t k = 0; k < sizeof junk; k += 8)
            memcpy(junk + k, &(uint64_t){(uint64_t)random() << (random() % 40)}, 8);
        for (unsigned k = 0; k < 6; k++)
            d.args[k] = random() % 3 == 0 ? P(junk + random() % 4000) : random() % 2 == 0 ? (uint64_t)random() % 9 : (uint64_t)random() << (random() % 34);
        decode(&d);
    }
}
END_TEST

START_TEST(summary)
{
    line(SYS_close, 0, VERDICT_DONE, 1, 3, 0, 0, 0);
    line(SYS_close, -9, VERDICT_DONE, 1, 3, 0, 0, 0);
    line(SYS_write, 1, VERDICT_CONTINUE, 0, 1, 0, 0, 0);
    rsys_trace_finish();
    const char *text = printed();
    const char *closes = strstr(text, "  close\n"), *all = strstr(text, "  all\n");
    ck_assert_ptr_nonnull(closes);
    ck_assert_ptr_nonnull(strstr(text, "  write\n"));
    ck_assert_ptr_nonnull(all);
    unsigned calls, errors, remote, trips;
    while (closes > text && closes[-1] != '\n')
        closes--;
    ck_assert_int_eq(sscanf(closes, "%u %u %u %u", &calls, &errors, &remote, &trips), 4);
    ck_assert(calls == 2 && errors == 1 && remote == 2 && trips == 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *tests = tcase_create("trace");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, summary); /* first: without forks it counts what the others do, too */
    tcase_add_test(tests, lines);
    tcase_add_loop_test(tests, arguments, 0, (int)RSYS_ARRAY_SIZE(decoded));
    tcase_add_test(tests, entries_are_counted);
    tcase_add_test(tests, any_arguments);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
