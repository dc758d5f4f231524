/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-filter.c: the guests' and the executors' filters, asked for real: a child installs the program and makes the calls.
 *
 * Nothing is executed.  Below the filter that is tried lies one that has every call traced; the kernel takes the strictest of both, so what the filter
 * allows stops the child for us, and we skip it.  What it wants notified is answered by a thread.  Every outcome is thus told apart.
 *
 * Longer than 600 lines: a third of them are lines of tables. */
#include "policy/policy.h"
#include "src/core/table.h"
#include "src/core/util.h"
#include "src/core/wire.h"

#include <check.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

/* What became of a call.  0 to -4000 are results of RET_ERRNO. */
#define ALLOWED (-5001)
#define NOTIFIED (-5002)
#define KILLED (-5003)
#define ODD (-5004)

struct probe {
    uint64_t nr, args[6];
    int64_t result;
};

/* Shared with the child. */
struct board {
    int listener;
    bool ready, done;
    size_t at, count;
    struct probe probe[4096];
};
static struct board *board;

static int64_t call6(uint64_t nr, const uint64_t a[6])
{
    register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
    int64_t result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}

struct child_start {
    const struct sock_filter *program;
    unsigned count;
    bool notifies;
};

static int child(void *argument)
{
    const struct child_start *start = argument;
    struct sock_filter everything = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRACE};
    struct sock_fprog below = {1, &everything}, program = {(unsigned short)start->count, (struct sock_filter *)start->program};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &below) < 0)
        _exit(1);
    /* Traced from here on, and let through by the parent until `ready`. */
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, start->notifies ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &program);
    board->listener = result < 0 ? -2 : start->notifies ? (int)result : -1;
    __atomic_store_n(&board->ready, true, __ATOMIC_SEQ_CST);
    __asm__ volatile("int3");
    for (; board->at < board->count; board->at++) {
        struct probe *probe = &board->probe[board->at];
        probe->result = call6(probe->nr, probe->args);
    }
    board->done = true;
    __builtin_trap();
}

static void *answer(void *argument)
{
    int fd = *(int *)argument;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    while (poll(&wait, 1, -1) > 0 && (wait.revents & POLLIN) != 0) {
        struct seccomp_notif notification = {0};
        if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &notification) < 0)
            continue;
        struct seccomp_notif_resp response = {.id = notification.id, .val = NOTIFIED};
        ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
    }
    return NULL;
}

/* Until the child is gone.  Returns how it ended: 0 after all probes, else the signal. */
static int trace(pid_t pid)
{
    pthread_t thread;
    bool threaded = false;
    int status;
    for (;;) {
        ck_assert_int_eq(waitpid(pid, &status, __WALL), pid);
        if (WIFSIGNALED(status) || WIFEXITED(status))
            break;
        int signal = WSTOPSIG(status);
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
            struct user_regs_struct registers;
            if (__atomic_load_n(&board->ready, __ATOMIC_SEQ_CST)) {
                ptrace(PTRACE_GETREGS, pid, 0, &registers);
                registers.orig_rax = (unsigned long long)-1;
                registers.rax = (unsigned long long)(int64_t)ALLOWED;
                ptrace(PTRACE_SETREGS, pid, 0, &registers);
            }
            signal = 0;
        } else if (signal == SIGSTOP) {
            ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
            signal = 0;
        } else if (signal == SIGTRAP) {
            ck_assert_msg(board->listener != -2, "installing the filter failed");
            /* the child's descriptor table is ours */
            threaded = board->listener >= 0 && pthread_create(&thread, NULL, answer, &board->listener) == 0;
            signal = 0;
        } else if (signal == SIGILL && board->done) {
            kill(pid, SIGKILL);
        }
        ptrace(PTRACE_CONT, pid, 0, signal);
    }
    if (threaded) {
        pthread_join(thread, NULL); /* a listener without guests hangs up */
        close(board->listener);
    }
    return board->done ? 0 : WIFSIGNALED(status) ? WTERMSIG(status) : SIGABRT;
}

