/* SPDX-License-Identifier: GPL-2.0-only */
/* thread.c: whose channel is whose, over the ends of threads and over fork(2).
 *
 * A child of fork(2) gets an executor process of its own, cloned from its parent's before fork(2) is made, as the kernel copies the table of descriptors: so both have what was open
 * at that moment.  Who makes a process in another way (vfork, clone) has no counterpart in the child: its page of `own` is empty there, and calls fail. */
#include "src/client/internal.h"

#include "src/core/util.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

static struct {
    pthread_once_t once;
    pthread_key_t key;
    int failed;               /* an errno */
    _Atomic int *own;         /* 1 in a process that has been through here; MADV_WIPEONFORK */
    pthread_mutex_t registry; /* of what follows, and of who is whose */
    struct rsys_session *sessions;
} all = {.once = PTHREAD_ONCE_INIT, .registry = PTHREAD_MUTEX_INITIALIZER};

static __thread struct channel *mine;

static void unlink_channel(struct rsys_session *session, struct channel *channel)
{
    struct channel **at = &session->channels;
    while (*at != NULL && *at != channel)
        at = &(*at)->of_session;
    if (*at != NULL)
        *at = channel->of_session;
}

/* ---- a thread's end ---- */

static void end_channel(struct channel *channel)
{
    pthread_mutex_lock(&all.registry);
    struct rsys_session *session = atomic_load(&channel->session);
    if (session != NULL)
        unlink_channel(session, channel); /* our reference keeps the session from here on */
    pthread_mutex_unlock(&all.registry);
    if (session != NULL && atomic_load(&session->lost) == 0)
        channel_exit(channel, false);
    pid_t tid = channel->tid;
    channel_free(channel);
    if (session != NULL) {
        session_free_tid(session, tid);
        session_unref(session);
    }
}

static void end_thread(void *list)
{
    struct guard guard;
    guard_enter(&guard);
    while (mine != NULL) {
        struct channel *channel = mine;
        mine = channel->of_thread;
        end_channel(channel);
    }
    guard_leave(&guard);
}

/* ---- fork ---- */

static void before_fork(void)
{
    struct guard guard;
    guard_enter(&guard);
    pthread_mutex_lock(&all.registry);
    for (struct rsys_session *session = all.sessions; session != NULL; session = session->next) {
        session->next_leader = NULL;
        if (atomic_load(all.own) == 1 && atomic_load(&session->lost) == 0 && !session->no_fork)
            (void)session_clone(session, session->leader, 0, &session->next_leader);
        pthread_mutex_lock(&session->lock);
    }
    guard_leave(&guard);
}

static void after_fork(struct rsys_session *session)
{
    pthread_mutex_unlock(&session->lock);
    session->next_leader = NULL;
}

static void in_parent(void)
{
    for (struct rsys_session *session = all.sessions; session != NULL; session = session->next) {
        channel_free(session->next_leader); /* the child has it */
        after_fork(session);
    }
    pthread_mutex_unlock(&all.registry);
}

/* The threads' channels were the parent's: here are copies of their descriptors, and nobody else. */
static void in_child(void)
{
    for (struct rsys_session *session = all.sessions; session != NULL; session = session->next) {
        for (struct channel *channel = session->channels, *next; channel != NULL; channel = next) {
            next = channel->of_session;
            rsys_close(rsys_fd_steal(&channel->fd));
            atomic_store(&channel->session, NULL);
            atomic_fetch_sub(&session->users, 1);
            if (!pthread_equal(channel->owner, pthread_self()))
                channel_free(channel);
        }
        session->channels = NULL;
        channel_free(session->leader);
        session->leader = session->next_leader;
        if (session->leader == NULL)
            session_fail(session, ECONNRESET);
        after_fork(session);
    }
    atomic_store(all.own, 1);
    pthread_mutex_unlock(&all.registry);
}

static void start(void)
{
    all.own = mmap(NULL, sizeof *all.own, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all.own == MAP_FAILED || madvise(all.own, sizeof *all.own, MADV_WIPEONFORK) < 0)
        all.failed = errno;
    else if ((all.failed = pthread_key_create(&all.key, end_thread)) == 0)
        all.failed = pthread_atfork(before_fork, in_parent, in_child);
    if (all.failed == 0)
        atomic_store(all.own, 1);
}

/* ---- sessions and channels ---- */

void thread_add_session(struct rsys_session *session)
{
    pthread_once(&all.once, start);
    if (all.failed != 0)
        session_fail(session, all.failed);
    pthread_mutex_lock(&all.registry);
    session->next = all.sessions;
    all.sessions = session;
    pthread_mutex_unlock(&all.registry);
}

void thread_drop_session(struct rsys_session *session)
{
    unsigned users = 0;
    pthread_mutex_lock(&all.registry);
    for (struct rsys_session **at = &all.sessions; *at != NULL; at = &(*at)->next)
        if (*at == session) {
            *at = session->next;
            break;
        }
    for (struct channel *channel = session->channels, *next; channel != NULL; channel = next, users++) {
        next = channel->of_session;
        /* Not closed: the number is its thread's until that one closes it. */
        shutdown(channel->fd, SHUT_RDWR);
        atomic_store(&channel->session, NULL);
    }
    session->channels = NULL;
    pthread_mutex_unlock(&all.registry);
    while (users-- > 0)
        session_unref(session);
}

static int new_channel(struct rsys_session *session, struct channel **ret)
{
    struct channel *channel = NULL;
    int failed = session_clone(session, session->leader, CLONE_FS | CLONE_FILES | CLONE_THREAD, &channel);
    if (failed < 0)
        return failed;
    pthread_setspecific(all.key, &mine);
    channel->of_thread = mine;
    mine = channel;
    pthread_mutex_lock(&all.registry);
    atomic_store(&channel->session, session);
    atomic_fetch_add(&session->users, 1);
    channel->of_session = session->channels;
    session->channels = channel;
    pthread_mutex_unlock(&all.registry);
    *ret = channel;
    return 0;
}

int thread_channel(struct rsys_session *session, struct channel **ret)
{
    int lost = atomic_load(&session->lost);
    if (lost != 0)
        return -lost;
    if (atomic_load(all.own) != 1)
        return -ECONNRESET;
    for (struct channel **at = &mine; *at != NULL;) {
        struct channel *channel = *at;
        struct rsys_session *of = atomic_load(&channel->session);
        if (of == session) {
            *ret = channel;
            return 0;
        }
        if (of == NULL) { /* its session has ended */
            *at = channel->of_thread;
            channel_free(channel);
        } else {
            at = &channel->of_thread;
        }
    }
    return new_channel(session, ret);
}
