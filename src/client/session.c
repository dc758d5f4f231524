/* SPDX-License-Identifier: GPL-2.0-only */
/* session.c: a session from its hello to its end, and the executors of its processes.
 *
 * Several processes of the client may share one (fork(2)): the control connection, and the broker that hands spare channels to new executors, are theirs together.  So a spare is connected, its
 * executor made and its greeting received under one lock in shared memory: there is never more than one spare, and it is known whose it is. */
#include "src/client/internal.h"

#include "src/core/util.h"
#include "transport/session.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_TID 2u
#define SPARES_TRIED 16 /* channels that others' executors took: their owners have died meanwhile */
#define TIDS_TRIED 8    /* numbers that were in use after all */

int session_fail(struct rsys_session *session, int code)
{
    int none = 0;
    atomic_compare_exchange_strong(&session->lost, &none, code);
    return -code;
}

/* ---- numbers of executors ---- */

static pid_t take_tid(struct rsys_session *session)
{
    for (uint32_t tries = 0; tries < TIDS; tries++) {
        uint32_t tid = atomic_fetch_add(&session->shared->next_tid, 1) % (TIDS - FIRST_TID) + FIRST_TID;
        uint64_t bit = UINT64_C(1) << tid % 64;
        if ((atomic_fetch_or(&session->shared->tids[tid / 64], bit) & bit) == 0)
            return (pid_t)tid;
    }
    return -EAGAIN;
}

void session_free_tid(struct rsys_session *session, pid_t tid)
{
    atomic_fetch_and(&session->shared->tids[(uint32_t)tid / 64], ~(UINT64_C(1) << tid % 64));
}

/* ---- what processes share ---- */

