/* SPDX-License-Identifier: GPL-2.0-only */
/* start.c: the outer half of making a sandbox: what only the server's own privileges can do, and the wait for the inner half.
 *
 *   outer (session process)                      inner (inside.c, pid 1 of the sandbox)
 *   clone into fresh namespaces          ---->   waits
 *   write the id maps
 *   copy the mounts that root alone may copy
 *   connect it to our network
 *   "go", with those mounts              ---->   the stages of inside.c
 *   wait                                 <----   one byte, then end of file: init runs;  or a message: the stage that failed */
#include "sandbox/internal.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* "Go": which tree each descriptor of the message is. */
struct go {
    int32_t privileged;
    int32_t root;
    int32_t mount[SANDBOX_MOUNTS_MAX]; /* an index of the message's descriptors, or SANDBOX_TREE_* */
};

struct failure {
    int32_t code;
    char text[1000]; /* terminated */
};

#define GO_CONTROL CMSG_SPACE(sizeof(int) * (SANDBOX_MOUNTS_MAX + 1))

static int send_go(int sync_fd, bool privileged, const struct sandbox_trees *trees, struct rsys_error **err)
{
    struct go go = {.privileged = privileged};
    int fds[SANDBOX_MOUNTS_MAX + 1], count = 0;
    go.root = trees->root >= 0 ? (fds[count] = trees->root, count++) : trees->root;
    for (size_t i = 0; i < SANDBOX_MOUNTS_MAX; i++)
        go.mount[i] = trees->mount[i] >= 0 ? (fds[count] = trees->mount[i], count++) : trees->mount[i];
    union {
        char bytes[GO_CONTROL];
        struct cmsghdr align;
    } control;
    struct iovec iov = {&go, sizeof go};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * (size_t)count);
    }
    if (sendmsg(sync_fd, &message, MSG_NOSIGNAL) != (ssize_t)sizeof go)
        return rsys_error_make(err, errno, "stage namespaces: the sandbox's first process has ended");
    return 0;
}

static int receive_go(struct sandbox_inside *inside, struct rsys_error **err)
{
    struct go go;
    union {
        char bytes[GO_CONTROL];
        struct cmsghdr align;
    } control;
    struct iovec iov = {&go, sizeof go};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(inside->sync_fd, &message, MSG_CMSG_CLOEXEC);
    if (n != (ssize_t)sizeof go)
        return rsys_error_make(err, n < 0 ? errno : 0, "stage namespaces: the session process has ended");
    int fds[SANDBOX_MOUNTS_MAX + 1], count = 0;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head != NULL && head->cmsg_type == SCM_RIGHTS) {
        count = (int)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(head), sizeof(int) * (size_t)count);
    }
    inside->privileged = go.privileged != 0;
    inside->trees.root = go.root >= 0 && go.root < count ? fds[go.root] : go.root;
    for (size_t i = 0; i < SANDBOX_MOUNTS_MAX; i++)
        inside->trees.mount[i] = go.mount[i] >= 0 && go.mount[i] < count ? fds[go.mount[i]] : go.mount[i];
    return 0;
}

/* The inner half's whole life, up to the execution. */
static void run_inside(struct sandbox_inside *inside)
{
    RSYS_AUTO_ERROR err = NULL;
    if (receive_go(inside, &err) == 0)
        sandbox_inside(inside, &err);
    struct failure failure = {.code = err != NULL ? err->code : 0};
    snprintf(failure.text, sizeof failure.text, "%s", rsys_error_text(err));
    (void)!send(inside->sync_fd, &failure, sizeof failure, MSG_NOSIGNAL); /* not write(2), which a policy may deny */
    _exit(1);
}

