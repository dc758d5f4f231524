/* SPDX-License-Identifier: GPL-2.0-only */
/* fake-jail.c: a supervisor of one guest for unit tests of handlers; see fake-jail.h. */
#include "tests/unit/fake-jail.h"
#include "src/core/decode.h"
#include "src/core/util.h"
#include "src/jail/chosen.h"
#include "src/jail/internal.h"
#include "src/jail/names.h"
#include "src/jail/session.h"
#include "src/jail/view.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>

#define ARENA_MAX (RSYS_ARENA_SIZE + RSYS_ARENA_SLACK)

unsigned fake_requests, fake_posts, fake_cancel_at, fake_interrupted;
bool fake_continued;
uint16_t fake_numbers[16];
static bool is_local[1024];
static uint8_t fd_flags[1024];
static struct rsys_session session = {.welcome = {.nofile = 1024}, .proc_fd = -1, .tty_fd = -1, .tty_path_fd = -1, .console_fd = -1, .pts_fd = -1};
struct rsys_session *fake_session = &session;
static struct fdtable table;
static struct call call;
static struct process process = {.fds = &table, .threads = 1};
struct guest fake_guest = {.process = &process, .call = &call};
static uint8_t arena[ARENA_MAX];
static struct jail jail = {.session = &session};
uint64_t fake_mask;
enum rsys_action fake_placed;
extern void rsys_wait_event(struct jail *) __attribute__((weak));

void fake_local(int fd, bool local)
{
    is_local[fd] = local;
    fd_flags[fd] = 0;
}

/* ---- what jail.h promises ---- */

bool rsys_fd_is_local(const struct fdtable *fds, int64_t fd) { return (uint32_t)fd < RSYS_ARRAY_SIZE(is_local) && is_local[(uint32_t)fd]; }
unsigned rsys_fd_flags(const struct fdtable *fds, int64_t fd) { return rsys_fd_is_local(fds, fd) ? fd_flags[(uint32_t)fd] : 0; }
bool rsys_fd_is_users(const struct fdtable *fds, int64_t fd) { return rsys_fd_is_local(fds, fd) && !(rsys_fd_flags(fds, fd) & RSYS_FD_SESSION); }
struct rsys_memory *rsys_guest_memory(struct guest *guest) { return &rsys_memory_own; }
struct rsys_session *rsys_jail_session(struct jail *j) { return &session; }
struct guest *rsys_guest_find(struct jail *j, pid_t tid) { return tid == fake_guest.tid ? &fake_guest : NULL; }
void rsys_signal_raised(struct guest *guest, uint64_t set) {}
void rsys_signal_behind_call(struct guest *guest) {}
int rsys_call_defer(struct call *c, const struct rsys_wire_reply *reply, const uint8_t *data) { return -ENOMEM; }
int rsys_chosen_receive(struct call *c, int32_t made, bool cloexec) { return -EIO; }
enum verdict rsys_injection_terminal(struct call *c, int64_t terminal) { return rsys_call_done(c, terminal); }
int rsys_source_watch(struct jail *j, struct source *source, bool want_out) { return 0; }
void rsys_call_hurry(struct call *c) { c->hurried = true; }
void rsys_call_hurried_over(struct call *c) { c->hurried = false; }
bool rsys_call_mask(struct call *c, uint64_t address, uint64_t size, enum verdict *ret_verdict)
{
    fake_mask = 0;
    if (address != 0)
        ck_assert_int_eq(rsys_memory_read(&rsys_memory_own, address, &fake_mask, sizeof fake_mask), 0);
    return true;
}
int rsys_call_mask_awaited(struct call *c, uint64_t address, uint64_t size, uint64_t *ret_wanted)
{
    if (address != 0)
        ck_assert_int_eq(rsys_memory_read(&rsys_memory_own, address, ret_wanted, sizeof *ret_wanted), 0);
    return address != 0;
}
bool rsys_call_mask_lets(const struct call *c, uint64_t wanted) { return false; }
int rsys_guest_get_fd(struct guest *guest, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return copy >= 0 ? copy : -errno;
}
bool rsys_stand_in_needed(const struct guest *guest, int own) { return false; }
int rsys_stand_in_new(struct guest *guest, int own, int number) { return -ENOMEM; }
int rsys_stand_in_of(const struct guest *guest, int number) { return -1; }
void rsys_stand_ins_closed(struct jail *j, const struct fdtable *fds, int number) {}
bool rsys_stand_in_is(const struct guest *guest, int fd) { return false; }
void rsys_stand_in_close(struct jail *j, int fd) { rsys_close(fd); }
void rsys_stand_ins_look(struct guest *guest) {}
void rsys_stand_ins_arrived(struct jail *j, pid_t pid) {}
bool rsys_signal_watch(struct call *c, enum verdict *ret_verdict) { return true; }
enum verdict rsys_view_settle(struct call *c, int fd, bool writes, enum verdict (*next)(struct call *)) { return next(c); }
enum verdict rsys_view_changed(struct call *c, int fd, int64_t result) { return rsys_call_done(c, result); }

