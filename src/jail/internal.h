/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h: what the supervisor's own files share: its loop, its channels, its guests' states. */
#ifndef RSYS_JAIL_INTERNAL_H
#define RSYS_JAIL_INTERNAL_H

#include "src/core/util.h"
#include "src/jail/jail.h"
#include "src/jail/sent.h"
#include "src/jail/session.h"

#include <signal.h>
#include <sys/user.h>

/* ---- the loop (supervisor.c) ---- */

/* What the loop waits for.  epoll hands back a struct source; each kind has one function. */
enum source_kind { SOURCE_NOTIFY, SOURCE_CHANNEL, SOURCE_SIGNALS, SOURCE_SPARE, SOURCE_VIEW, SOURCE_LINK, SOURCE_WAITS, SOURCE_TETHER, SOURCE_TIMER, SOURCE_PARK };
struct source {
    enum source_kind kind;
    int fd; /* -1: none (yet) */
};

#define GUEST_BUCKETS 1024

struct jail {
    struct rsys_session *session;
    int epoll_fd;
    const struct rsys_intercept *intercept;
    struct tracing *tracing;  /* intercept-ptrace.c's */
    struct source notify, signals, spare, view, link, waits, park;
    struct channel *control;
    struct channel *channels; /* all but control */
    struct channel *dead;     /* to be freed when the events at hand are done */
    struct guest *guests[GUEST_BUCKETS];
    pid_t first;
    bool over;                /* leave the loop with `status` */
    bool lost;                /* because the session cannot go on */
    bool orphans;             /* processes were killed because the server had ended its side of them */
    int status;
    const char *lost_why;     /* the session is lost, and this is said if the server gives no better reason until lost_at; NULL: it is not */
    int64_t lost_at;          /* monotonic ms */
    unsigned spares;          /* channels that wait for a greeting, and those asked for */
    unsigned spares_lost;     /* in a row, without a greeting */
    struct resume *resume;    /* resume.c's, or NULL: a cut ends the session */
    unsigned cancels;         /* calls whose cancelling has not been answered yet */
    unsigned patience_ms;     /* until the next repeat of these */
    uint64_t last_id;         /* of the notification received last; they are numbered one by one */
    uint64_t received;        /* how many notifications */
    uint64_t news;            /* calls so far that may have changed a file, or brought news of one (look.c) */
    bool watched;             /* some guest has an inotify descriptor */
    struct seccomp_notif *request;      /* with the kernel's sizes */
    struct seccomp_notif_resp *response;
    size_t request_size;
    struct first_shared *shared; /* first.c's */
    bool signalfds;           /* some guest has made one */
    bool masks_change;        /* some guest has given one another mask */
    bool told_io;             /* some guest has been told a signal of a descriptor, with its siginfo (signals.c) */
    int bell;                 /* signal-watch.c's, 0: none yet */
    struct stand_in *stand_ins; /* signalfd.c's */
    struct rsys_rights_kept *rights; /* rights.c's, or NULL */
};