/* valgrind makes a program's calls itself, so no filter can be tried below it; the making of filters can. */
static bool emulated(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

/* Make the calls on the board; each gets its result. */
static void ask(const struct sock_filter *program, unsigned count, bool notifies)
{
    static uint8_t stack[65536] __attribute__((aligned(16)));
    struct child_start start = {program, count, notifies};
    while (board->at < board->count) {
        board->ready = board->done = false;
        /* The descriptor table is shared, so that the listener is ours too. */
        pid_t pid = clone(child, stack + sizeof stack, CLONE_FILES | SIGCHLD, &start);
        ck_assert_int_gt(pid, 0);
        int signal = trace(pid);
        if (signal != 0) {
            board->probe[board->at].result = signal == SIGSYS ? KILLED : ODD;
            board->at++;
        }
    }
}

static void board_clear(void) { board->at = board->count = 0; }

static void board_add(uint64_t nr, const uint64_t args[6])
{
    struct probe *probe = &board->probe[board->count++];
    ck_assert_uint_lt(board->count, RSYS_ARRAY_SIZE(board->probe));
    *probe = (struct probe){.nr = nr, .result = ODD};
    memcpy(probe->args, args, sizeof probe->args);
}

static void setup(void)
{
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(board, MAP_FAILED);
}

/* Whether a row has an argument of a shape; of AT_FDCWD in all of them that are directories. */
static bool has_shape(const struct rsys_call *call, uint8_t shape)
{
    for (int i = 0; i < call->nargs; i++)
        if (call->args[i].shape == shape)
            return true;
    return false;
}

static bool starts_nowhere(const struct rsys_call *call, const uint64_t args[6])
{
    for (int i = 0; i < call->nargs; i++)
        if (call->args[i].shape == RSYS_ARG_DIRFD && (uint32_t)args[i] != (uint32_t)AT_FDCWD)
            return false;
    return true;
}

static bool any_rule_of(const struct rsys_rules *rules, uint64_t nr)
{
    for (size_t i = 0; i < rules->count; i++)
        if (rules->rules[i].nr == nr)
            return true;
    return false;
}

/* The same where the policy's default is local: only what it chooses, and descriptors that may be remote, stop a guest. */
static int64_t chosen_expects(const struct rsys_rules *rules, bool tells, const struct probe *probe)
{
    const struct rsys_call *call = rsys_call_by_number(probe->nr);
    uint64_t nr = probe->nr;
    if (call == NULL)
        return -ENOSYS;
    if (nr == SYS_clone)
        return (probe->args[0] & CLONE_UNTRACED) != 0 ? -EPERM : ALLOWED;
    if (nr == SYS_clone3 || nr == SYS_io_uring_setup || nr == SYS_io_uring_enter || nr == SYS_io_uring_register)
        return tells || rsys_rules_log(rules, nr) ? NOTIFIED : -ENOSYS;
    if (nr == SYS_mmap)
        return (probe->args[3] & MAP_ANONYMOUS) != 0 ? ALLOWED : NOTIFIED;
    if (nr == SYS_fork || nr == SYS_vfork || nr == SYS_exit || nr == SYS_exit_group || nr == SYS_rt_sigreturn || nr == SYS_restart_syscall)
        return ALLOWED;
    if (rsys_rules_log(rules, nr))
        return NOTIFIED;
    if (call->where == RSYS_LOCAL || call->where == RSYS_NEVER || nr == SYS_pipe || nr == SYS_pipe2 || nr == SYS_socketpair)
        return ALLOWED;
    if (call->where == RSYS_SPECIAL)
        return has_shape(call, RSYS_ARG_FD) ? (nr == SYS_pidfd_send_signal || nr == SYS_process_madvise || nr == SYS_process_mrelease ? ALLOWED : NOTIFIED)
               : nr == SYS_poll || nr == SYS_ppoll || nr == SYS_select || nr == SYS_pselect6 || nr == SYS_unshare || nr == SYS_prctl ? NOTIFIED : ALLOWED;
    if (call->where == RSYS_BY_FD || has_shape(call, RSYS_ARG_FD) || nr == SYS_epoll_create || nr == SYS_epoll_create1)
        return NOTIFIED;
    return any_rule_of(rules, nr) || !starts_nowhere(call, probe->args) ? NOTIFIED : ALLOWED;
}

/* The guests' filter is made for rules; what it has to say of a call, told in other words than the filter's own. */
static int64_t guest_expects(const struct rsys_rules *rules, bool tells, const struct probe *probe)
{
    uint16_t error = 0;
    const struct rsys_call *call = rsys_call_by_number(probe->nr);
    enum rsys_action action = rsys_rules_decide(rules, probe->nr, probe->args, &error);
    if (action >= RSYS_ACTION_TRAP)
        return KILLED;
    if (rules->default_action == RSYS_ACTION_LOCAL && (action < RSYS_ACTION_DENY || rsys_rules_judge(rules, probe->nr, probe->args).table))
        return chosen_expects(rules, tells, probe);
    if (action == RSYS_ACTION_DENY)
        return call != NULL && (call->where != RSYS_NEVER || tells || !rsys_rules_judge(rules, probe->nr, probe->args).table) ? NOTIFIED : -(int64_t)error;
    switch (probe->nr) {
    case SYS_mmap:
        return (probe->args[3] & MAP_ANONYMOUS) != 0 ? ALLOWED : NOTIFIED;
    case SYS_clone:
        if ((probe->args[0] & (CLONE_UNTRACED | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)) != 0)
            return -EPERM;
        return (probe->args[0] & CLONE_PIDFD) != 0 ? -EINVAL : ALLOWED;
    case SYS_fork:
    case SYS_vfork:
    case SYS_exit:
    case SYS_exit_group:
        return ALLOWED;
    default:
        if (rsys_rules_log(rules, probe->nr) && probe->nr != SYS_rt_sigreturn && probe->nr != SYS_restart_syscall)
            return NOTIFIED;
        return action == RSYS_ACTION_LOCAL || call->where == RSYS_LOCAL ? ALLOWED : NOTIFIED;
    }
}

static bool is_need(uint64_t nr)
{
    static const uint16_t needs[] = {
#define RSYS_NEED(name, why) SYS_##name,
#include "src/core/needs.def"
#undef RSYS_NEED
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(needs); i++)
        if (needs[i] == nr)
            return true;
    return false;
}

/* The same for the executors', of calls that the executor has no need of itself and that have no requests within. */
static int64_t executor_expects(const struct rsys_rules *rules, const struct probe *probe)
{
    uint16_t error = 0;
    const struct rsys_call *call = rsys_call_by_number(probe->nr);
    enum rsys_action action = rsys_rules_decide(rules, probe->nr, probe->args, &error);
    if (action == RSYS_ACTION_KILL)
        return KILLED;
    if (action == RSYS_ACTION_DENY)
        return -(int64_t)error;
    if (action == RSYS_ACTION_TRAP)
        return -ENOSYS;
    if (action == RSYS_ACTION_LOCAL)
        return -ENOSYS;
    if (probe->nr == SYS_socket || probe->nr == SYS_socketpair) {
        uint32_t family = (uint32_t)probe->args[0];
        return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK ? ALLOWED : -EAFNOSUPPORT;
    }
    if (probe->nr == SYS_unshare)
        return (probe->args[0] & ~(uint64_t)(CLONE_FS | CLONE_FILES)) == 0 ? ALLOWED : -EPERM;
    if (call->where != RSYS_SPECIAL)
        return ALLOWED;
    switch (call->handler) {
    case RSYS_HANDLER_MMAP:
    case RSYS_HANDLER_MSYNC:
    case RSYS_HANDLER_CLONE:
    case RSYS_HANDLER_EXIT:
    case RSYS_HANDLER_EXEC:
    case RSYS_HANDLER_KILL:
    case RSYS_HANDLER_SIGNALFD:
    case RSYS_HANDLER_PIDFD:
    case RSYS_HANDLER_VM:
        return -ENOSYS;
    default:
        return ALLOWED;
    }
}

static bool has_requests(uint64_t nr) { return nr == SYS_ioctl || nr == SYS_fcntl || nr == SYS_prctl; }

/* As sandbox/inside.c has it where there can be no listener. */
static void refuse_notified(struct sock_filter *program, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (program[i].code == (BPF_RET | BPF_K) && (program[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
            program[i].k = SECCOMP_RET_ERRNO | (program[i].k & SECCOMP_RET_DATA);
}

static void check_all(const struct rsys_rules *rules, bool guest, bool tells, unsigned round)
{
    RSYS_AUTO_ERROR err = NULL;
    RSYS_AUTO_FREE struct sock_filter *program = NULL;
    unsigned count;
    const struct rsys_rules *choice = rules->default_action == RSYS_ACTION_LOCAL ? rules : NULL;
    int made = guest ? rsys_filter_guest(rules, choice, tells, &program, &count, &err) : rsys_filter_executor(rules, &program, &count, &err);
    ck_assert_msg(made == 0, "%s", rsys_error_text(err));
    if (emulated())
        return;
    if (!guest)
        refuse_notified(program, count);
    ask(program, count, guest);
    for (size_t i = 0; i < board->count; i++) {
        const struct probe *probe = &board->probe[i];
        int64_t wanted = guest ? guest_expects(rules, tells, probe) : executor_expects(rules, probe);
        const struct rsys_call *call = rsys_call_by_number(probe->nr);
        ck_assert_msg(probe->result == wanted, "round %u, %s filter, %s (%lu) %#lx %#lx %#lx %#lx %#lx %#lx: %ld, not %ld", round,
                      guest ? "guests'" : "executors'", call != NULL ? call->name : "?", probe->nr, probe->args[0], probe->args[1], probe->args[2],
                      probe->args[3], probe->args[4], probe->args[5], (long)probe->result, (long)wanted);
    }
}

/* Every number there is, and some that are not. */
static void add_numbers(bool guest)
{
    board_clear();
    for (uint64_t nr = 0; nr < 1030; nr++)
        /* uretprobe, uprobe: the kernel lets them pass any filter (6.15), and ends a process that makes them outside of its own trampoline. */
        if (nr != 335 && nr != 336 && (guest || !(is_need(nr) || has_requests(nr))))
            board_add(nr, (const uint64_t[6]){0});
    board_add(0x3fffffff, (const uint64_t[6]){0});
}

static const struct {
    uint8_t action;
    uint16_t error;
} defaults[] = {{RSYS_ACTION_REMOTE, 0}, {RSYS_ACTION_REMOTE, 1}, {RSYS_ACTION_DENY, EPERM}, {RSYS_ACTION_DENY, 4000}, {RSYS_ACTION_LOCAL, 0}};

START_TEST(every_number)
{
    struct rsys_rules rules = {.default_action = defaults[_i / 2].action, .default_error = defaults[_i / 2].error};
    add_numbers(_i % 2 != 0);
    check_all(&rules, _i % 2 != 0, false, (unsigned)_i);
}
END_TEST

/* ---- rules at random ---- */

static uint64_t state;
static uint64_t any(uint64_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
}

/* Few values, near to each other, so that comparisons come out both ways and in both halves. */
static uint64_t any_value(void)
{
    static const uint64_t parts[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x20, 0x22, 0x10000000};
    return parts[any(RSYS_ARRAY_SIZE(parts))] << 32 * (any(4) == 0) | (any(3) == 0 ? parts[any(RSYS_ARRAY_SIZE(parts))] : 0);
}

static int by_number(const void *a, const void *b)
{
    const struct rsys_wire_rule *x = a, *y = b;
    return x->nr != y->nr ? (x->nr < y->nr ? -1 : 1) : (int)x->source - (int)y->source;
}

static const uint16_t subjects[] = {SYS_openat, SYS_read, SYS_uname, SYS_mmap, SYS_clone, SYS_getpid, SYS_socket, SYS_ptrace, SYS_brk, SYS_exit_group, SYS_poll, SYS_mprotect};

static struct rsys_wire_rule any_rule(uint16_t source)
{
    struct rsys_wire_rule rule = {
        .nr = subjects[any(RSYS_ARRAY_SIZE(subjects))], .action = (uint8_t)(1 + any(3)), .error = (uint16_t)(1 + any(4000)), .source = source};
    if (any(40) == 0)
        rule.action = any(2) == 0 ? RSYS_ACTION_KILL : RSYS_ACTION_TRAP;
    if (rule.action < RSYS_ACTION_DENY)
        rule.error = any(8) == 0; /* to be logged */
    rule.compares = (uint8_t)(any(8) == 0 ? 0 : 1 + any(any(4) == 0 ? 6 : 2));
    for (unsigned i = 0; i < rule.compares; i++) {
        struct rsys_wire_compare *compare = &rule.compare[i];
        /* Often the same argument again: ranges. */
        *compare = (struct rsys_wire_compare){.value = any_value(), .index = (uint8_t)(any(2) == 0 ? 0 : any(6)), .op = (uint8_t)(1 + any(7))};
        if (compare->op == RSYS_CMP_MASKED_EQ)
            compare->value_two = any_value() & (any(8) == 0 ? UINT64_MAX : compare->value);
    }
    return rule;
}

static struct rsys_rules any_rules(void)
{
    struct rsys_rules rules = {.default_action = (uint8_t)(1 + any(3)), .default_error = (uint16_t)(1 + any(4000)), .count = 1 + any(60)};
    if (rules.default_action < RSYS_ACTION_DENY)
        rules.default_error = any(8) == 0;
    rules.rules = calloc(rules.count, sizeof *rules.rules);
    for (size_t i = 0; i < rules.count; i++)
        rules.rules[i] = any_rule((uint16_t)i);
    qsort(rules.rules, rules.count, sizeof *rules.rules, by_number);
    ck_assert_int_eq(rsys_rules_check(&rules), 0);
    return rules;
}

START_TEST(random_rules)
{
    bool guest = _i % 2 != 0;
    state = (uint64_t)_i * 7919 + 1;
    struct rsys_rules rules = any_rules();
    board_clear();
    for (int i = 0; i < 1500; i++) {
        uint64_t args[6], nr = subjects[any(RSYS_ARRAY_SIZE(subjects))];
        for (size_t a = 0; a < 6; a++)
            args[a] = any_value();
        if (guest || !is_need(nr))
            board_add(nr, args);
    }
    check_all(&rules, guest, _i % 4 == 3, (unsigned)_i);
    rsys_rules_free(&rules);
}
END_TEST

/* ---- one by one ---- */

#define LINE(call, ...) SYS_##call, {__VA_ARGS__}
static const struct {
    uint64_t nr, args[6];
    bool denied; /* under a policy that denies all with 4000 */
    int64_t result;
} executor_lines[] = {
    /* the executor's own needs, in their forms, whatever the policy says */
    {LINE(recvmsg, 9, 0, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), true, ALLOWED},
    {LINE(recvmsg, 9, 0, 0), true, -4000},
    {LINE(sendmsg, 9, 0, MSG_NOSIGNAL), true, ALLOWED},
    {LINE(sendto, 9, 0, 0, MSG_NOSIGNAL, 0, 0), true, ALLOWED},
    {LINE(sendto, 9, 0, 0, MSG_NOSIGNAL, 0x1000, 16), true, -4000},
    {LINE(recvfrom, 9, 0, 0, 0, 0, 0), true, ALLOWED},
    {LINE(close, 9), true, ALLOWED},
    {LINE(ppoll, 0), true, ALLOWED},
    {LINE(fcntl, 9, F_DUPFD_CLOEXEC, 5000), true, ALLOWED},
    {LINE(fcntl, 9, F_SETLK, 5000), true, -4000},
    {LINE(prlimit64, 0, RLIMIT_NOFILE), true, ALLOWED},
    {LINE(prlimit64, 5, RLIMIT_NOFILE), true, -4000},
    {LINE(prlimit64, 0, RLIMIT_NPROC), true, -4000},
    {LINE(prlimit64, 0, RLIMIT_NPROC), false, ALLOWED},
    {LINE(clone3, 0x1000, 88), true, ALLOWED},
    {LINE(clone, SIGCHLD), false, -ENOSYS},
    {LINE(fork), false, -ENOSYS},
    {LINE(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, UINT64_MAX), true, ALLOWED},
    {LINE(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, UINT64_MAX), false, -ENOSYS},
    {LINE(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 3), false, -ENOSYS},
    {LINE(mmap, 0, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, 3), false, -ENOSYS},
    {LINE(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 260, RSYS_COUNTERS_OFFSET), true, ALLOWED},
    {LINE(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 260, 0), false, -ENOSYS},
    {LINE(mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 260, RSYS_COUNTERS_OFFSET - 4096), false, -ENOSYS},
    {LINE(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, 260, RSYS_COUNTERS_OFFSET), false, -ENOSYS},
    {LINE(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 260, RSYS_COUNTERS_OFFSET), false, -ENOSYS},
    {LINE(mprotect, 0, 4096, PROT_EXEC), false, -ENOSYS},
    {LINE(execveat, 9, 0, 0, 0, 0x1000), true, ALLOWED},
    {LINE(execveat, 9, 0, 0, 0, 0), false, -ENOSYS},
    {LINE(execveat, 9, 0, 0, 0, 0x10000 /* AT_EXECVE_CHECK */), true, ALLOWED},
    {LINE(execveat, 9, 0, 0, 0, 0x11100), true, ALLOWED},
    {LINE(execveat, 9, 0, 0, 0, 0x100), false, -ENOSYS},
    {LINE(execveat, 9, 0, 0, 0, 0x10200), false, -ENOSYS},
    {LINE(kcmp, 5, 6, 1), true, ALLOWED},
    {LINE(kcmp, 5, 6, 0), true, -4000},
    {LINE(kcmp, 5, 6, 0), false, ALLOWED},
    {LINE(execve, 0, 0, 0), false, -ENOSYS},
    {LINE(kill, 5, SIGKILL), true, ALLOWED},
    {LINE(kill, 5, SIGSTOP), false, -ENOSYS},
    {LINE(tgkill, 5, 5, 63), true, ALLOWED},
    {LINE(tgkill, 5, 5, SIGSTOP), false, -ENOSYS},
    {LINE(rt_tgsigqueueinfo, 5, 5, 63), true, ALLOWED},
    {LINE(rt_tgsigqueueinfo, 5, 5, 9), false, -ENOSYS},
    {LINE(tkill, 5, 9), false, -ENOSYS},
    {LINE(exit_group, 0), true, ALLOWED},
    {LINE(rt_sigreturn), true, ALLOWED},
    {LINE(prctl, PR_SET_NAME), true, ALLOWED},
    {LINE(prctl, PR_SET_DUMPABLE), true, -4000},
    {LINE(prctl, PR_SET_DUMPABLE), false, ALLOWED},
    {LINE(prctl, PR_SET_SECCOMP), false, -EINVAL},
    {LINE(prctl, PR_SET_MM), false, -EINVAL},
    /* requests */
    {LINE(ioctl, 1, FIONREAD), false, ALLOWED},
    {LINE(ioctl, 1, FIONREAD), true, -4000},
    {LINE(ioctl, 1, FIONREAD | 0x500000000), false, ALLOWED},
    {LINE(ioctl, 1, TIOCSTI), false, -ENOTTY},
    {LINE(ioctl, 1, 0xdead), false, -ENOTTY},
    {LINE(fcntl, 1, F_SETLK), false, ALLOWED},
    {LINE(fcntl, 1, F_SETLEASE), false, -EINVAL},
    {LINE(fcntl, 1, 0xdead), false, -EINVAL},
    {LINE(socket, AF_UNIX), false, ALLOWED},
    {LINE(socket, AF_VSOCK), false, -EAFNOSUPPORT},
    {LINE(socket, AF_ALG), false, -EAFNOSUPPORT},
    {LINE(socketpair, 30 /* AF_TIPC */), false, -EAFNOSUPPORT},
    {LINE(setsockopt, 1, SOL_SOCKET), false, ALLOWED},
    {LINE(setsockopt, 1, SOL_SOCKET), true, -4000},
    {LINE(setsockopt, 1, AF_VSOCK), false, -ENOPROTOOPT},
    {LINE(setsockopt, 1, AF_VSOCK | 0x500000000), false, -ENOPROTOOPT},
    /* never here */
    {LINE(ptrace, 0, 1), false, -EPERM},
    {LINE(mount), false, -EPERM},
    {LINE(io_uring_setup), false, -ENOSYS},
    {LINE(unshare, CLONE_NEWUSER), false, -EPERM},
    {LINE(unshare, CLONE_FS | CLONE_NEWNS), false, -EPERM},
    {LINE(unshare, CLONE_FS | UINT64_C(1) << 40), false, -EPERM},
    {LINE(unshare, CLONE_FS | CLONE_FILES), false, ALLOWED},
    {LINE(unshare, CLONE_FS | CLONE_FILES), true, -4000},
    {LINE(chroot), false, ALLOWED},
    {LINE(chroot), true, -4000},
    {LINE(seccomp), false, -ENOSYS},
    {LINE(process_vm_writev), false, -ENOSYS},
    {0x40000000 + SYS_read, {0}, false, KILLED},
};

START_TEST(executor_one)
{
    RSYS_AUTO_ERROR err = NULL;
    RSYS_AUTO_FREE struct sock_filter *program = NULL;
    unsigned count;
    struct rsys_rules rules = {.default_action = executor_lines[_i].denied ? RSYS_ACTION_DENY : RSYS_ACTION_REMOTE,
                               .default_error = executor_lines[_i].denied ? 4000 : 0};
    ck_assert_int_eq(rsys_filter_executor(&rules, &program, &count, &err), 0);
    board_clear();
    board_add(executor_lines[_i].nr, executor_lines[_i].args);
    if (emulated())
        return;
    refuse_notified(program, count);
    ask(program, count, false);
    ck_assert_int_eq(board->probe[0].result, executor_lines[_i].result);
}
END_TEST

static const struct {
    uint64_t nr, args[6];
    int64_t result;
} guest_lines[] = {
    {LINE(clone, SIGCHLD), ALLOWED},
    {LINE(clone, CLONE_VM | CLONE_VFORK | SIGCHLD), ALLOWED},
    {LINE(clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID), ALLOWED},
    {LINE(clone, CLONE_UNTRACED | SIGCHLD), -EPERM},
    {LINE(clone, CLONE_NEWUSER | SIGCHLD), -EPERM},
    {LINE(clone, CLONE_NEWNS | CLONE_PIDFD | SIGCHLD), -EPERM},
    {LINE(clone, CLONE_PIDFD | SIGCHLD), -EINVAL},
    {LINE(clone3, 0, 0), -ENOSYS},
    {LINE(unshare, CLONE_NEWUSER), NOTIFIED},
    {LINE(io_uring_setup), -ENOSYS},
    {LINE(ptrace), -EPERM},
    {LINE(mmap, 0, 0, 0, MAP_PRIVATE | MAP_ANONYMOUS), ALLOWED},
    {LINE(mmap, 0, 0, 0, MAP_PRIVATE), NOTIFIED},
    {LINE(prctl), NOTIFIED},
    {LINE(futex), ALLOWED},
    {LINE(kill, 1, 9), NOTIFIED},
    {0x40000000 + SYS_read, {0}, KILLED},
    {0x40000000 + 512, {0}, KILLED},
    {0x80000000, {0}, KILLED},
    {SYS_setpriority, {1, 0, 19}, -EPERM},
    {SYS_setpriority, {UINT64_MAX << 32 | 1, UINT64_C(7) << 32, 19}, -EPERM},
    {SYS_setpriority, {1, 5, 19}, ALLOWED},
    {SYS_setpriority, {0, 0, 19}, ALLOWED},
    {SYS_ioprio_set, {2, 0, 0}, -EPERM},
    {SYS_ioprio_set, {1, 0, 0}, ALLOWED},
};

START_TEST(guest_one)
{
    RSYS_AUTO_ERROR err = NULL;
    RSYS_AUTO_FREE struct sock_filter *program = NULL;
    unsigned count;
    struct rsys_rules rules = {.default_action = RSYS_ACTION_REMOTE};
    ck_assert_int_eq(rsys_filter_guest(&rules, NULL, false, &program, &count, &err), 0);
    board_clear();
    board_add(guest_lines[_i].nr, guest_lines[_i].args);
    if (emulated())
        return;
    ask(program, count, true);
    ck_assert_int_eq(board->probe[0].result, guest_lines[_i].result);
}
END_TEST

/* int $0x80: numbers of i386. */
START_TEST(foreign)
{
    RSYS_AUTO_FREE struct sock_filter *program = NULL;
    unsigned count;
    int status;
    struct rsys_rules rules = {.default_action = RSYS_ACTION_REMOTE};
    ck_assert_int_eq(_i == 0 ? rsys_filter_executor(&rules, &program, &count, NULL) : rsys_filter_guest(&rules, NULL, false, &program, &count, NULL), 0);
    if (emulated())
        return;
    pid_t pid = fork();
    if (pid == 0) {
        struct sock_fprog install = {(unsigned short)count, program};
        long result;
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &install) < 0)
            _exit(1);
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(1L), "b"(0L) : "memory"); /* i386's exit(0) */
        __builtin_trap();
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    /* SIGSEGV: a kernel that has no i386 calls at all. */
    ck_assert_msg(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV), "status %#x", status);
}
END_TEST

START_TEST(too_large)
{
    RSYS_AUTO_ERROR err = NULL;
    RSYS_AUTO_FREE struct sock_filter *program = NULL;
    unsigned count;
    struct rsys_rules rules = {.default_action = RSYS_ACTION_REMOTE, .count = 2000};
    rules.rules = calloc(rules.count, sizeof *rules.rules);
    for (size_t i = 0; i < rules.count; i++) {
        rules.rules[i] = (struct rsys_wire_rule){.nr = SYS_read, .action = RSYS_ACTION_DENY, .compares = 1, .error = 1};
        rules.rules[i].compare[0] = (struct rsys_wire_compare){.value = i, .op = RSYS_CMP_EQ};
    }
    ck_assert_int_lt(rsys_filter_guest(&rules, NULL, false, &program, &count, &err), 0);
    ck_assert_ptr_nonnull(strstr(rsys_error_text(err), "the kernel takes 4096"));
    rsys_rules_free(&rules);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter");
    TCase *tests = tcase_create("filter");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_loop_test(tests, every_number, 0, 2 * (int)RSYS_ARRAY_SIZE(defaults));
    tcase_add_loop_test(tests, executor_one, 0, (int)RSYS_ARRAY_SIZE(executor_lines));
    tcase_add_loop_test(tests, guest_one, 0, (int)RSYS_ARRAY_SIZE(guest_lines));
    tcase_add_loop_test(tests, foreign, 0, 2);
    tcase_add_test(tests, too_large);
    tcase_add_loop_test(tests, random_rules, 0, 60);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
