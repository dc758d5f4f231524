// SPDX-License-Identifier: GPL-2.0-only
// view: fuse
/* interleave.c: 1,000 random interleavings of two programs that share sockets, pipes, locks, a mapped file and signals; limits, forks, threads and execs in their midst */
/* limit: 120 */
/* Longer than 600 lines: the steps are many, and each is short. */
/* Each seed makes a schedule of steps.  Both processes make the same schedule, and a model of what is in the pipes and who holds which lock; so both know whose step it is and
 * whether it blocks.  A token goes round: one step after the other, so that all that anybody sees depends on the seed alone.  A step that blocks is one of two: the token is
 * given away, then the one blocks while the other does what wakes it.  Each process notes all that it sees; a digest of the notes is printed for each seed.
 *
 *     interleave SEED       that seed alone, with its notes
 *     interleave FROM TO    the digests of these */
#include "guest.h"

#include <arpa/inet.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/sendfile.h>

#define SEEDS 1000
#define STEPS 20
#define FILE_MAX 16384u
#define LOG_SIZE 65536u
#define PIPE_SIZE 65536

/* The same numbers in both, also after an exec. */
enum { TOKEN_IN = 100, TOKEN_OUT, CHANNEL_IN, CHANNEL_OUT = CHANNEL_IN + 3, DATA = CHANNEL_OUT + 3, LOCKED, NOTES, LISTENER /* and the other's */ };
enum { SOCKET, TCP, PIPE, CHANNELS };
enum { FLOCK, POSIX, OFD, LOCKS };

struct step {
    int op, who;
    bool by_thread, by_child;
    unsigned a, b, c;
};

static struct {
    unsigned available[CHANNELS][2]; /* bytes on their way to 0, 1 */
    int held[LOCKS][2];              /* 0, LOCK_SH, LOCK_EX */
    unsigned size;                   /* of the file */
    int word;                        /* of the futex, in the file */
    bool told[2];                    /* a SIGUSR1 may be on its way: a second one would be the same one, or not */
} model;

static int me, seed, last_seed, at_step;
static bool acting; /* false: the model alone goes through a step, because an earlier program of this process has done it */
static pid_t other;
static char *map, *notes;
static uint64_t random_state;
static volatile unsigned handled, values;
static struct {
    bool waking; /* the other may be awake and send more signals before it is noted what was seen */
    unsigned handled, values;
} before;

static unsigned number(unsigned below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % below;
}

/* ---- notes ---- */

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    va_list args;
    size_t at = strlen(notes);
    at += (size_t)snprintf(notes + at, LOG_SIZE - at, "%d.%d %u/%u ", at_step, me, before.waking ? before.handled : handled, before.waking ? before.values : values);
    va_start(args, format);
    at += (size_t)vsnprintf(notes + at, LOG_SIZE - at, format, args);
    va_end(args);
    snprintf(notes + at, LOG_SIZE - at, "\n");
}

static void noted(const char *what, long result)
{
    note("%s %ld %s", what, result, result < 0 ? error_name(errno) : "");
}

static void flush_notes(void)
{
    size_t n = strlen(notes);
    MUST(write(NOTES, notes, n) == (ssize_t)n ? 0 : -1);
    notes[0] = 0;
}

static unsigned digest(const volatile void *data, size_t n)
{
    unsigned hash = 2166136261u;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ ((const volatile unsigned char *)data)[i]) * 16777619u;
    return hash & 0xffffff;
}

/* ---- the token ---- */

static void give(void)
{
    MUST(write(TOKEN_OUT, "t", 1) == 1 ? 0 : -1);
}

static void take(void)
{
    char token;
    ssize_t n;
    do
        n = read(TOKEN_IN, &token, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        _exit(97);
}

static void *in_thread(void *argument)
{
    void **both = argument;
    ((void (*)(const struct step *))both[0])(both[1]);
    return NULL;
}

/* By the process itself, a thread of it, or a child. */
static void perform(void (*function)(const struct step *), const struct step *step)
{
    void *both[2] = {(void *)function, (void *)step};
    pthread_t thread;
    pid_t child;
    sigset_t all, before;
    if (step->by_thread) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        MUST(pthread_create(&thread, NULL, in_thread, both) == 0 ? 0 : -1);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_join(thread, NULL);
    } else if (step->by_child) {
        child = (pid_t)MUST(fork());
        if (child == 0) {
            function(step);
            _exit(42);
        }
        note("child %x", reap(child));
    } else {
        function(step);
    }
}

