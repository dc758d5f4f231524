/* SPDX-License-Identifier: GPL-2.0-only */
/* tls-process.c: the process that speaks TLS for one session, on either side.
 *
 * It is given, over a SOCK_SEQPACKET pair: its keys first, then connections, each with the end of a socket pair.  The first connection makes the session, the
 * others belong to it.  When nobody holds the other end of its pair any more it sends what waits, within LINGER_MS, and ends.  It has no other clocks: whoever has given a
 * connection closes the other end of its pair when that takes too long.
 *
 * What it reads from connections is hostile; what it reads from its pair and key files is not.  It holds no descriptor but these. */
#include "transport/ops.h"
#include "transport/tls-inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#define LINGER_MS 2000

enum order_kind { ORDER_KEYS = 1, ORDER_CONNECTION = 2 };

/* With ORDER_KEYS: the key file's text, a memfd.  With ORDER_CONNECTION: the connection and the pair's end. */
struct order {
    uint32_t kind, kernel;
    char host[256];
};
#define ORDER_FDS 2

union control {
    char bytes[CMSG_SPACE(ORDER_FDS * sizeof(int))];
    struct cmsghdr align;
};

/* ---- giving orders ---- */

static int send_order(int control_fd, const struct order *order, const int *fds, size_t count)
{
    union control control = {.bytes = {0}};
    struct iovec iov = {(void *)(uintptr_t)order, sizeof *order};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    return sendmsg(control_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof *order ? 0 : -1;
}

int rsys_tls_process_keys(int control_fd, const struct rsys_tls_file *file, const char *host, struct rsys_error **err)
{
    struct order order = {.kind = ORDER_KEYS};
    if (host != NULL)
        snprintf(order.host, sizeof order.host, "%s", host);
    RSYS_AUTO_FD text_fd = memfd_create("rsys-keys", MFD_CLOEXEC);
    if (text_fd < 0 || pwrite(text_fd, file->text, file->size, 0) != (ssize_t)file->size)
        return rsys_error_make(err, errno, "hand the keys of %s over", file->path);
    if (send_order(control_fd, &order, &text_fd, 1) < 0)
        return rsys_error_make(err, errno, "hand the keys of %s to the TLS process", file->path);
    return 0;
}

int rsys_tls_process_connection(int control_fd, int connection, int plain, bool kernel)
{
    const struct order order = {.kind = ORDER_CONNECTION, .kernel = kernel};
    return send_order(control_fd, &order, (const int[2]){connection, plain}, 2);
}

/* ---- flows ---- */

static void end_flow(struct tls_flow *flow)
{
    struct tls_process *process = flow->process;
    struct tls_side *const sides[] = {&flow->wire, &flow->plain};
    for (struct tls_flow **at = &process->flows; *at != NULL; at = &(*at)->next)
        if (*at == flow) {
            *at = flow->next;
            process->flow_count--;
            break;
        }
    for (int i = 0; i < 2; i++) {
        /* Closing alone would not take it out of epoll while another process has the socket. */
        if (sides[i]->watched != 0)
            (void)epoll_ctl(process->epoll_fd, EPOLL_CTL_DEL, sides[i]->fd, NULL);
        rsys_close(sides[i]->fd);
        free(sides[i]->waiting.bytes);
    }
    if (flow->tls != NULL)
        gnutls_deinit(flow->tls);
    free(flow);
}

static int watch(struct tls_side *side, unsigned events)
{
    if (events == side->watched)
        return 0;
    struct epoll_event event = {.events = events, .data.ptr = side};
    /* Without events it is taken out: an end of file would be told again and again. */
    int how = events == 0 ? EPOLL_CTL_DEL : side->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    side->watched = events;
    return epoll_ctl(side->flow->process->epoll_fd, how, side->fd, &event);
}

/* Wait for what the flow's stage can use.  Before the relay nothing may come from the plain end; its end is watched for. */
static int watch_flow(struct tls_flow *flow)
{
    struct tls_side *wire = &flow->wire, *plain = &flow->plain;
    unsigned out = wire->waiting.bytes != NULL ? (unsigned)EPOLLOUT : 0;
    if (flow->stage == TLS_RELAY) {
        unsigned wire_in = wire->ended || plain->waiting.bytes != NULL || wire->waiting.bytes != NULL ? 0 : (unsigned)EPOLLIN;
        unsigned plain_in = plain->ended || wire->waiting.bytes != NULL ? 0 : (unsigned)EPOLLIN;
        return watch(wire, wire_in | out) < 0 || watch(plain, plain_in | (plain->waiting.bytes != NULL ? (unsigned)EPOLLOUT : 0)) < 0 ? -1 : 0;
    }
    return watch(wire, out != 0 ? out : (unsigned)EPOLLIN) < 0 || watch(plain, EPOLLRDHUP) < 0 ? -1 : 0;
}

static void flow_event(struct tls_side *side, unsigned events)
{
    struct tls_flow *flow = side->flow;
    bool over = false;
    flow->process->out_have = 0;
    if (flow->stage == TLS_RELAY) {
        over = tls_relay(flow, side, events) < 0;
    } else if (side == &flow->plain) {
        over = true; /* whoever gave it to us has given it up */
    } else if (side->waiting.bytes != NULL) {
        over = rsys_backlog_push(&side->waiting, side->fd) < 0;
    } else {
        tls_handshake_go_on(flow);
    }
    over = over || (flow->stage == TLS_LAST && flow->wire.waiting.bytes == NULL);
    if (over || watch_flow(flow) < 0)
        end_flow(flow);
}

/* Takes both descriptors. */
static void add_flow(struct tls_process *process, int connection, int plain, bool kernel)
{
    struct tls_flow *flow = process->flow_count < TLS_FLOWS_MAX && process->keys != NULL ? calloc(1, sizeof *flow) : NULL;
    if (flow == NULL) {
        close(connection);
        close(plain);
        return;
    }
    flow->wire = (struct tls_side){.flow = flow, .fd = connection};
    flow->plain = (struct tls_side){.flow = flow, .fd = plain};
    flow->process = process;
    flow->kernel = kernel;
    flow->next = process->flows;
    process->flows = flow;
    process->flow_count++;
    process->out_have = 0;
    if (tls_handshake_begin(flow) < 0 || (flow->stage == TLS_LAST && flow->wire.waiting.bytes == NULL) || watch_flow(flow) < 0)
        end_flow(flow);
}

/* ---- taking orders ---- */

static int take_keys(struct tls_process *process, int text_fd, const char *host, struct rsys_error **err)
{
    off_t size = lseek(text_fd, 0, SEEK_END);
    if (size < 0 || size > RSYS_TLS_FILE_MAX)
        return rsys_error_make(err, EINVAL, "the keys' size");
    RSYS_AUTO_FREE char *text = calloc(1, (size_t)size + 1);
    if (text == NULL || pread(text_fd, text, (size_t)size, 0) != (ssize_t)size)
        return rsys_error_make(err, errno, "read the keys");
    struct tls_keys *keys = tls_keys_parse(text, (size_t)size, err);
    explicit_bzero(text, (size_t)size);
    if (keys == NULL)
        return -1;
    struct tls_keys *old = process->keys;
    process->keys = keys;
    free(process->host);
    process->host = host[0] != 0 ? strdup(host) : NULL;
    int code = tls_credentials(process);
    tls_keys_free(old);
    return code < 0 ? rsys_error_make(err, 0, "%s", gnutls_strerror(code)) : 0;
}

/* 0; -1: there are no more, or none that can be understood. */
static int take_order(struct tls_process *process)
{
    struct order order;
    union control control;
    struct iovec iov = {&order, sizeof order};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int fds[ORDER_FDS] = {-1, -1};
    ssize_t n = recvmsg(process->control_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (n != (ssize_t)sizeof order || head == NULL || head->cmsg_type != SCM_RIGHTS || head->cmsg_len > CMSG_LEN(sizeof fds))
        return -1;
    memcpy(fds, CMSG_DATA(head), head->cmsg_len - CMSG_LEN(0));
    order.host[sizeof order.host - 1] = 0;
    if (order.kind == ORDER_KEYS && fds[1] < 0) {
        RSYS_AUTO_ERROR err = NULL;
        int result = take_keys(process, fds[0], order.host, &err);
        close(fds[0]);
        /* A client that the keys no longer let in loses what it has, at once. */
        if (process->server && process->has_session && (result < 0 || !tls_peer_still_trusted(process)))
            _exit(0);
        return result;
    }
    if (order.kind == ORDER_CONNECTION && fds[1] >= 0) {
        add_flow(process, fds[0], fds[1], order.kernel != 0);
        return 0;
    }
    return -1;
}

static void run(struct tls_process *process)
{
    struct epoll_event control = {.events = EPOLLIN, .data.ptr = process};
    if (epoll_ctl(process->epoll_fd, EPOLL_CTL_ADD, process->control_fd, &control) < 0)
        return;
    int64_t end = -1;
    while (end < 0 || process->flows != NULL) {
        struct epoll_event event; /* one at a time: an event may end what the next one is of */
        int n = epoll_wait(process->epoll_fd, &event, 1, rsys_deadline_left(end));
        if ((n < 0 && errno != EINTR) || (end >= 0 && rsys_deadline_left(end) == 0))
            return;
        if (n != 1)
            continue;
        if (event.data.ptr != process) {
            flow_event(event.data.ptr, event.events);
        } else if (take_order(process) < 0) {
            end = rsys_deadline(LINGER_MS);
            (void)epoll_ctl(process->epoll_fd, EPOLL_CTL_DEL, process->control_fd, NULL);
        }
    }
}

void rsys_tls_process_run(int control_fd, bool server, rsys_tls_confine *confine)
{
    RSYS_AUTO_ERROR err = NULL;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* a terminal's signals are for others */
    struct tls_process *process = calloc(1, sizeof *process);
    tzset(); /* its file is not there later */
    if (process == NULL || gnutls_global_init() < 0)
        _exit(1);
    process->server = server;
    process->control_fd = control_fd;
    process->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    const int keep[] = {RSYS_MIN(control_fd, process->epoll_fd), RSYS_MAX(control_fd, process->epoll_fd)};
    if (process->epoll_fd < 0 || (confine != NULL && confine("rsys-tls", keep, RSYS_ARRAY_SIZE(keep), &err) < 0)) {
        fprintf(stderr, "rsys: the process for TLS cannot be confined: %s\n", rsys_error_text(err));
        _exit(1);
    }
    run(process);
    _exit(0);
}