/* The guest's table is the test's own, as the executor's is. */
int rsys_call_add_fd(struct call *c, int fd, int at, bool cloexec)
{
    if (fake_interrupted > 0 && fake_interrupted-- > 0)
        return -ENOENT;
    int number = at < 0 ? fcntl(fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, 0) : dup3(fd, at, cloexec ? O_CLOEXEC : 0);
    return number >= 0 ? number : -errno;
}
int rsys_call_drop_fd(struct call *c, int fd)
{
    if (fake_interrupted > 0 && fake_interrupted-- > 0)
        return -ENOENT;
    int nothing = eventfd(0, EFD_CLOEXEC), placed = dup3(nothing, fd, O_CLOEXEC);
    close(nothing);
    return placed >= 0 ? 0 : -errno;
}
int rsys_fd_set_local(struct fdtable *fds, int fd, unsigned flags)
{
    is_local[fd] = true;
    fd_flags[fd] = (uint8_t)flags;
    return 0;
}
void rsys_fd_clear_local(struct fdtable *fds, int fd) { is_local[fd] = false; }
int rsys_fdtable_unshare(struct fdtable **fds) { return 0; }
int64_t rsys_signal_group(struct jail *of, int signal) { return -ESRCH; } /* this process's group has a number */
bool rsys_fd_is_beyond(const struct call *c, uint64_t fd) { return (uint32_t)fd >= session.welcome.nofile; }
void rsys_call_fence(struct call *c) {}

/* ---- the executor ---- */

static struct rsys_wire_reply reply;
static uint8_t data[4 * RSYS_OUTS_MAX + ARENA_MAX];

/* The waits as an executor makes them: they can be cancelled, by what the supervisor's loop sees meanwhile. */
static int64_t look(uint16_t nr, uint64_t a[6])
{
    struct timespec zero = {0, 0};
    long result = nr == SYS_ppoll ? syscall(SYS_ppoll, a[0], a[1], &zero, NULL, 8) : syscall(SYS_epoll_wait, a[0], a[1], a[2], 0);
    return result == -1 ? -errno : result;
}

static int64_t cancellable_wait(uint16_t nr, uint64_t a[6])
{
    struct timespec end, time, limit = {0, 0};
    uint64_t given = nr == SYS_ppoll ? a[2] : a[3];
    bool limited = nr == SYS_epoll_wait ? (int)given >= 0 : given != 0;
    if (limited && nr == SYS_epoll_wait)
        limit = (struct timespec){(int)given / 1000, (int)given % 1000 * 1000000};
    else if (limited)
        memcpy(&limit, (void *)(uintptr_t)given, sizeof limit);
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += limit.tv_sec + (end.tv_nsec + limit.tv_nsec) / 1000000000;
    end.tv_nsec = (end.tv_nsec + limit.tv_nsec) % 1000000000;
    for (;;) {
        int64_t result = look(nr, a);
        if (result != 0)
            return result;
        if (call.hurried)
            return -512;
        clock_gettime(CLOCK_MONOTONIC, &time);
        if (limited && (time.tv_sec > end.tv_sec || (time.tv_sec == end.tv_sec && time.tv_nsec >= end.tv_nsec)))
            return 0;
        struct pollfd waits = {.fd = jail.waits.fd > 0 ? jail.waits.fd : -1, .events = POLLIN};
        if (poll(&waits, 1, 1) > 0)
            rsys_wait_event(&jail);
    }
}

static int64_t placeholder(const uint64_t a[6])
{
    int flags = O_PATH | (a[1] != 0 ? O_CLOEXEC : 0), first = open("/", flags);
    if (a[2] == 1 && first != (int)a[0]) {
        int placed = dup3(first, (int)a[0], flags & O_CLOEXEC);
        close(first);
        return placed;
    }
    return a[2] == 2 ? first | (int64_t)open("/", flags) << 32 : first;
}