static void solo(const struct step *step, void (*function)(const struct step *))
{
    model.told[step->who] = false;
    if (!acting)
        return;
    if (me != step->who) {
        take();
        return;
    }
    perform(function, step);
    give();
}

static void pair(const struct step *step, void (*blocks)(const struct step *), void (*wakes)(const struct step *))
{
    model.told[0] = model.told[1] = false;
    if (!acting)
        return;
    if (me == step->who) {
        give();
        perform(blocks, step);
        give();
        return;
    }
    take();
    if (step->c % 3 == 0) /* mostly it does block by then; that it sometimes does not changes nothing */
        usleep(step->c % 300);
    before.handled = handled;
    before.values = values;
    before.waking = true;
    wakes(step);
    before.waking = false;
    take();
}

/* ---- channels ---- */

static void fill(char *data, const struct step *step, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        data[i] = (char)(step->a * 7 + i * (step->b | 1));
}

static void send_bytes(const struct step *step, unsigned n)
{
    char data[PIPE_SIZE + 4096];
    fill(data, step, n);
    noted("write", write(CHANNEL_OUT + (int)(step->a % CHANNELS), data, n));
}

static void receive_bytes(const struct step *step, unsigned n)
{
    char data[PIPE_SIZE + 4096];
    unsigned have = 0;
    while (have < n) {
        ssize_t got = read(CHANNEL_IN + (int)(step->a % CHANNELS), data + have, n - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            noted("read", got);
            return;
        }
        have += (unsigned)got;
    }
    note("read %u: %x", have, digest(data, have));
}

static unsigned amount; /* of the step at hand, by the model */

static void do_send(const struct step *step) { send_bytes(step, amount); }
static void do_receive(const struct step *step) { receive_bytes(step, amount); }

static void op_send(struct step *step)
{
    unsigned *available = &model.available[step->a % CHANNELS][!step->who];
    amount = 1 + step->b % 600;
    if (*available + amount > 3000)
        return;
    *available += amount;
    solo(step, do_send);
}

static void op_receive(struct step *step)
{
    unsigned *available = &model.available[step->a % CHANNELS][step->who];
    amount = 1 + step->b % 600;
    if (*available == 0) {
        pair(step, do_receive, do_send);
        return;
    }
    if (amount > *available)
        amount = *available;
    *available -= amount;
    solo(step, do_receive);
}

/* More than the pipe holds. */
static void op_fill(struct step *step)
{
    step->a = PIPE;
    amount = PIPE_SIZE + 1 + step->b % 4000;
    if (model.available[PIPE][!step->who] == 0)
        pair(step, do_send, do_receive);
}

static void do_wait(const struct step *step)
{
    struct pollfd fds[CHANNELS];
    char found[CHANNELS + 1] = "";
    struct epoll_event event = {.events = EPOLLIN}, events[CHANNELS];
    fd_set set;
    int n, epoll_fd = -1;
    FD_ZERO(&set);
    for (int i = 0; i < CHANNELS; i++) {
        fds[i] = (struct pollfd){.fd = CHANNEL_IN + i, .events = POLLIN};
        FD_SET(CHANNEL_IN + i, &set);
    }
    if (step->c % 3 == 0) {
        while ((n = poll(fds, CHANNELS, -1)) < 0 && errno == EINTR)
            ;
        for (int i = 0; i < CHANNELS; i++)
            found[i] = fds[i].revents & POLLIN ? 'y' : '-';
    } else if (step->c % 3 == 1) {
        while ((n = select(CHANNEL_IN + CHANNELS, &set, NULL, NULL, NULL)) < 0 && errno == EINTR)
            ;
        for (int i = 0; i < CHANNELS; i++)
            found[i] = FD_ISSET(CHANNEL_IN + i, &set) ? 'y' : '-';
    } else {
        epoll_fd = (int)MUST(epoll_create1(EPOLL_CLOEXEC));
        memset(found, '-', CHANNELS);
        for (int i = 0; i < CHANNELS; i++) {
            event.data.fd = i;
            MUST(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, CHANNEL_IN + i, &event));
        }
        while ((n = epoll_wait(epoll_fd, events, CHANNELS, -1)) < 0 && errno == EINTR)
            ;
        for (int i = 0; i < n; i++)
            found[events[i].data.fd] = 'y';
        close(epoll_fd);
    }
    note("ready %d %s", n, found);
}

