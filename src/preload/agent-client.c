/* SPDX-License-Identifier: GPL-2.0-only */
/* agent-client.c: what src/client asks of a session, answered by the agent: threads' channels, cancelling, the session's end. */
#include "src/preload/inner.h"

#include "src/core/util.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

struct preload_config *config;
struct rsys_session session;

int session_fail(struct rsys_session *of, int code)
{
    int none = 0;
    while (atomic_load(&self->process->ending))
        (void)RAW(SYS_pause);
    (void)code; /* whatever it was: from now on, what is remote is a file on a disk that is gone */
    if (atomic_compare_exchange_strong(&of->lost, &none, EIO) && atomic_exchange(&config->told, 1) == 0)
        say((const char *const[]){"rsys-preload: the connection to the server is lost: calls that go there fail with EIO from now on", NULL});
    return -EIO;
}

int64_t agent_exchange(int agent, const struct preload_request *request, int *ret_fd)
{
    struct preload_answer answer;
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec in = {&answer, sizeof answer};
    struct msghdr message = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (agent < 0 || RAW(SYS_sendto, agent, request, sizeof *request, MSG_NOSIGNAL) != (int64_t)sizeof *request ||
        RAW(SYS_recvmsg, agent, &message, MSG_CMSG_CLOEXEC) != (int64_t)sizeof answer)
        return -ECONNRESET;
    int fd = -1;
    if (message.msg_controllen >= CMSG_LEN(sizeof fd) && control.head.cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
    if (answer.result >= 0 && ret_fd != NULL && fd < 0)
        return -EMFILE;
    if (ret_fd != NULL)
        *ret_fd = fd;
    return answer.result;
}

/* Whether a descriptor can be received.  If not, the executor that it is for would be made, and lost, in vain. */
static bool has_room(void)
{
    int64_t fd = RAW(SYS_fcntl, self->process->placeholder, F_DUPFD_CLOEXEC, 0);
    if (fd >= 0)
        (void)RAW(SYS_close, fd);
    return fd >= 0;
}

int64_t agent_ask(enum preload_op op, int tid, uint32_t seq, int *ret_fd)
{
    const struct preload_request request = {.op = op, .tid = tid, .seq = seq};
    if (ret_fd != NULL && !has_room())
        return -EMFILE;
    lock_take(&self->process->lock);
    int64_t result = agent_exchange(self->process->agent, &request, ret_fd);
    lock_give(&self->process->lock);
    return result == -ECONNRESET ? session_fail(&session, ECONNRESET) : result;
}

void session_cancel(struct rsys_session *of, const struct channel *channel, uint32_t seq)
{
    (void)of;
    (void)agent_ask(PRELOAD_CANCEL, channel->tid, seq, NULL);
}

int thread_channel(struct rsys_session *of, struct channel **ret)
{
    int fd = -1;
    if (atomic_load(&of->lost) != 0)
        return -EIO;
    if (self->channel == NULL) {
        int64_t tid = agent_ask(PRELOAD_THREAD, 0, 0, &fd);
        if (tid < 0)
            return (int)tid;
        fd = fd_put_away(fd, HOME_CHANNEL);
        self->channel = fd < 0 ? NULL : channel_new(fd, (pid_t)tid);
        if (self->channel == NULL) {
            fd_close_ours(fd);
            return fd < 0 ? fd : -ENOMEM;
        }
        atomic_fetch_add(&self->process->channels, 1);
    }
    *ret = self->channel;
    return 0;
}
