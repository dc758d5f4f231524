/* SPDX-License-Identifier: GPL-2.0-only */
/* resume.c: connections that are cut while guests run, and the session goes on.
 *
 * Each channel is resumed for itself: its executor thread takes a spare and greets on it once more, saying what it has received; here the greeting is matched with the thread's
 * channel, and both sides send again what the other lacks (server/executor/resume.c).  An executor that does not notice by itself is made to by the control channel.  That is one
 * more channel, pid 1's.
 *
 * The *tether* tells whether the client is there, and whether the server is: an orderly end of it is the other side's end; any other end, or no answer to what is
 * sent on it, is a cut, and as long as it has no successor the session waits.
 *
 * A connection that looks alive and carries nothing is found by what does not come: an answer on the tether, and then all connections are replaced, unless the next tether shows that the
 * server was slow; or a reply on a channel, and then
 * its executor is told to take another one unless it has heard of us since.  A call that simply takes long costs no more than that.
 *
 * The view's channel is resumed by its own thread (pager.c), with connections of its own: we may be waiting for the view ourselves.
 *
 * What the server says here is a number; a wrong one makes the session fail, and nothing else. */
#include "src/jail/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#define TICK_MS 100          /* while something is cut */
#define PING_MS 4000         /* between two questions on the tether */
#define PONG_MS 8000         /* without an answer for so long, nothing reaches the server */
#define ASK_FIRST_MS 300     /* until an executor whose channel is cut is told so: it mostly knows */
#define ASK_LAST_MS 8000     /* between two of these, at most */
#define TELL_MS 1000         /* a cut that is over sooner is not worth a word */
#define ASKS_FAST 5          /* after so many, an executor is taken to be in a call that takes long */
#define SPARES_LOST 8        /* so many in a row, and the next are not made at once */
#define RETRY_MS 500         /* between two tries to connect */
#define MORE_SPARES 16       /* for channels that are cut, beside those that are always kept */
#define EXITS_UNHEARD 3      /* so often a thread that exits is asked for in vain */

struct resume {
    struct jail *jail;
    struct source tether, timer;
    bool had;                  /* there has been a tether */
    bool wished;               /* one is being made */
    bool fast;                 /* the timer's pace */
    bool told;                 /* the user knows that we wait */
    int64_t cut_at;            /* monotonic ms: since when there is no tether; 0: there is one */
    int64_t retry_at;
    int64_t pinged_at;         /* when the last question was sent */
    bool unanswered;
    int64_t spare_at;          /* no spares before then */
    int64_t looked_at;         /* at channels on which nothing comes */
    unsigned long cuts, resumed; /* for --stats */
    uint8_t word[sizeof(struct rsys_wire_reply) + RSYS_END_MAX]; /* the server's last word, as far as it has come */
    size_t word_have;
    int stale;                 /* a tether that did not answer, until there is another one; or -1 */
};

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void set_pace(struct resume *resume, bool fast)
{
    unsigned ms = fast ? TICK_MS : PING_MS;
    struct timespec pace = {ms / 1000, ms % 1000 * 1000000L};
    struct itimerspec timer = {pace, pace};

    if (resume->fast != fast)
        timerfd_settime(resume->timer.fd, 0, &timer, NULL);
    resume->fast = fast;
}

static void wish_tether(struct resume *resume, bool control)
{
    if (resume->wished)
        return;
    resume->wished = rsys_spare_ask_tether(resume->jail, control) == 0;
    set_pace(resume, true);
}

