/* SPDX-License-Identifier: GPL-2.0-only */
/* supervisor.c: pid 1 of the guests: the loop.
 *
 * One thread owns the guests, their calls and their channels; it never blocks but in epoll_wait.  Whatever happens (a call, a reply, a stop, a
 * signal for the session) is an event of a descriptor, and each kind of descriptor has one function. */
#include "src/jail/chosen.h"
#include "src/jail/intercept.h"
#include "src/jail/internal.h"
#include "src/jail/learn.h"
#include "src/jail/rights.h"
#include "src/jail/view.h"
#include "transport/transport.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>

#define EVENTS 16
#define LAST_WORD_MS 3000 /* what the server may take from the end of the first executor to its last word */

void rsys_jail_lost(struct jail *jail, const char *format, ...)
{
    va_list list;

    if (jail->over)
        return; /* the first reason is the reason */
    fputs("rsys-jail: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    jail->over = jail->lost = true;
    jail->status = RSYS_EXIT_OURS;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void rsys_jail_lost_soon(struct jail *jail, const char *why)
{
    if (jail->lost_why)
        return;
    jail->lost_why = why;
    jail->lost_at = now_ms() + LAST_WORD_MS;
}

void rsys_jail_last_word(struct jail *jail, const uint8_t *text, size_t size)
{
    char shown[RSYS_END_MAX + 1];

    size = RSYS_MIN(size, (size_t)RSYS_END_MAX);
    memcpy(shown, text, size);
    shown[size] = 0;
    rsys_make_printable(shown, size);
    rsys_jail_lost(jail, size != 0 ? "the server has ended the session: %s" : "the server has ended the session", shown);
}

/* How long to wait for events, in milliseconds, when nothing is due earlier than limit_ms; -1: for ever. */
static int patience(struct jail *jail, int limit_ms)
{
    int most = jail->cancels ? (int)jail->patience_ms : limit_ms;

    if (jail->lost_why) {
        int left = (int)RSYS_MAX(jail->lost_at - now_ms(), (int64_t)0);

        most = most < 0 ? left : RSYS_MIN(most, left);
    }
    return most;
}

static int source_control(struct jail *jail, int op, struct source *source, bool want_out)
{
    struct epoll_event event = {.events = EPOLLIN | (want_out ? EPOLLOUT : 0u), .data.ptr = source};

    return epoll_ctl(jail->epoll_fd, op, source->fd, &event);
}

int rsys_source_watch(struct jail *jail, struct source *source, bool want_out)
{
    return source_control(jail, EPOLL_CTL_ADD, source, want_out);
}

void rsys_source_change(struct jail *jail, struct source *source, bool want_out)
{
    source_control(jail, EPOLL_CTL_MOD, source, want_out);
}

struct rsys_session *rsys_jail_session(struct jail *jail)
{
    return jail->session;
}

/* ---- set-up ---- */

static int open_signals(struct jail *jail, struct rsys_error **err)
{
    sigset_t all, child;

    /* All signals are blocked, also in the threads to come: pid 1 has no handlers, and SIGINT of a terminal is the guests' affair. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    jail->signals.kind = SOURCE_SIGNALS;
    jail->signals.fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    return jail->signals.fd < 0 ? rsys_error_make(err, errno, "make a signal descriptor") : 0;
}

static int watch_session(struct jail *jail, struct rsys_error **err)
{
    struct rsys_session *session = jail->session;

    jail->control = rsys_channel_new(jail, session->control_fd);
    if (!jail->control)
        return rsys_error_make(err, ENOMEM, "start the supervisor");
    jail->control->is_control = true;
    jail->control->pid = 1;
    jail->control->seq = session->control_seq;
    jail->spare = (struct source){SOURCE_SPARE, session->spare_fd};
    if (rsys_resume_start(jail, err) < 0)
        return -1;
    rsys_spare_balance(jail);
    jail->link = (struct source){SOURCE_LINK, session->link_fd};
    if (session->view)
        jail->view = (struct source){SOURCE_VIEW, rsys_view_event_fd(session->view)};
    if (rsys_source_watch(jail, &jail->control->source, false) < 0 || rsys_source_watch(jail, &jail->signals, false) < 0 ||
        rsys_source_watch(jail, &jail->spare, false) < 0 || (session->view && rsys_source_watch(jail, &jail->view, false) < 0) ||
        (session->link_fd >= 0 && rsys_source_watch(jail, &jail->link, false) < 0))
        return rsys_error_make(err, errno, "watch the session's descriptors");
    return 0;
}

/* Guests have local descriptors at any number that the session has, and the supervisor some for each of them. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int jail_start(struct jail *jail, struct rsys_error **err)
{
    raise_descriptors();
    jail->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (jail->epoll_fd < 0)
        return rsys_error_make(err, errno, "make an epoll descriptor");
    if (open_signals(jail, err) < 0 || (jail->session->view && rsys_view_start_opener(jail->session->view, err) < 0) ||
        (!jail->session->chosen && rsys_cage_drop_launching(err) < 0) || watch_session(jail, err) < 0 || rsys_first_guest(jail, err) < 0)
        return -1;
    /* The user's pipes are the guests' now: nobody is to wait for an end of file because of us. */
    dup2(jail->epoll_fd, STDIN_FILENO);
    dup2(jail->epoll_fd, STDOUT_FILENO);
    if (jail->session->chosen)
        rsys_beside_let_go();
    return 0;
}

/* ---- the loop ---- */

static void signals_event(struct jail *jail)
{
    struct signalfd_siginfo info;

    (void)!read(jail->signals.fd, &info, sizeof(info));
    rsys_lifecycle_event(jail);
}

static void link_event(struct jail *jail)
{
    struct rsys_link link;
    ssize_t n = recv(jail->link.fd, &link, sizeof(link), MSG_DONTWAIT);

    if (n == 0) /* rsys-jail itself has gone */
        rsys_jail_lost(jail, "interrupted");
    else if (n == (ssize_t)sizeof(link) && link.kind == RSYS_LINK_SIGNAL)
        kill(jail->first, link.value);
}

static void dispatch(struct jail *jail, struct source *source, uint32_t events)
{
    switch (source->kind) {
    case SOURCE_NOTIFY:
        if (events & EPOLLIN)
            rsys_notify_event(jail);
        else /* the last guest under the filter has gone */
            epoll_ctl(jail->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
        break;
    case SOURCE_CHANNEL:
        rsys_channel_event((struct channel *)source, events);
        break;
    case SOURCE_SIGNALS:
        signals_event(jail);
        break;
    case SOURCE_SPARE:
        rsys_spare_event(jail);
        break;
    case SOURCE_VIEW:
        if (rsys_view_dispatch(jail->session->view) < 0) {
            epoll_ctl(jail->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
            rsys_jail_lost_soon(jail, "the view of the sandbox's files is lost");
        }
        break;
    case SOURCE_LINK:
        link_event(jail);
        break;
    case SOURCE_WAITS:
        rsys_wait_event(jail);
        break;
    case SOURCE_TETHER:
        rsys_resume_tether_event(jail);
        break;
    case SOURCE_TIMER:
        rsys_resume_timer_event(jail);
        break;
    case SOURCE_PARK:
        rsys_ptrace_tick(jail);
        break;
    }
}

/* One turn.  limit_ms: the longest wait, -1: none.  False: nothing has happened in that time. */
static bool turn(struct jail *jail, int limit_ms)
{
    struct epoll_event events[EVENTS];
    int wait_ms = patience(jail, limit_ms);
    int n = epoll_wait(jail->epoll_fd, events, EVENTS, wait_ms);

    for (int i = 0; i < n && !jail->over; i++)
        dispatch(jail, events[i].data.ptr, events[i].events);
    if (n == 0 && jail->cancels)
        rsys_signal_repeat_cancels(jail);
    if (jail->lost_why && !jail->over && now_ms() >= jail->lost_at)
        rsys_jail_lost(jail, "%s", jail->lost_why);
    rsys_channels_bury(jail);
    return n != 0;
}

#define FINISH_MS 10000 /* how long writing back may take without a word */

/* The first guest has ended, and nothing is done for others any more; what was written through shared mappings has still to get to the server. */
static void finish(struct jail *jail)
{
    epoll_ctl(jail->epoll_fd, EPOLL_CTL_DEL, jail->notify.fd, NULL);
    epoll_ctl(jail->epoll_fd, EPOLL_CTL_DEL, jail->signals.fd, NULL);
    jail->over = false;
    jail->cancels = 0;
    if (!jail->session->view)
        return;
    rsys_view_finish(jail->session->view);
    while (!jail->over && rsys_view_is_busy(jail->session->view) && turn(jail, FINISH_MS))
        ;
}

int rsys_supervise(struct rsys_session *session)
{
    struct jail jail = {.session = session};
    RSYS_AUTO_ERROR err = NULL;

    rsys_trace_start(session);
    if (jail_start(&jail, &err) < 0)
        rsys_jail_lost(&jail, "%s", rsys_error_text(err));
    while (!jail.over)
        turn(&jail, -1);
    rsys_rights_free(&jail);
    rsys_trace_finish();
    rsys_resume_stats(&jail);
    if (!jail.lost && !rsys_resume_waits(&jail))
        finish(&jail);
    if (rsys_learn_finish(&err) < 0) {
        jail.over = false; /* this is told although it has come to its end */
        rsys_jail_lost(&jail, "%s", rsys_error_text(err));
    }
    rsys_resume_bye(&jail);
    return jail.status;
}