static void op_wait(struct step *step)
{
    bool ready = false;
    for (int i = 0; i < CHANNELS; i++)
        ready |= model.available[i][step->who] > 0;
    if (ready) {
        solo(step, do_wait);
        return;
    }
    amount = 1 + step->b % 600;
    model.available[step->a % CHANNELS][step->who] += amount;
    pair(step, do_wait, do_send);
}

/* ---- locks ---- */

static int lock_call(int kind, int how, bool wait)
{
    struct flock lock = {.l_type = (short)(how == LOCK_EX ? F_WRLCK : how == LOCK_SH ? F_RDLCK : F_UNLCK), .l_start = kind * 20, .l_len = 10};
    int result;
    do
        result = kind == FLOCK ? flock(LOCKED, how | (wait ? 0 : LOCK_NB)) :
                                 fcntl(LOCKED, kind == POSIX ? (wait ? F_SETLKW : F_SETLK) : (wait ? F_OFD_SETLKW : F_OFD_SETLK), &lock);
    while (wait && result < 0 && errno == EINTR);
    return result;
}

static int lock_how(const struct step *step) { return step->b % 2 ? LOCK_EX : LOCK_SH; }
static void do_try(const struct step *step) { noted("try", lock_call((int)(step->a % LOCKS), lock_how(step), false)); }
static void do_unlock(const struct step *step) { noted("unlock", lock_call((int)(step->a % LOCKS), LOCK_UN, false)); }
static void do_lock(const struct step *step) { noted("lock", lock_call((int)(step->a % LOCKS), lock_how(step), true)); }

static void do_ask(const struct step *step)
{
    struct flock lock = {.l_type = F_WRLCK, .l_len = 100};
    int result = fcntl(LOCKED, step->b % 2 ? F_GETLK : F_OFD_GETLK, &lock);
    note("getlk %d %d %ld+%ld %s", result, lock.l_type, (long)lock.l_start, (long)lock.l_len,
         lock.l_type == F_UNLCK ? "" : lock.l_pid == other ? "other" : lock.l_pid == getpid() ? "own" : lock.l_pid == -1 ? "nobody" : "?");
}

static bool conflicts(int how, int held) { return held == LOCK_EX || (how == LOCK_EX && held != 0); }

static void op_lock(struct step *step)
{
    int *held = model.held[step->a % LOCKS], how = lock_how(step);
    bool conflict = conflicts(how, held[!step->who]);
    step->by_child = false;
    if (conflict && step->c % 2) { /* wait for it; the other unlocks */
        held[!step->who] = 0;
        held[step->who] = how;
        pair(step, do_lock, do_unlock);
        return;
    }
    if (!conflict)
        held[step->who] = how;
    else if (step->a % LOCKS == FLOCK)
        held[step->who] = 0; /* flock(2) gives up the old one first */
    solo(step, do_try);
}

static void op_unlock(struct step *step)
{
    step->by_child = false;
    model.held[step->a % LOCKS][step->who] = 0;
    solo(step, do_unlock);
}

static void op_ask(struct step *step)
{
    step->by_child = false;
    solo(step, do_ask);
}

/* ---- the file and its mapping ---- */

static unsigned place(const struct step *step) { return 64 + step->a % (model.size - 64 - 700); }

static void do_store(const struct step *step)
{
    char data[8192];
    fill(data, step, 1 + step->b % 600);
    memcpy(map + place(step), data, 1 + step->b % 600);
    note("store");
}