int rsys_resume_start(struct jail *jail, struct rsys_error **err)
{
    struct resume *resume;

    if (jail->session->resume == 0)
        return 0;
    resume = calloc(1, sizeof(*resume));
    if (!resume)
        return rsys_error_make(err, ENOMEM, "start the supervisor");
    resume->jail = jail;
    resume->tether = (struct source){SOURCE_TETHER, -1};
    resume->stale = -1;
    resume->timer = (struct source){SOURCE_TIMER, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
    jail->control->tid = 1;
    jail->resume = resume;
    if (resume->timer.fd < 0 || rsys_source_watch(jail, &resume->timer, false) < 0)
        return rsys_error_make(err, errno, "watch for the end of connections");
    resume->cut_at = now();
    wish_tether(resume, false);
    return 0;
}

bool rsys_resume_waits(const struct jail *jail) { return jail->resume && jail->resume->told; }

int rsys_resume_end_fd(const struct jail *jail) { return jail->resume->tether.fd; }

/* ---- what is cut ---- */

/* A guest that has not executed yet may have a duplicate, with which epoll would keep it. */
static void unwatch(struct jail *jail, struct source *source)
{
    if (source->fd < 0)
        return;
    epoll_ctl(jail->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
    close(source->fd);
    source->fd = -1;
}

static void channel_cut(struct channel *channel, bool orderly)
{
    struct resume *resume = channel->jail->resume;

    unwatch(channel->jail, &channel->source);
    channel->have = 0;
    channel->out_at = channel->out_have = channel->out_held = 0; /* all of it is in `sent` */
    channel->cut = true;
    channel->cut_at = now();
    channel->ask_at = channel->cut_at + (orderly ? 0 : ASK_FIRST_MS); /* orderly: the executor may have ended */
    channel->asked = channel->watched = 0;
    resume->cuts++;
    set_pace(resume, true);
    rsys_spare_balance(channel->jail);
}

bool rsys_resume_cut(struct channel *channel, bool orderly)
{
    struct resume *resume = channel->jail->resume;

    if (!resume || channel->tid == 0 || (channel->is_control && !resume->had))
        return false;
    channel_cut(channel, orderly);
    return true;
}

static void tether_cut(struct resume *resume)
{
    unwatch(resume->jail, &resume->tether);
    resume->word_have = 0;
    resume->cut_at = now();
    resume->retry_at = 0;
    resume->unanswered = false;
    resume->cuts++;
    set_pace(resume, true);
}

/* Nothing comes through: no connection is what it seems. */
static void channels_cut(struct resume *resume)
{
    struct jail *jail = resume->jail;
    struct channel *channel, *next;

    for (channel = jail->channels; channel; channel = next) {
        next = channel->next;
        if (channel->source.fd < 0)
            continue;
        if (channel->tid != 0) {
            channel_cut(channel, false);
        } else {
            jail->spares--;
            rsys_channel_drop(channel);
        }
    }
}

static void all_cut(struct resume *resume)
{
    tether_cut(resume);
    channels_cut(resume);
}

/* The tether does not answer.  It may be dead, and so may all other connections; or the server is slow.  Another tether tells which: it takes the old one's place, and what has come on that is
 * answered first.  Until then that stays open: its end would be the session's. */
static void suspect(struct resume *resume)
{
    epoll_ctl(resume->jail->epoll_fd, EPOLL_CTL_DEL, resume->tether.fd, NULL);
    resume->stale = resume->tether.fd;
    resume->tether.fd = -1;
    tether_cut(resume);
}

/* There is another one. */
static void settle_suspicion(struct resume *resume)
{
    uint8_t byte;

    if (resume->stale < 0)
        return;
    if (recv(resume->stale, &byte, 1, MSG_DONTWAIT) != 1)
        channels_cut(resume);
    close(resume->stale);
    resume->stale = -1;
}

bool rsys_resume_spare_lost(struct jail *jail)
{
    struct resume *resume = jail->resume;

    if (!resume)
        return false;
    jail->spares--;
    if (++jail->spares_lost > SPARES_LOST) {
        resume->spare_at = now() + RETRY_MS;
        resume->pinged_at = 0; /* is anything of the server reached? */
        set_pace(resume, true);
    }
    rsys_spare_balance(jail);
    return true;
}

int rsys_resume_spares_wanted(const struct jail *jail)
{
    int more = 0;

    if (!jail->resume)
        return 0;
    if ((jail->resume->had && jail->resume->cut_at != 0) || (jail->resume->spare_at != 0 && now() < jail->resume->spare_at))
        return -1;
    for (const struct channel *channel = jail->channels; channel && more < MORE_SPARES; channel = channel->next)
        more += channel->cut;
    return more;
}

/* ---- a thread greets again ---- */

static struct channel *find_channel(struct jail *jail, pid_t tid)
{
    struct channel *channel, *fresh = NULL;

    for (channel = jail->channels; channel; channel = channel->next) {
        if (channel->tid == tid && (channel->cut || channel->source.fd >= 0))
            return channel;
        if (channel->tid == tid)
            fresh = channel; /* its first greeting was lost */
    }
    return fresh;
}

static void resume_request(struct rsys_request *request, const struct channel *channel, struct iovec *iov, int *ret_count)
{
    size_t size;

    rsys_request_start(request, RSYS_OP_RESUME, (uint64_t[6]){channel->ack, channel->told});
    *ret_count = rsys_request_frame(request, 0, RSYS_REQUEST_NOREPLY, iov, &size);
}

/* What the executor has not received is what there is to send now. */
static int send_again(struct channel *channel, uint32_t received)
{
    struct rsys_request request = {0};
    struct rsys_sent_part part;
    struct iovec iov[4];
    size_t at = 0;
    int count, failed;

    resume_request(&request, channel, iov, &count);
    failed = rsys_channel_keep(channel, iov, count, 0);
    channel->out_held = channel->out_have;
    rsys_sent_received(&channel->sent, received);
    while (!failed && rsys_sent_next(&channel->sent, &at, &part)) {
        failed = rsys_channel_keep(channel, part.iov, 2, 0);
        if (!rsys_seq_after(part.seq, channel->held_seq))
            channel->out_held = channel->out_have;
    }
    return failed;
}

void rsys_resume_greeting(struct channel *spare, pid_t tid, const struct rsys_wire_resume *have)
{
    struct jail *jail = spare->jail;
    struct channel *channel = find_channel(jail, tid);

    jail->spares--;
    if (!channel || channel == spare) {
        spare->tid = tid; /* of a guest that has ended: so does its executor */
        spare->pid = 0;
    } else {
        if (channel->source.fd >= 0)
            channel_cut(channel, false);
        channel->source.fd = spare->source.fd;
        spare->source.fd = -1;
        rsys_source_change(jail, &channel->source, false);
        rsys_channel_drop(spare);
        channel->cut = false;
        channel->out_at = channel->out_have = 0;
        channel->asked = channel->watched = 0;
        jail->resume->resumed++;
        if (send_again(channel, have->received) < 0)
            rsys_jail_lost(jail, "out of memory");
        rsys_channel_push(channel);
    }
    rsys_spare_balance(jail);
}

/* ---- executors that do not know ---- */

/* A thread that has not greeted was still to be made when another one was told to end all. */
void rsys_exit_unmade(struct guest *of)
{
    for (unsigned i = 0; of && of->process->users > 1 && i < GUEST_BUCKETS; i++)
        for (struct guest *guest = of->process->jail->guests[i]; guest; guest = guest->next)
            if (guest->process == of->process && guest->channel && guest->channel->source.fd < 0 && !guest->channel->cut)
                rsys_exit_unmirrored(guest);
}

/* The executor thread of a channel that was cut has ended: so has the guest's exit, or it is orphaned. */
static void executor_gone(struct channel *channel)
{
    struct guest *guest = channel->guest;
    struct jail *jail = channel->jail;

    jail->news++;
    if (!guest || guest->state != GUEST_EXITING) {
        if (guest)
            rsys_guest_orphaned(guest);
        rsys_channel_drop(channel);
        return;
    }
    if (guest->process->threads == 0)
        rsys_exit_unmade(guest);
    rsys_exit_unmirrored(guest);
}

static void asked(struct channel *control, struct errand *errand, int64_t result)
{
    struct jail *jail = control->jail;
    struct channel *channel = find_channel(jail, errand->tid);

    if (!channel || channel->is_control || (!channel->cut && channel->source.fd < 0))
        return;
    /* A main thread that has ended before its process is still there to the server's kernel. */
    if (result == 0 && channel->cut && channel->guest && channel->guest->state == GUEST_EXITING && channel->asked >= EXITS_UNHEARD &&
        channel->tid == channel->pid && channel->guest->process->threads > 0)
        result = -ESRCH;
    if (result != -ESRCH)
        return;
    executor_gone(channel);
}

/* Have an executor thread take another channel; seq: unless it has received a later request. */
static void ask(struct channel *channel, uint32_t seq)
{
    struct jail *jail = channel->jail;
    struct rsys_request request = {0};

    if (jail->control->cut || channel->pid == 0)
        return;
    rsys_request_start(&request, RSYS_OP_RECONNECT, (uint64_t[6]){(uint64_t)channel->pid, (uint64_t)channel->tid, seq});
    rsys_channel_errand(jail->control, &request, channel->tid, asked);
    rsys_request_free(&request);
}

/* A channel without a connection. */
static void look_at_cut(struct channel *channel, int64_t time)
{
    struct resume *resume = channel->jail->resume;

    if (resume->cut_at != 0 || time < channel->ask_at)
        return;
    if (channel->is_control)
        wish_tether(resume, true);
    else
        ask(channel, 0);
    channel->ask_at = time + (channel->asked < 3 ? 1000 << channel->asked : ASK_LAST_MS);
    channel->asked++;
}

/* Each PING_MS: a channel on which a reply is awaited, and nothing comes. */
static void look_at_silent(struct channel *channel)
{
    struct resume *resume = channel->jail->resume;

    if (channel->cut || channel->tid == 0 || rsys_sent_size(&channel->sent) == 0 || channel->watched_seq != channel->seq) {
        channel->watched_seq = channel->seq;
        channel->watched = 0;
        return;
    }
    channel->watched++;
    /* After 2, 4, 8, ... looks. */
    if (channel->watched < 2 || (channel->watched & (channel->watched - 1)) != 0)
        return;
    if (channel->is_control)
        wish_tether(resume, true);
    else
        ask(channel, channel->seq);
}

/* ---- the loop's events ---- */

void rsys_resume_tether_news(struct jail *jail, int fd, bool refused, const char *message)
{
    struct resume *resume = jail->resume;

    if (!resume) {
        rsys_close(fd);
        return;
    }
    resume->wished = false;
    if (refused) {
        rsys_jail_lost(jail, "the session is over: %s", message);
        return;
    }
    if (fd < 0) {
        resume->retry_at = now() + RETRY_MS;
        return;
    }
    unwatch(jail, &resume->tether);
    resume->word_have = 0;
    resume->tether.fd = fd;
    if (rsys_source_watch(jail, &resume->tether, false) < 0) {
        rsys_jail_lost(jail, "a new connection to the server cannot be kept: out of memory or descriptors");
        return;
    }
    resume->resumed += resume->had;
    resume->had = true;
    resume->cut_at = 0;
    resume->unanswered = false;
    resume->pinged_at = now();
    resume->spare_at = 0;
    jail->spares_lost = 0;
    settle_suspicion(resume);
    rsys_spare_balance(jail);
}

/* Our questions come back, and once, in the end, a word of the server's.  Hostile bytes: no more of them are kept than the longest word has. */
static void take_tether_bytes(struct resume *resume, const uint8_t *bytes, size_t n)
{
    struct rsys_wire_reply end;

    for (; n > 0 && resume->word_have == 0 && *bytes == RSYS_TETHER_PING; bytes++, n--)
        resume->unanswered = false;
    n = RSYS_MIN(n, sizeof(resume->word) - resume->word_have);
    memcpy(resume->word + resume->word_have, bytes, n);
    resume->word_have += n;
    if (resume->word_have < sizeof(end))
        return;
    memcpy(&end, resume->word, sizeof(end));
    if (end.seq != RSYS_SEQ_END || end.size > RSYS_END_MAX)
        rsys_jail_lost(resume->jail, "the server sends back what it was not sent");
    else if (resume->word_have >= sizeof(end) + end.size)
        rsys_jail_last_word(resume->jail, resume->word + sizeof(end), end.size);
}

void rsys_resume_tether_event(struct jail *jail)
{
    struct resume *resume = jail->resume;
    uint8_t bytes[256];
    ssize_t n;

    if (resume->tether.fd < 0)
        return;
    n = recv(resume->tether.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n == 0 && resume->wished)
        tether_cut(resume); /* another one takes its place, or the server says why not */
    else if (n == 0)
        rsys_jail_lost(jail, "the server has ended the session");
    else if (n > 0)
        take_tether_bytes(resume, bytes, (size_t)n);
    else if (errno == ETIMEDOUT)
        all_cut(resume);
    else if (errno != EAGAIN && errno != EINTR)
        tether_cut(resume);
}

static void ping(struct resume *resume, int64_t time)
{
    if (resume->tether.fd < 0)
        return;
    rsys_resume_tether_event(resume->jail); /* the answer may be there, and only we have been away */
    if (resume->tether.fd < 0)
        return;
    if (resume->unanswered) {
        if (time - resume->pinged_at >= PONG_MS)
            suspect(resume);
        return;
    }
    if (resume->pinged_at != 0 && time - resume->pinged_at < PING_MS - TICK_MS)
        return;
    resume->pinged_at = time;
    resume->unanswered = true;
    /* A reset is told once, to whoever comes first: the next receive would say that it has ended orderly. */
    if (send(resume->tether.fd, &(uint8_t){RSYS_TETHER_PING}, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
        tether_cut(resume);
}

/* Two ways: each may be cut, and we may not have heard of it. */
void rsys_resume_bye(struct jail *jail)
{
    struct resume *resume = jail->resume;

    if (!resume)
        return;
    if (resume->tether.fd >= 0)
        (void)!send(resume->tether.fd, &(uint8_t){RSYS_TETHER_BYE}, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (jail->control && !jail->control->cut)
        rsys_control_end(jail);
}

void rsys_resume_exits(struct guest *guest)
{
    unsigned long status = 0;

    guest->killed = ptrace(PTRACE_GETEVENTMSG, guest->tid, NULL, &status) == 0 && WIFSIGNALED((int)status);
    if (guest->killed && rsys_resume_waits(guest->process->jail))
        rsys_guest_resume(guest, 0); /* its executor ends when it hears of it */
}

/* Guests that were killed are not to wait for their executors any more: nothing is heard of the server. */
static void let_killed_go(struct jail *jail)
{
    for (unsigned i = 0; i < GUEST_BUCKETS; i++)
        for (struct guest *guest = jail->guests[i]; guest; guest = guest->next)
            if (guest->state == GUEST_EXITING && guest->killed && guest->stopped)
                rsys_guest_resume(guest, 0);
}

/* What the user is told, and the end of patience. */
static void tell(struct resume *resume, int64_t time)
{
    struct jail *jail = resume->jail;
    int64_t since = resume->had && resume->cut_at != 0 ? resume->cut_at : jail->control->cut ? jail->control->cut_at : 0;
    unsigned limit = jail->session->resume;

    if (!resume->had && time - resume->cut_at >= 1000 * (int64_t)limit)
        since = resume->cut_at;
    if (since != 0 && time - since >= 1000 * (int64_t)limit) {
        rsys_jail_lost(jail, "the connection to the server was cut, and did not come back within %u seconds (--resume-timeout)", limit);
    } else if (since != 0 && !resume->told && time - since >= TELL_MS) {
        resume->told = true;
        if (!jail->session->options->quiet)
            dprintf(STDERR_FILENO, "rsys-jail: the connection to the server is cut: waiting up to %u seconds for it to come back\n", limit);
        let_killed_go(jail);
    } else if (since == 0 && resume->told) {
        resume->told = false;
        if (!jail->session->options->quiet)
            dprintf(STDERR_FILENO, "rsys-jail: the connection to the server is back\n");
    }
}

void rsys_resume_timer_event(struct jail *jail)
{
    struct resume *resume = jail->resume;
    int64_t time = now();
    bool looks = time - resume->looked_at >= PING_MS - TICK_MS, busy;
    uint64_t ticks;

    (void)!read(resume->timer.fd, &ticks, sizeof(ticks));
    if (looks)
        resume->looked_at = time;
    ping(resume, time);
    if (resume->cut_at != 0 && time >= resume->retry_at)
        wish_tether(resume, jail->control->cut);
    busy = resume->cut_at != 0 || resume->unanswered || resume->wished || resume->spare_at != 0;
    for (struct channel *channel = jail->channels; channel && !jail->over; channel = channel->next) {
        if (channel->cut)
            look_at_cut(channel, time);
        else if (looks)
            look_at_silent(channel);
        busy |= channel->cut && channel->asked < ASKS_FAST;
    }
    if (resume->spare_at != 0 && time >= resume->spare_at) {
        resume->spare_at = 0;
        rsys_spare_balance(jail);
    }
    tell(resume, time);
    set_pace(resume, busy);
}

void rsys_resume_stats(const struct jail *jail)
{
    if (jail->resume && jail->session->options->stats && jail->resume->cuts > 0)
        dprintf(STDERR_FILENO, "rsys-jail: %lu connections cut, %lu resumed\n", jail->resume->cuts, jail->resume->resumed);
}