int sandbox_send_ready(int sync_fd, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    return sendmsg(sync_fd, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* What the inner half says; a descriptor that comes along is stored. */
static ssize_t receive_word(int sync_fd, void *data, size_t size, int *fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {data, size};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(sync_fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *head = n >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head != NULL && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof *fd)) {
        rsys_close(*fd);
        memcpy(fd, CMSG_DATA(head), sizeof *fd);
    }
    return n;
}

/* Wait until the inner half executes init.  Success: one byte, perhaps with the listener, then end of file. */
static int wait_for_init(int sync_fd, int *ret_listener, struct rsys_error **err)
{
    bool ready = false;
    RSYS_AUTO_FD listener = -1;
    for (;;) {
        struct failure failure;
        ssize_t n = receive_word(sync_fd, &failure, sizeof failure, &listener);
        if (n == 1) {
            ready = true;
        } else if (n == (ssize_t)sizeof failure) {
            failure.text[sizeof failure.text - 1] = 0;
            rsys_error_make(err, 0, "%s", failure.text);
            if (err != NULL && *err != NULL)
                (*err)->code = failure.code;
            return -1;
        } else if (n == 0 && ready) {
            *ret_listener = rsys_fd_steal(&listener);
            return 0;
        } else {
            return rsys_error_make(err, n < 0 ? errno : 0, "stage namespaces: the sandbox's first process ended without a word (out of memory?)");
        }
    }
}

/* What is done to the fresh process from outside. */
static int prepare(const struct rsys_sandbox_start *start, bool privileged, pid_t pid, int sync_fd, struct rsys_error **err)
{
    const struct rsys_sandbox_spec *spec = start->spec;
    struct sandbox_trees trees;
    sandbox_trees_init(&trees);
    int result;
    if (privileged) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
        result = rsys_sandbox_write_maps(pid, spec->uid, start->outside_uid, spec->gid, start->outside_gid, spec->uid_range, err);
        RSYS_AUTO_FD userns = result == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (result == 0 && userns < 0)
            result = rsys_error_make(err, errno, "stage ids: open %s", path);
        if (result == 0)
            result = sandbox_trees_prepare(start, userns, &trees, err);
    } else {
        result = rsys_sandbox_write_maps(pid, spec->uid, geteuid(), spec->gid, getegid(), 1, err);
    }
    if (result == 0 && spec->network == RSYS_NETWORK_VETH)
        result = sandbox_veth_make(start, pid, err);
    if (result == 0)
        result = send_go(sync_fd, privileged, &trees, err);
    sandbox_trees_close(&trees);
    return result;
}

static int check(const struct rsys_sandbox_start *start, uint32_t *ret_nofile, struct rsys_error **err)
{
    const struct rsys_sandbox_spec *spec = start->spec;
    if (spec->mounts > SANDBOX_MOUNTS_MAX)
        return rsys_error_make(err, 0, "stage mounts: %zu mounts are too many: the most are %d", spec->mounts, SANDBOX_MOUNTS_MAX);
    if (spec->uid_range > SANDBOX_RANGE_MAX)
        return rsys_error_make(err, 0, "stage ids: a range of %u ids is too large: the most are %u", spec->uid_range, SANDBOX_RANGE_MAX);
    return rsys_sandbox_nofile(spec, ret_nofile, err);
}

pid_t rsys_sandbox_start(const struct rsys_sandbox_start *start, int *ret_broker_fd, int *ret_listener_fd, struct rsys_error **err)
{
    struct sandbox_inside inside = {.start = start, .sync_fd = -1, .broker_take = -1, .broker_give = -1};
    sandbox_trees_init(&inside.trees);
    if (check(start, &inside.nofile, err) < 0)
        return -1;
    int sync[2], broker[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync) < 0)
        return rsys_error_make(err, errno, "stage namespaces: socketpair");
    RSYS_AUTO_FD ours = sync[0], theirs = sync[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, broker) < 0)
        return rsys_error_make(err, errno, "stage namespaces: socketpair");
    RSYS_AUTO_FD take = broker[0], give = broker[1];

    bool privileged = sandbox_can_map_range(start->outside_uid, start->outside_gid, RSYS_MAX(start->spec->uid_range, 1u));
    pid_t pid = sandbox_birth(start, privileged, err);
    if (pid < 0)
        return -1;
    if (pid == 0) {
        close(rsys_fd_steal(&ours));
        inside.sync_fd = theirs;
        inside.broker_take = take;
        inside.broker_give = give;
        run_inside(&inside);
    }
    close(rsys_fd_steal(&theirs));
    if (prepare(start, privileged, pid, ours, err) < 0 || wait_for_init(ours, ret_listener_fd, err) < 0) {
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        rsys_sandbox_unlink(start);
        return -1;
    }
    *ret_broker_fd = rsys_fd_steal(&give);
    return pid;
}