static void do_load(const struct step *step) { note("load %x", digest(map + 64, model.size - 64)); }

static void do_write(const struct step *step)
{
    char data[8192];
    fill(data, step, 1 + step->b % 600);
    if (step->c % 2)
        noted("pwrite", pwrite(DATA, data, 1 + step->b % 600, place(step)));
    else if (lseek(DATA, place(step), SEEK_SET) >= 0)
        noted("write", write(DATA, data, 1 + step->b % 600));
}

static void do_read(const struct step *step)
{
    char data[FILE_MAX];
    ssize_t n = pread(DATA, data, sizeof data, 64);
    note("pread %zd: %x", n, n > 0 ? digest(data, (size_t)n) : 0);
}

static void do_resize(const struct step *step) { noted("resize", step->b % 2 ? ftruncate(DATA, model.size) : truncate("f", model.size)); }

static void do_punch(const struct step *step) { noted("punch", fallocate(DATA, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, place(step), 1 + step->b % 600)); }

static void do_sync(const struct step *step)
{
    noted("sync", step->b % 3 == 0 ? msync(map, FILE_MAX, MS_SYNC) : step->b % 3 == 1 ? fsync(DATA) : madvise(map, FILE_MAX, MADV_DONTNEED));
}

static void do_sendfile(const struct step *step)
{
    off_t from = place(step);
    noted("sendfile", sendfile(CHANNEL_OUT + (int)(step->a % CHANNELS), DATA, &from, amount));
}

static void do_copy(const struct step *step)
{
    loff_t from = 64 + step->a % 1000, to = 1864 + step->b % 500;
    noted("copy", copy_file_range(DATA, &from, DATA, &to, 1 + step->b % 600, 0));
}

/* Natively, closing any descriptor of a file drops the process's POSIX locks of it. */
static void do_reopen(const struct step *step)
{
    int fd = (int)MUST(open("f", O_RDWR | O_CLOEXEC));
    char *again = mmap(NULL, FILE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST(again == MAP_FAILED ? -1 : 0);
    if (step->b % 2) {
        munmap(map, FILE_MAX);
        map = again;
    } else {
        memcpy(again + place(step), "again", 5);
        munmap(again, FILE_MAX);
    }
    noted("reopen", close(fd));
}

static void op_file(struct step *step)
{
    static void (*const functions[])(const struct step *) = {do_store, do_store, do_load, do_load, do_write, do_write, do_read, do_read, do_punch, do_sync, do_copy};
    solo(step, functions[step->c / 3 % (sizeof functions / sizeof *functions)]);
}

static void op_resize(struct step *step)
{
    model.size = 4096 + step->a % (FILE_MAX - 4096);
    solo(step, do_resize);
}

/* What waits in a pipe may be the file's pages themselves, so it is read at once. */
static void op_sendfile(struct step *step)
{
    amount = 1 + step->b % 600;
    if (model.available[step->a % CHANNELS][step->who] == 0)
        pair(step, do_receive, do_sendfile);
}

static void op_reopen(struct step *step)
{
    step->by_child = step->by_thread = false;
    model.held[POSIX][step->who] = 0;
    solo(step, do_reopen);
}

static int *word(void) { return (int *)(void *)map; }

static void do_sleep(const struct step *step)
{
    int value;
    while ((value = __atomic_load_n(word(), __ATOMIC_SEQ_CST)) != model.word)
        syscall(SYS_futex, word(), FUTEX_WAIT, value, NULL, NULL, 0);
    note("word %d", value);
}

static void do_wake(const struct step *step)
{
    __atomic_store_n(word(), model.word, __ATOMIC_SEQ_CST);
    note("wake %s", syscall(SYS_futex, word(), FUTEX_WAKE, INT_MAX, NULL, NULL, 0) >= 0 ? "done" : "failed");
}

static void op_futex(struct step *step)
{
    model.word++;
    pair(step, do_sleep, do_wake);
}

/* ---- signals ---- */

static void on_signal(int signal_number, siginfo_t *info, void *context)
{
    handled++;
    if (signal_number > SIGRTMIN)
        values = (values * 31 + (unsigned)info->si_value.sival_int) & 0xffff;
}

static void do_kill(const struct step *step)
{
    union sigval value = {.sival_int = (int)(step->b % 1000)};
    noted("kill", step->c % 2 ? kill(other, SIGUSR1) : sigqueue(other, SIGRTMIN + 1, value));
}

static void op_kill(struct step *step)
{
    step->by_child = false;
    if (model.told[!step->who])
        step->c &= ~1u; /* one that is queued */
    solo(step, do_kill);
    model.told[!step->who] |= step->c % 2;
}

static void kill_and_send(const struct step *step)
{
    kill(other, SIGUSR1);
    send_bytes(step, amount);
}

/* A handler runs while it reads, and the read goes on. */
static void op_restart(struct step *step)
{
    amount = 1 + step->b % 600;
    step->by_child = step->by_thread = false;
    if (model.available[step->a % CHANNELS][step->who] == 0)
        pair(step, do_receive, kill_and_send);
}

static void block(int signal_number, int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    sigprocmask(how, &set, NULL);
}

/* It is woken by a signal, sent again and again until it has been. */
static void do_interrupted(const struct step *step)
{
    char byte;
    block(SIGUSR2, SIG_UNBLOCK);
    ssize_t n = step->b % 2 ? read(CHANNEL_IN + (int)(step->a % CHANNELS), &byte, 1) : poll(NULL, 0, -1);
    int code = errno;
    block(SIGUSR2, SIG_BLOCK);
    note("interrupted %zd %s", n, error_name(code));
}

static void kick(const struct step *step)
{
    struct pollfd token = {.fd = TOKEN_IN, .events = POLLIN};
    do
        kill(other, SIGUSR2);
    while (poll(&token, 1, 1) == 0);
}

static void nothing(int signal_number) {}

static void op_interrupt(struct step *step)
{
    sigset_t set;
    step->by_child = step->by_thread = false;
    if (model.available[step->a % CHANNELS][step->who] != 0)
        return;
    pair(step, do_interrupted, kick);
    if (!acting)
        return;
    if (me != step->who) { /* no kick comes after this */
        give();
        return;
    }
    take();
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    while (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) > 0)
        ;
}