static void execute(struct rsys_request *request, bool cancelled)
{
    struct iovec iov[4];
    size_t size;
    uint64_t a[6];
    rsys_request_frame(request, 5, 0, iov, &size);
    ck_assert_int_eq(rsys_decode_head(&request->head), 0);
    if (request->head.in_size > 0)
        if (request->head.in_size > 0)
        memcpy(arena, request->in, request->head.in_size);
    ck_assert_int_eq(rsys_decode_relocate(&request->head, request->relocs, request->outs, arena, a), 0);
    reply = (struct rsys_wire_reply){.seq = 5, .size = 4u * request->head.outs, .result = -512};
    uint16_t nr = request->head.nr;
    if (!cancelled && rsys_wait_event && (nr == SYS_ppoll || nr == SYS_epoll_wait || nr == SYS_epoll_pwait2)) {
        reply.result = cancellable_wait(nr, a);
    } else if (!cancelled) {
        if (nr == RSYS_OP_PLACEHOLDER)
            reply.result = placeholder(a);
        else
            reply.result = syscall(request->head.nr, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (reply.result == -1)
            reply.result = -errno;
    }
    for (uint32_t i = 0; i < request->head.outs; i++) {
        uint32_t n = rsys_decode_out_length(&request->head, &request->outs[i], reply.result, arena);
        memcpy(data + 4 * i, &n, 4);
        memcpy(data + reply.size, arena + request->outs[i].offset, n);
        reply.size += n;
    }
}

enum verdict rsys_call_send(struct call *c)
{
    if (fake_requests < RSYS_ARRAY_SIZE(fake_numbers))
        fake_numbers[fake_requests] = c->request.head.nr;
    fake_requests++;
    return VERDICT_SENT; /* executed by fake_call, so that pieces do not nest */
}

int rsys_guest_post(struct guest *guest, struct rsys_request *request)
{
    const struct rsys_wire_reply kept = reply; /* a handler may post while it looks at one */
    fake_posts++;
    execute(request, false);
    reply = kept;
    return 0;
}

#pragma weak rsys_name_take /* names are the subject of some of the tests only */

enum verdict rsys_call_forward_args(struct call *c, const uint64_t args[6])
{
    enum verdict verdict;
    int failed = rsys_encode_call(&c->request, c->row, args, &rsys_memory_own);
    if (failed < 0)
        return rsys_call_done(c, failed);
    return rsys_name_take && rsys_name_take(c, &verdict) ? verdict : rsys_call_send(c);
}

enum verdict rsys_call_forward(struct call *c) { return rsys_call_forward_args(c, c->args); }

/* ---- a call ---- */

typedef enum verdict (*handler)(struct call *);
#define RSYS_HANDLER(name) extern enum verdict rsys_handle_##name(struct call *) __attribute__((weak));
#include "src/core/handlers.def"
#undef RSYS_HANDLER

static handler handler_of(const struct rsys_call *row)
{
    static const handler handlers[] = {
        [RSYS_HANDLER_REGULAR] = rsys_call_forward,
#define RSYS_HANDLER(name) [RSYS_HANDLER_##name] = rsys_handle_##name,
#include "src/core/handlers.def"
#undef RSYS_HANDLER
    };
    return handlers[row->handler];
}

int64_t fake_call(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    process.jail = &jail;
    process.pid = fake_guest.tid = getpid();
    call.guest = &fake_guest;
    call.nr = (uint64_t)nr;
    call.row = rsys_call_by_number((uint64_t)nr);
    ck_assert_ptr_nonnull(call.row);
    call.on_reply = NULL;
    call.on_cancel = call.on_drop = NULL;
    call.phase = CALL_SENT;
    call.placed = fake_placed != 0 ? fake_placed : RSYS_ACTION_REMOTE;
    memcpy(call.args, (uint64_t[6]){a, b, c, d, e, f}, sizeof call.args);
    memset(&call.own, 0xaa, sizeof call.own);
    fake_requests = fake_posts = 0;
    fake_continued = false;
    enum verdict verdict = handler_of(call.row)(&call);
    while (verdict == VERDICT_SENT) {
        execute(&call.request, fake_requests == fake_cancel_at);
        if (call.on_reply != NULL) {
            verdict = call.on_reply(&call, &reply, data);
            continue;
        }
        int failed = rsys_request_finish(&call.request, &reply, data, &rsys_memory_own);
        verdict = rsys_call_done(&call, failed < 0 ? failed : reply.result);
    }
    if (verdict == VERDICT_CONTINUE) {
        fake_continued = true;
        long result = syscall(nr, a, b, c, d, e, f);
        return result == -1 ? -errno : result;
    }
    ck_assert_int_eq(verdict, VERDICT_DONE);
    return call.result;
}

void fake_free(void)
{
    rsys_request_free(&call.request);
    free(call.scratch);
    call.scratch = NULL;
    call.scratch_room = 0;
    fake_mask = 0;
}

/* Of the tests without calls-misc.c. */
__attribute__((weak)) bool rsys_is_supervisor(uint64_t pid) { return pid == 1; }