static int share(struct rsys_session *session)
{
    pthread_mutexattr_t attributes;
    void *page = mmap(NULL, sizeof *session->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return -1;
    session->shared = page;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&session->shared->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return 0;
}

static void lock_shared(struct rsys_session *session)
{
    if (pthread_mutex_lock(&session->shared->lock) == EOWNERDEAD) {
        session->shared->control_lost = true;
        pthread_mutex_consistent(&session->shared->lock);
    }
}

static void unlock_shared(struct rsys_session *session) { pthread_mutex_unlock(&session->shared->lock); }

void session_cancel(struct rsys_session *session, const struct channel *channel, uint32_t seq) { session_cancel_of(session, session->leader->tid, channel->tid, seq); }

void session_cancel_of(struct rsys_session *session, pid_t pid, pid_t tid, uint32_t seq)
{
    lock_shared(session);
    if (!session->shared->control_lost) {
        struct rsys_wire_request request = {.seq = ++session->shared->control_seq, .nr = RSYS_OP_CANCEL,
                                            .args = {(uint64_t)pid, (uint64_t)tid, seq}};
        struct rsys_wire_reply reply;
        /* The answer is waited for: a cancel that came late would interrupt the next call. */
        if (rsys_send_all(session->control_fd, &request, sizeof request, -1) < 0 || rsys_receive_all(session->control_fd, &reply, sizeof reply, -1) < 0 ||
            reply.seq != request.seq || reply.size != 0)
            session->shared->control_lost = true;
    }
    unlock_shared(session);
}

/* ---- executors ---- */

static int connect_spare(struct rsys_session *session, struct rsys_error **err)
{
    RSYS_AUTO_FD fd = rsys_address_connect(session->address, session->timeout_ms, err);
    if (fd >= 0 && rsys_hello_channel(fd, session->welcome.token, 0) < 0)
        return rsys_error_make(err, errno, "send a channel's hello to %s", rsys_address_text(session->address));
    return rsys_fd_steal(&fd);
}

static int post_clone(struct channel *leader, uint64_t flags, pid_t tid)
{
    rsys_request_start(&leader->request, RSYS_OP_CLONE, (uint64_t[6]){flags, (uint64_t)tid});
    return channel_post(leader, &leader->request);
}

/* A spare channel for executor tid, which has been asked for: the connected descriptor, or -errno; -EEXIST: the number is in use. */
static int await_greeting(struct rsys_session *session, int fd, pid_t tid)
{
    RSYS_AUTO_FD spare = fd;
    for (unsigned tries = 0; spare >= 0 && tries < SPARES_TRIED; tries++) {
        struct rsys_wire_reply greeting;
        if (rsys_receive_all(spare, &greeting, sizeof greeting, session->timeout_ms) < 0 || greeting.seq != 0 || greeting.size != 0)
            return -ECONNRESET;
        if (greeting.result == tid)
            return rsys_fd_steal(&spare);
        if (greeting.result < 0 && greeting.result >= -4095 && greeting.signals == (uint64_t)tid)
            return (int)greeting.result;
        /* An executor of a process that died before it could be greeted.  It ends with this channel, as it should. */
        close(rsys_fd_steal(&spare));
        spare = connect_spare(session, NULL);
    }
    return -ECONNRESET;
}

static int clone_once(struct rsys_session *session, struct channel *leader, uint64_t flags, struct channel **ret)
{
    pid_t tid = take_tid(session);
    if (tid < 0)
        return tid;
    int fd = connect_spare(session, NULL);
    if (fd < 0 || post_clone(leader, flags, tid) < 0) {
        rsys_close(fd);
        return session_fail(session, ECONNRESET);
    }
    fd = await_greeting(session, fd, tid);
    if (fd < 0) {
        session_free_tid(session, tid);
        /* Else an executor may be left that waits for a channel, and would take the next one. */
        return fd == -ECONNRESET ? session_fail(session, ECONNRESET) : fd;
    }
    *ret = channel_new(fd, tid);
    if (*ret == NULL) {
        close(fd);
        return session_fail(session, ENOMEM); /* with its channel, the process has ended */
    }
    return 0;
}

int session_clone(struct rsys_session *session, struct channel *leader, uint64_t flags, struct channel **ret)
{
    int failed = -EEXIST;
    pthread_mutex_lock(&session->lock);
    lock_shared(session);
    for (unsigned tries = 0; failed == -EEXIST && tries < TIDS_TRIED; tries++)
        failed = clone_once(session, leader, flags, ret);
    unlock_shared(session);
    pthread_mutex_unlock(&session->lock);
    return failed == -EEXIST ? -EAGAIN : failed;
}

/* ---- the beginning and the end ---- */

static int start_private(struct rsys_session *session, bool beside, struct rsys_error **err)
{
    char text[32];
    const struct rsys_private_server how = {.what = beside ? "no --server is given" : "a private server is asked for", .beside = beside, .orphan = true};
    session->private_fd = rsys_private_server_start(&how, NULL, err);
    if (session->private_fd < 0)
        return -1;
    snprintf(text, sizeof text, "embedded:%d", session->private_fd);
    session->address = rsys_address_parse(text, err);
    return session->address != NULL ? 0 : -1;
}

/* The address, and for a tls: one its keys.  TLS is spoken by a process of its own, which here is another program: the one that calls us may have threads, and is
 * not to find a child that it does not know. */
static int find_server(struct rsys_session *session, const char *address, const char *key, struct rsys_error **err)
{
    const char *program = secure_getenv("RSYS_TLS_PROGRAM");
    session->address = rsys_address_parse(address, err);
    if (session->address == NULL || rsys_address_use_key(session->address, key, NULL, err) < 0)
        return -1;
    if (rsys_address_is_tls(session->address))
        rsys_address_use_tls_program(session->address, program != NULL && program[0] != 0 ? program : RSYS_HELPERDIR "/rsys-tls");
    return 0;
}

static int hello(struct rsys_session *session, struct rsys_error **err)
{
    RSYS_AUTO_FREE void *payload = NULL;
    size_t size = 0;
    session->control_fd = rsys_address_connect(session->address, session->timeout_ms, err);
    if (session->control_fd < 0 || rsys_hello_session(session->control_fd, 0, session->timeout_ms, &payload, &size, err) < 0)
        return -1;
    return rsys_welcome_take(payload, size, &session->welcome, &session->rules, err);
}

static int spawn_leader(struct rsys_session *session, struct rsys_error **err)
{
    pid_t pid = take_tid(session);
    RSYS_AUTO_FD fd = connect_spare(session, err);
    if (fd < 0 || rsys_spawn(session->control_fd, ++session->shared->control_seq, fd, pid, false, session->timeout_ms, "the program's executor", err) < 0)
        return -1;
    session->leader = channel_new(fd, pid);
    if (session->leader == NULL)
        return rsys_error_make(err, ENOMEM, "the session");
    rsys_fd_steal(&fd);
    return 0;
}

struct rsys_session *session_open(const struct session_wish *wish, struct rsys_error **err)
{
    struct rsys_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        rsys_error_make(err, ENOMEM, "the session");
        return NULL;
    }
    session->control_fd = session->private_fd = -1;
    session->no_fork = wish->no_fork;
    session->timeout_ms = wish->timeout_ms;
    session->users = 1;
    pthread_mutex_init(&session->lock, NULL);
    int failed = wish->address != NULL ? find_server(session, wish->address, wish->key, err) : start_private(session, wish->beside, err);
    if (failed == 0 && share(session) < 0)
        failed = rsys_error_make(err, errno, "the session's shared memory");
    if (failed < 0 || hello(session, err) < 0 || spawn_leader(session, err) < 0) {
        session_unref(session);
        return NULL;
    }
    thread_add_session(session);
    return session;
}

void session_close(struct rsys_session *session)
{
    if (session->leader != NULL && atomic_load(&session->lost) == 0)
        channel_exit(session->leader, true);
    thread_drop_session(session);
    session_unref(session);
}

void session_unref(struct rsys_session *session)
{
    if (atomic_fetch_sub(&session->users, 1) != 1)
        return;
    channel_free(session->leader);
    rsys_close(session->control_fd);
    rsys_close(session->private_fd);
    rsys_rules_free(&session->rules);
    rsys_address_free(session->address);
    if (session->shared != NULL)
        munmap(session->shared, sizeof *session->shared);
    pthread_mutex_destroy(&session->lock);
    free(session);
}