static void do_suspend(const struct step *step)
{
    sigset_t set;
    if (step->c % 2) {
        sigprocmask(SIG_BLOCK, NULL, &set);
        sigdelset(&set, SIGRTMIN + 2);
        noted("sigsuspend", sigsuspend(&set));
    } else {
        siginfo_t info;
        sigemptyset(&set);
        sigaddset(&set, SIGRTMIN + 2);
        int n = sigwaitinfo(&set, &info);
        note("sigwaitinfo %d %d", n == SIGRTMIN + 2, info.si_value.sival_int);
    }
}

static void do_queue(const struct step *step)
{
    union sigval value = {.sival_int = (int)(step->b % 1000)};
    noted("sigqueue", sigqueue(other, SIGRTMIN + 2, value)); /* blocked but for who waits for it */
}

static void op_suspend(struct step *step)
{
    step->by_child = step->by_thread = false;
    pair(step, do_suspend, do_queue);
}

/* ---- what is made on the way ---- */

static int passed; /* the end of a pipe that is kept */

/* A pipe's writing end goes to the other, which writes and closes it. */
static void do_pass(const struct step *step)
{
    char data[1024], control[CMSG_SPACE(sizeof(int))] = "";
    int p[2];
    MUST(pipe2(p, O_CLOEXEC));
    struct iovec iov = {data, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &p[1], sizeof(int));
    MUST(sendmsg(CHANNEL_OUT + SOCKET, &message, 0));
    close(p[1]);
    passed = p[0];
    unsigned have = 0;
    ssize_t n;
    while ((n = read(passed, data + have, sizeof data - have)) > 0)
        have += (unsigned)n;
    note("passed %zd %u: %x", n, have, digest(data, have));
    close(passed);
}