/* The session cannot go on: print why, end with 125. */
void rsys_jail_lost(struct jail *jail, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same in a moment: when the server ends a session, its executors go first, and why is told on the control connection last. */
void rsys_jail_lost_soon(struct jail *jail, const char *why);
/* That is it. */
void rsys_jail_last_word(struct jail *jail, const uint8_t *text, size_t size);
/* Wait for a descriptor's input (and for output, while want_out) in the loop. */
int rsys_source_watch(struct jail *jail, struct source *source, bool want_out);
void rsys_source_change(struct jail *jail, struct source *source, bool want_out);

/* ---- channels (channel.c) ---- */

/* A request under way that is not the guest's call. */
struct errand {
    uint32_t seq;
    /* Called with the reply.  May be NULL.  */
    void (*done)(struct channel *channel, struct errand *errand, int64_t result);
    const struct rsys_wire_reply *reply; /* while done() runs */
    const uint8_t *data;                 /* of the reply: reply->size bytes */
    pid_t tid;            /* for done */
    struct errand *next;
};

struct channel {
    struct source source;  /* first; .fd -1: the executor has not greeted yet; what is sent waits in `out` */
    struct channel *next;
    struct jail *jail;
    struct guest *guest;   /* whose it is, or NULL: a spare, or the guest has gone and the executor is about to */
    pid_t tid;             /* of the executor thread, 0: a spare */
    uint32_t seq;          /* of the last request sent */
    uint8_t *in;           /* what has come; owned */
    size_t have, room;
    uint8_t *out;          /* what could not be sent yet; owned */
    size_t out_at, out_have, out_room;
    unsigned cancels;      /* asked for, and not known to have been signalled: until then, nothing is sent that is not ahead of out_held */
    size_t out_held;
    struct errand *errands, **errands_end;
    bool is_control, dead;
    /* What it takes to go on where it was cut (resume.c); nothing of this is used in a session that is not resumed. */
    pid_t pid;             /* the executor's */
    uint32_t ack;          /* the last reply received, 0: none */
    uint32_t told;         /* how many signals were told so far */
    struct rsys_sent sent; /* the requests that the executor may not have received */
    uint32_t held_seq;     /* while cancels > 0: the last request that may be sent */
    bool cut;              /* it had a connection */
    int64_t cut_at;        /* monotonic ms */
    int64_t ask_at;        /* when to have it take another channel */
    unsigned asked;        /* how often that was done since */
    uint32_t watched_seq;  /* the last request when we looked last */
    unsigned watched;      /* how often we have looked since, without a reply to it */
};

/* A channel over fd (-1: to be connected by a greeting); NULL without memory. */
struct channel *rsys_channel_new(struct jail *jail, int fd);
/* Close and forget it; freed when the events at hand are done. */
void rsys_channel_drop(struct channel *channel);
void rsys_channels_bury(struct jail *jail);
/* Queue or send a request: the number it got, or -errno.  Never blocks. */
int64_t rsys_channel_send(struct channel *channel, struct rsys_request *request, uint16_t flags);
/* The same for one whose request->in stays as it is until its reply comes, or rsys_sent_settle() is called: it is not copied if it is large. */
int64_t rsys_channel_send_call(struct channel *channel, struct rsys_request *request);
/* Append to what is kept, all but the first `skip` bytes.  0 or -ENOMEM. */
int rsys_channel_keep(struct channel *channel, const struct iovec *iov, int count, size_t skip);
/* Send what was kept as long as there was no connection, or it was full. */
void rsys_channel_push(struct channel *channel);
/* The same, and call done(channel, errand, result) with its reply. */
int64_t rsys_channel_errand(struct channel *channel, struct rsys_request *request, pid_t tid,
                            void (*done)(struct channel *, struct errand *, int64_t));
/* A cancel goes to the executor thread of this channel, another way.  Were the next request there before it, it would interrupt that one: a write would end short, and
 * nobody could tell why.  So the next request waits until the cancel has been signalled (rsys_channel_cancelled). */
void rsys_channel_cancels(struct channel *channel);
void rsys_channel_cancelled(struct jail *jail, pid_t tid);
/* The loop's: input or room for output. */
void rsys_channel_event(struct channel *channel, uint32_t events);
/* The channel that waits for tid's greeting, or NULL. */
struct channel *rsys_channel_by_tid(struct jail *jail, pid_t tid);

/* ---- connections that are cut (resume.c) ---- */

/* The session may be resumed: open its tether, watch what there is to watch.  0 or -1 with err. */
int rsys_resume_start(struct jail *jail, struct rsys_error **err);
/* The end of a channel that has or had an executor (orderly: an end of file).  False: the session is not resumed. */
bool rsys_resume_cut(struct channel *channel, bool orderly);
/* A thread greets again on a spare, whose connection becomes that thread's channel's. */
void rsys_resume_greeting(struct channel *spare, pid_t tid, const struct rsys_wire_resume *have);
/* The loop's: the tether has something to say, or it is time to look. */
void rsys_resume_tether_event(struct jail *jail);
void rsys_resume_timer_event(struct jail *jail);
/* The connector's answer about a tether (fd -1: message says why not). */
void rsys_resume_tether_news(struct jail *jail, int fd, bool refused, const char *message);
/* A spare could not be had, or was cut.  False: the session is not resumed. */
bool rsys_resume_spare_lost(struct jail *jail);
/* How many spares more than usual are wanted, or -1: none can be had at present. */
int rsys_resume_spares_wanted(const struct jail *jail);
/* A guest waits in its exit stop for its executor; not while nothing can be heard of the server, if it was killed. */
void rsys_resume_exits(struct guest *guest);
/* Whether nothing can be heard of the server. */
bool rsys_resume_waits(const struct jail *jail);
/* The session is over: tell the server. */
void rsys_resume_bye(struct jail *jail);
/* --stats: print how often it was cut. */
void rsys_resume_stats(const struct jail *jail);
/* The end of a session that cannot be told by a channel's: poll(2) this for POLLRDHUP. */
int rsys_resume_end_fd(const struct jail *jail);

/* ---- spare channels (spare.c) ---- */
void rsys_spare_event(struct jail *jail);
/* Have the connector make a tether (control: and the server's pid 1 take another channel).  -1: the connector has ended. */
int rsys_spare_ask_tether(struct jail *jail, bool control);
/* The server has closed a spare. */
void rsys_spare_lost(struct jail *jail);
/* Keep enough of them: called whenever one has been taken or come back. */
void rsys_spare_balance(struct jail *jail);

/* ---- guest memory (memory.c) ---- */
void rsys_guest_memory_init(struct guest *guest);

/* ---- the control channel (control.c) ---- */
int rsys_control_spawn(struct jail *jail, pid_t pid);
void rsys_control_cancel(struct guest *guest, uint32_t seq);
/* The session is over. */
void rsys_control_end(struct jail *jail);
void rsys_control_kill(struct jail *jail, pid_t pid);

/* ---- mappings (mmap.c) ---- */

/* A call begins: what mmap knows of its descriptors, and of files, may not hold any more. */
void rsys_mmap_call_begins(struct call *call);

/* ---- mappings and files agree (coherence.c) ---- */

/* A call begins: what is known of its descriptors may not hold any more. */
void rsys_coherence_call_begins(struct call *call);
/* The call, whose request is encoded, is about to be sent: it may cut the file that it names. */
void rsys_coherence_forwards(struct call *call);

/* ---- calls (notify.c) ---- */

enum call_phase {
    CALL_IDLE,
    CALL_SENT,     /* a reply is awaited */
    CALL_LATER,    /* VERDICT_LATER */
    CALL_ANSWERED, /* call->result is there, but the guest was interrupted before it could be told: it comes again, or stops */
    CALL_PASS,     /* the same, for VERDICT_CONTINUE */
};

/* The guest waits for its call's answer: a new call, or the one in flight once more. */
void rsys_call_arrives(struct guest *guest, const struct seccomp_notif *notif);
/* A reply on a guest's channel. */
void rsys_call_reply(struct guest *guest, const struct rsys_wire_reply *reply, const uint8_t *data);
/* The guest knows its result: trace it, deliver what was postponed. */
void rsys_call_told(struct call *call);
/* Keep a reply until the guest makes its call again.  0 or -ENOMEM. */
int rsys_call_defer(struct call *call, const struct rsys_wire_reply *reply, const uint8_t *data);
/* In a stop without a call in flight: whether the guest has not taken the answer to its last one (it will make it again).  To be asked once a stop. */
bool rsys_call_doubt(struct guest *guest);
/* In a signal-delivery stop without a call in flight: the row of the call that the guest stands in when a signal has woken it before we had received its
 * notification, or NULL. */
const struct rsys_call *rsys_call_unseen(const struct guest *guest, const struct user_regs_struct *regs);
/* Have its row's handler do the call. */
enum verdict rsys_call_handle(struct call *call);
/* The call in flight does not matter any more; its reply will be dropped. */
void rsys_call_abandon(struct guest *guest);

/* ---- life cycle (lifecycle.c) ---- */

enum guest_state {
    GUEST_NEW,      /* made, its parent's event has not come yet (or its first stop has not) */
    GUEST_STARTING, /* the first guest before its exec: all of its calls are its own kernel's */
    GUEST_RUNNING,
    GUEST_EXITING,  /* in the exit stop, until the executor has confirmed */
};

struct guest *rsys_guest_find(struct jail *jail, pid_t tid);
struct guest *rsys_guest_new(struct jail *jail, pid_t tid);
void rsys_guest_gone(struct guest *guest);
/* Its executor has gone (its channel ended) without being asked to. */
void rsys_guest_orphaned(struct guest *guest);
/* Go on from a ptrace stop with a signal or 0.  ESRCH is normal: the guest may be killed at any moment. */
void rsys_guest_resume(struct guest *guest, int signal);
void rsys_lifecycle_event(struct jail *jail);
struct process *rsys_process_new(struct jail *jail, pid_t pid, struct fdtable *fds);
/* The guest belongs to the process, and gets a channel.  0 or -ENOMEM. */
int rsys_guest_join(struct guest *guest, struct process *process);
/* The guest's whole executor (NULL: it has gone) has ended: its threads that have not greeted never will. */
void rsys_exit_unmade(struct guest *of);
/* The executor of tid could not be made (its greeting says so): the guest is killed. */
void rsys_clone_failed(struct jail *jail, pid_t tid, int64_t result);
/* A guest in its exit stop has no executor to wait for. */
void rsys_exit_unmirrored(struct guest *guest);
/* /proc/TID/status of the client, as text.  0, or -1: gone, or no procfs. */
int rsys_guest_status(struct jail *jail, pid_t tid, char *text, size_t size);

/* ---- the first guest (first.c) ---- */

/* Fork it, and ask for its executor. */
int rsys_first_guest(struct jail *jail, struct rsys_error **err);
/* It has installed its filter: take the listener. */
void rsys_first_trap(struct guest *guest);

/* ---- signals (signals.c) ---- */

void rsys_signal_stop(struct guest *guest, int signal);
/* Cancel the guest's call in flight (again, when it has become another request). */
void rsys_signal_cancel(struct guest *guest);
/* Cancels whose answer has not come are repeated: they may have overtaken their request, which goes another way. */
void rsys_signal_repeat_cancels(struct jail *jail);
/* A call whose guest is held in a signal-delivery stop has come to its end: call->result is there. */
void rsys_signal_verdict(struct guest *guest, enum verdict verdict);
/* The call has been answered: what was postponed may come.  Whether there was anything. */
bool rsys_signal_after_call(struct guest *guest);
/* A signal that something of the world has raised on the guest's executor; info: RSYS_SIGNAL_INFO bytes of its siginfo, from the other side. */
void rsys_signal_told(struct guest *guest, const uint8_t *info);
/* The call of a guest that is held in a signal-delivery stop is done on the server, but not here: let the guest make it again, and the signal come behind it. */
void rsys_signal_behind_call(struct guest *guest);
/* Signals that a call raised on the executor. */
void rsys_signal_raised(struct guest *guest, uint64_t set);
/* Whether a handler of the guest will run.  Without a procfs to look at: yes, which costs a cancelled call now and then. */
bool rsys_signal_has_handler(const struct guest *guest, int signal);
void rsys_signal_free(struct guest *guest);
/* The signals that are pending for a guest, bit n-1.  0 without a procfs to look at. */
uint64_t rsys_signals_pending(const struct guest *guest);

/* ---- temporary masks (mask.c) ---- */

/* A stop that was asked for with PTRACE_INTERRUPT has come: do what it was for, and resume. */
void rsys_mask_stop(struct guest *guest);
/* A signal-delivery stop while a mask is swapped; true: all is done. */
bool rsys_mask_signal_stop(struct guest *guest, int signal);
/* The call is answered: true when the answer is told in a stop (rsys_mask_stop), because a mask has to be put back. */
bool rsys_mask_end(struct guest *guest);
/* Go on with a signal; with its handler entered, if there is one, the original mask is put into its frame. */
void rsys_mask_deliver(struct guest *guest, int signal, bool handler);
void rsys_mask_free(struct guest *guest);

/* ---- signal descriptors (signalfd.c) ---- */

/* Whether `own`, a duplicate of a guest's local descriptor, cannot be polled by us because it is a signalfd. */
bool rsys_stand_in_needed(const struct guest *guest, int own);
/* A descriptor to poll for input in its place: for the guest's one wait (number -1), or for epoll sets that it is put into by that number, until the number is
 * closed.  Takes own, unless it fails with -ENOMEM. */
int rsys_stand_in_new(struct guest *guest, int own, int number);
/* The one for a number in epoll sets, or -1. */
int rsys_stand_in_of(const struct guest *guest, int number);
void rsys_stand_ins_closed(struct jail *jail, const struct fdtable *table, int number);
bool rsys_stand_in_is(const struct guest *guest, int fd);
/* Close a stand-in, or any other descriptor. */
void rsys_stand_in_close(struct jail *jail, int fd);
/* Call this before the guest's stand-ins are polled: they are what they have to be for this guest now. */
void rsys_stand_ins_look(struct guest *guest);
/* The process has got a signal. */
void rsys_stand_ins_arrived(struct jail *jail, pid_t pid);

/* ---- to hear of signals (signal-watch.c) ---- */

/* For calls that wait over signalfds: see to it that the process's signals are told to rsys_stand_ins_arrived().  True: they are.  False: return
 * *ret_verdict; the handler is called once more when they are. */
bool rsys_signal_watch(struct call *call, enum verdict *ret_verdict);
void rsys_signal_watch_drop(struct process *process);
/* The call, an open, has its result: a local descriptor of a terminal.  Have the guest's own kernel make it its controlling terminal, as open(2) would have, before it is told. */
enum verdict rsys_injection_terminal(struct call *call, int64_t terminal);
/* A stop, a signal-delivery stop, a notification while a guest is made to do a call; true: it was for that, and all is done (of a notification: let it pass). */
bool rsys_injection_stop(struct guest *guest);
bool rsys_injection_signal_stop(struct guest *guest, int signal);
bool rsys_injection_is(const struct guest *guest, const struct seccomp_notif *notif);
void rsys_injection_free(struct guest *guest);

/* ---- waits over both homes (wait.c) ---- */

/* Something is ready on a guest's local descriptor that a call waits for. */
void rsys_wait_event(struct jail *jail);
/* Watch a descriptor of ours for the guest's call under way, which has on_drop, own.word[0] = RSYS_WAITS and own.word[1] = 0: when it is ready, once,
 * own.word[1] becomes 1 and the request is hurried.  0 or -errno (-EPERM: a file, which is always ready). */
#define RSYS_WAITS 1
int rsys_wait_watch(struct guest *guest, int fd, uint32_t events);
/* As if it had been ready. */
void rsys_wait_ready(struct guest *guest);
/* Make the set that these are in, unless it is there.  Its events' data: a guest's tid, or RSYS_WAITS_SIGNAL and a pid.  0 or -ENOMEM. */
int rsys_wait_start(struct jail *jail);
#define RSYS_WAITS_SIGNAL (UINT64_C(1) << 32)
void rsys_wait_unwatch(struct guest *guest, int fd);

/* ---- epoll sets (epoll.c) ---- */

/* The number of the guest's is a new epoll descriptor. */
void rsys_epoll_made(struct guest *guest, int fd, bool cloexec);
/* A duplicate of the local part of an epoll descriptor of a guest's, or -1. */
int rsys_epoll_part(struct guest *guest, int fd);

/* ---- tracing (trace.c) ---- */

void rsys_trace_start(struct rsys_session *session);
/* ---- denials.c ---- */
/* The policy has denied this call, or wants it logged. */
void rsys_denial_tell(const struct call *call);
/* The guest is in a stop: its kernel has killed it for the call in its registers, if the policy says so (nr UINT64_MAX); or sent it a SIGSYS for one. */
void rsys_denial_stopped(struct guest *guest, uint64_t nr);
void rsys_denial_signal(struct guest *guest);

void rsys_trace_call_begin(struct call *call);
/* The guest is about to be told: its memory can be read now. */
void rsys_trace_call_ready(struct call *call, enum verdict verdict);
/* The guest has been told; VERDICT_CONTINUE: its own kernel makes the call. */
void rsys_trace_call_end(struct call *call, enum verdict verdict);
/* --stats: print the summary. */
void rsys_trace_finish(void);

#endif