static void do_use(const struct step *step)
{
    char data[1024], control[CMSG_SPACE(sizeof(int))] = "";
    struct iovec iov = {data, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int fd = -1;
    MUST(recvmsg(CHANNEL_IN + SOCKET, &message, MSG_CMSG_CLOEXEC) == 1 ? 0 : -1);
    if (CMSG_FIRSTHDR(&message) != NULL)
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    fill(data, step, amount);
    noted("use", write(fd, data, amount));
    close(fd);
}

static void op_pass(struct step *step)
{
    amount = 1 + step->b % 600;
    if (model.available[SOCKET][!step->who] == 0)
        pair(step, do_pass, do_use);
}

static void do_accept(const struct step *step)
{
    char data[1024] = "";
    int fd = accept4(LISTENER + me, NULL, NULL, SOCK_CLOEXEC);
    ssize_t n = recv(fd, data, amount, MSG_WAITALL);
    note("accept %zd: %x then %zd", n, digest(data, (size_t)n), recv(fd, data, 1, 0));
    close(fd);
}

static void do_connect(const struct step *step)
{
    char data[1024];
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    MUST(getsockname(LISTENER + !me, (struct sockaddr *)&address, &length));
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    noted("connect", connect(fd, (struct sockaddr *)&address, sizeof address));
    fill(data, step, amount);
    noted("send", send(fd, data, amount, 0));
    close(fd);
}

static void op_connect(struct step *step)
{
    amount = 1 + step->b % 600;
    pair(step, do_accept, do_connect);
}

static void do_broken(const struct step *step)
{
    int p[2];
    MUST(pipe2(p, O_CLOEXEC));
    close(p[0]);
    noted("broken", write(p[1], "x", 1));
    close(p[1]);
}

static void op_broken(struct step *step)
{
    step->by_child = step->by_thread = false;
    solo(step, do_broken);
}

/* The token goes on when the new program is there. */
static void op_exec(struct step *step)
{
    char words[7][16];
    const int numbers[7] = {seed, last_seed, at_step + 1, me, other, (int)handled, (int)values};
    sigset_t all;
    if (!acting)
        return;
    if (me != step->who) {
        take();
        return;
    }
    for (int i = 0; i < 7; i++)
        snprintf(words[i], sizeof words[i], "%d", numbers[i]);
    note("exec");
    flush_notes();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    execl("/proc/self/exe", "interleave", "resume", words[0], words[1], words[2], words[3], words[4], words[5], words[6], NULL);
    MUST(-1);
}

static void (*const ops[])(struct step *) = {
    op_send, op_send, op_receive, op_receive, op_receive, op_fill,    op_wait,    op_wait,      op_lock,    op_lock, op_lock,    op_lock,   op_unlock, op_ask,  op_file,
    op_file, op_file, op_file,    op_file,    op_file,    op_file,    op_file,    op_resize,    op_sendfile, op_reopen, op_futex, op_kill,  op_kill,   op_restart, op_restart,
    op_interrupt, op_suspend,     op_pass,    op_connect, op_broken,
};
#define OPS (int)(sizeof ops / sizeof *ops)

/* ---- a seed ---- */

static void signals(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART}, interrupting = {.sa_handler = nothing};
    sigset_t mask;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGRTMIN + 1, &action, NULL);
    sigaction(SIGRTMIN + 2, &action, NULL);
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGUSR2, &interrupting, NULL);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigaddset(&mask, SIGRTMIN + 2);
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void start(void)
{
    map = mmap(NULL, FILE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, DATA, 0);
    notes = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(map == MAP_FAILED || notes == MAP_FAILED ? -1 : 0);
    signals();
}

static void run(int from)
{
    random_state = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    memset(&model, 0, sizeof model);
    model.size = FILE_MAX / 2;
    for (at_step = 0; at_step < STEPS; at_step++) {
        int op = (int)number(3 * OPS + 1);
        unsigned how = number(16);
        struct step step = {.who = (int)number(2), .by_thread = how < 2, .by_child = how == 2};
        step.a = number(100000);
        step.b = number(100000);
        step.c = number(100000);
        acting = at_step >= from;
        if (from > 0 && at_step == from)
            give();
        if (op == 3 * OPS)
            op_exec(&step);
        else
            ops[op / 3](&step);
    }
    if (from == STEPS)
        give();
    note("end: map %x", digest(map + 64, model.size - 64));
    flush_notes();
    munmap(map, FILE_MAX);
    munmap(notes, LOG_SIZE);
}

/* ---- what both begin with ---- */

static void put(int fd, int at) { MUST(dup2(fd, at)); }

static void listener(int at)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(bind(fd, (struct sockaddr *)&address, sizeof address));
    MUST(listen(fd, 5));
    put(fd, at);
}

static void tcp_pair(int fds[2])
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int one = 1;
    MUST(getsockname(LISTENER, (struct sockaddr *)&address, &length));
    fds[0] = (int)MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(connect(fds[0], (struct sockaddr *)&address, sizeof address));
    fds[1] = (int)MUST(accept(LISTENER, NULL, NULL));
    for (int i = 0; i < 2; i++)
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void open_own(void)
{
    char name[] = "notes.0";
    name[6] = (char)('0' + me);
    put((int)MUST(open("f", O_RDWR)), DATA);
    put((int)MUST(open("f", O_RDWR)), LOCKED);
    put((int)MUST(open(name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600)), NOTES);
}

/* Both processes, with all that they share.  The first goes on as 0. */
static void set_out(void)
{
    int token[2][2], pipes[2][2], stream[2], tcp[2], first = getpid();
    signals();
    make_file("f", "");
    MUST(truncate("f", FILE_MAX / 2));
    listener(LISTENER);
    listener(LISTENER + 1);
    tcp_pair(tcp);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
    for (int i = 0; i < 2; i++) {
        MUST(pipe(token[i]));
        MUST(pipe(pipes[i]));
    }
    handled = values = 0;
    pid_t child = (pid_t)MUST(fork());
    me = child == 0;
    other = child == 0 ? first : child;
    put(token[me][0], TOKEN_IN);
    put(token[!me][1], TOKEN_OUT);
    put(stream[me], CHANNEL_IN + SOCKET);
    put(stream[me], CHANNEL_OUT + SOCKET);
    put(tcp[me], CHANNEL_IN + TCP);
    put(tcp[me], CHANNEL_OUT + TCP);
    put(pipes[me][0], CHANNEL_IN + PIPE);
    put(pipes[!me][1], CHANNEL_OUT + PIPE);
    open_own();
    MUST(syscall(SYS_close_range, 3, TOKEN_IN - 1, 0));
}

static void show_notes(bool all)
{
    static const char *const names[] = {"notes.0", "notes.1"};
    static char text[LOG_SIZE];
    unsigned hash[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        int fd = (int)MUST(open(names[i], O_RDONLY));
        ssize_t n = read(fd, text, sizeof text);
        close(fd);
        hash[i] = n > 0 ? digest(text, (size_t)n) : 0;
        if (all)
            MUST(write(1, text, (size_t)n));
        unlink(names[i]);
    }
    say("seed %d: %06x %06x", seed, hash[0], hash[1]);
}

/* The rest of a seed, of both processes; 1 ends with it. */
static void finish(int from, bool all)
{
    start();
    run(from);
    if (me == 1)
        _exit(0);
    int status = reap(other);
    if (status != 0)
        say("seed %d: the other ended with %x", seed, status);
    show_notes(all);
    MUST(syscall(SYS_close_range, TOKEN_IN, LISTENER + 1, 0));
}

int main(int argc, char **argv)
{
    if (argc == 9 && strcmp(argv[1], "resume") == 0) {
        seed = atoi(argv[2]);
        last_seed = atoi(argv[3]);
        me = atoi(argv[5]);
        other = atoi(argv[6]);
        handled = (unsigned)atoi(argv[7]);
        values = (unsigned)atoi(argv[8]);
        finish(atoi(argv[4]), seed == last_seed);
        seed++;
    } else {
        seed = argc > 1 ? atoi(argv[1]) : 1;
        last_seed = argc > 2 ? atoi(argv[2]) : argc > 1 ? seed : SEEDS;
    }
    for (; seed <= last_seed; seed++) {
        set_out();
        finish(0, seed == last_seed);
    }
    return 0;
}
