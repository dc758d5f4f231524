/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-executor.c: the executor program, without a daemon: calls, mirrors, exec, exit, cancelling, channels that are used again. */
#include "tests/unit/executor-client.h"

#include "src/core/util.h"
#include "transport/transport.h"

#include <check.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#define KEEP (1ull << CAP_CHECKPOINT_RESTORE | 1ull << CAP_SETUID | 1ull << CAP_DAC_OVERRIDE)
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static const char *program; /* the executor */
static struct client client;
static struct client_channel *first; /* the executor with pid 10 */

static void set_up(void)
{
    client_start(&client, program, 4, KEEP);
    first = client_spawn(&client, 10, false);
}
static void tear_down(void) { client_stop(&client); }

static int64_t call(uint16_t nr, uint64_t a, uint64_t b, uint64_t c) { return client_call(first, nr, a, b, c); }

static struct client_channel *clone_from(struct client_channel *parent, uint64_t flags, pid_t tid)
{
    client_post(parent, RSYS_OP_CLONE, RSYS_REQUEST_NOREPLY, flags, (uint64_t)tid, 0);
    return client_greeted(&client, tid);
}

/* The number behind `name` in /proc/PID/status. */
static unsigned long status_of(pid_t pid, const char *name, int base)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    ck_assert_int_gt(client_read_file(first, path, text, sizeof text), 0);
    char *line = strstr(text, name);
    ck_assert_ptr_nonnull(line);
    return strtoul(line + strlen(name), NULL, base);
}

START_TEST(calls)
{
    ck_assert_int_eq(call(RSYS_OP_NULL, 0, 0, 0), 0);
    ck_assert_int_eq(call(SYS_getpid, 0, 0, 0), 10);
    ck_assert_int_eq(call(SYS_getppid, 0, 0, 0), 1);
    ck_assert_int_eq(call(RSYS_OP_EXIT + 0x700, 0, 0, 0), -ENOSYS);
    ck_assert_int_eq(call(SYS_close, 77, 0, 0), -EBADF);
    /* 0, 1, 2 are placeholders; the next number is 3. */
    ck_assert_int_eq(call(SYS_read, 0, 0, 0), -EBADF);
    int fds[2];
    ck_assert_int_eq(client_pipe(first, fds), 0);
    ck_assert_int_eq(fds[0], 3);
    ck_assert_int_eq(fds[1], 4);
    char text[8] = "";
    ck_assert_int_eq(client_write(first, 4, "hello", 6), 6);
    ck_assert_int_eq(client_read(first, 3, text, sizeof text), 6);
    ck_assert_str_eq(text, "hello");
    ck_assert_int_eq(call(RSYS_OP_PLACEHOLDER, 0, O_CLOEXEC, 0), 5);
    ck_assert_int_eq(call(SYS_fcntl, 5, F_GETFD, 0), FD_CLOEXEC);
    ck_assert_int_eq(call(RSYS_OP_PLACEHOLDER, 3, 0, 1), 3);
    ck_assert_int_eq(client_write(first, 4, "x", 1), -EPIPE);
    ck_assert_uint_eq(first->signals, 1ull << (SIGPIPE - 1));
    ck_assert_int_eq(call(RSYS_OP_NULL, 0, 0, 0), 0);
    ck_assert_uint_eq(first->signals, 0);
    /* The kernel bounds the guest's numbers. */
    ck_assert_int_eq(call(SYS_dup2, 4, CLIENT_NOFILE, 0), -EBADF);
    ck_assert_int_eq(call(RSYS_OP_PLACEHOLDER, CLIENT_NOFILE, 0, 1), -EBADF);
    ck_assert_int_eq(call(RSYS_OP_PLACEHOLDER, 6, O_CLOEXEC, 2), 6 | 7ll << 32); /* two at once, or none */
    ck_assert_int_eq(call(RSYS_OP_PLACEHOLDER, CLIENT_NOFILE - 1, 0, 2), -EMFILE);
}
END_TEST

START_TEST(sizes)
{
    /* Every size around the receive's bounds comes back as it was. */
    static const uint32_t lengths[] = {1, 7, 8, 4095, 4096, 65535, 65536, 67500, 67584, 67600, 70000, 1 << 20};
    int64_t fd = client_call_path(first, SYS_memfd_create, 0, "data", 0, 0, 0, 0);
    ck_assert_int_ge(fd, 0);
    RSYS_AUTO_FREE uint8_t *out = malloc(1 << 20), *in = malloc(1 << 20);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < RSYS_ARRAY_SIZE(lengths); i++) {
            for (uint32_t at = 0; at < lengths[i]; at++)
                out[at] = (uint8_t)(at * 31 + at / 251 + i + round);
            ck_assert_int_eq(call(SYS_lseek, (uint64_t)fd, 0, SEEK_SET), 0);
            ck_assert_int_eq(client_write(first, (int)fd, out, lengths[i]), lengths[i]);
            ck_assert_int_eq(call(SYS_lseek, (uint64_t)fd, 0, SEEK_SET), 0);
            ck_assert_int_eq(client_read(first, (int)fd, in, lengths[i]), lengths[i]);
            ck_assert(memcmp(in, out, lengths[i]) == 0);
        }
}
END_TEST

/* Frames that come glued together, and byte by byte. */
START_TEST(pieces)
{
    uint8_t bytes[65536];
    size_t size = 0;
    uint32_t seq = first->seq;
    int64_t fd = client_call_path(first, SYS_memfd_create, 0, "data", 0, 0, 0, 0);
    seq = first->seq;
    for (unsigned i = 0; i < 200; i++) {
        struct rsys_request request = {0};
        struct iovec iov[4];
        size_t frame;
        /* Writes of 0 to 199 bytes: with and without tables, in turn. */
        rsys_request_start(&request, i % 3 == 0 ? SYS_getpid : SYS_write, (uint64_t[6]){(uint64_t)fd, 0, i});
        if (i % 3 != 0) {
            char text[200];
            memset(text, (int)i, sizeof text);
            ck_assert_int_ge(rsys_request_in(&request, 1, text, i), 0);
        }
        int count = rsys_request_frame(&request, ++seq, 0, iov, &frame);
        for (int j = 0; j < count; j++) {
            ck_assert_uint_le(size + iov[j].iov_len, sizeof bytes);
            memcpy(bytes + size, iov[j].iov_base, iov[j].iov_len);
            size += iov[j].iov_len;
        }
        rsys_request_free(&request);
    }
    for (size_t step = size; step > 0; step = step == size ? 700 : step == 700 ? 13 : 0) {
        for (size_t at = 0; at < size; at += step)
            ck_assert_int_gt(send(first->fd, bytes + at, RSYS_MIN(step, size - at), MSG_NOSIGNAL), 0);
        for (unsigned i = 0; i < 200; i++) {
            first->seq = seq - 200 + i + 1;
            ck_assert_int_eq(client_wait(first), i % 3 == 0 ? 10 : (int64_t)i);
        }
    }
}
END_TEST

START_TEST(processes)
{
    int fds[2];
    ck_assert_int_eq(client_pipe(first, fds), 0);
    struct client_channel *child = clone_from(first, 0, 20);
    ck_assert_int_eq(client_call(child, SYS_getpid, 0, 0, 0), 20);
    ck_assert_int_eq(client_call(child, SYS_getppid, 0, 0, 0), 10);
    /* Its own table: inherited, then independent. */
    char text[4] = "";
    ck_assert_int_eq(client_write(child, fds[1], "abc", 3), 3);
    ck_assert_int_eq(client_call(child, SYS_close, (uint64_t)fds[0], 0, 0), 0);
    ck_assert_int_eq(client_read(first, fds[0], text, 3), 3);
    ck_assert_str_eq(text, "abc");
    /* The parent's end of file comes before the child's exit is confirmed. */
    ck_assert_int_eq(call(SYS_close, (uint64_t)fds[1], 0, 0), 0);
    client_exit(child, false);
    ck_assert_int_eq(client_read(first, fds[0], text, 3), 0);
    /* The same pid again, at once. */
    child = clone_from(first, 0, 20);
    struct client_channel *grandchild = clone_from(child, CLONE_FS, 21);
    client_exit(child, true);
    ck_assert_int_eq(client_call_path(grandchild, SYS_chdir, 0, "/proc", 0, 0, 0, 0), 0);
    client_exit(grandchild, true);
    /* A shared table. */
    child = clone_from(first, CLONE_FILES, 22);
    ck_assert_int_eq(client_call(child, SYS_close, (uint64_t)fds[0], 0, 0), 0);
    ck_assert_int_eq(call(SYS_close, (uint64_t)fds[0], 0, 0), -EBADF);
    client_exit(child, true);
    ck_assert_int_eq(call(SYS_close, 0, 0, 0), 0);
}
END_TEST

START_TEST(threads)
{
    int fds[2];
    struct client_channel *thread[20];
    ck_assert_int_eq(client_pipe(first, fds), 0);
    for (unsigned i = 0; i < 20; i++) {
        client_add_channel(&client);
        thread[i] = clone_from(first, THREAD_FLAGS, 100 + (pid_t)i);
    }
    ck_assert_uint_eq(status_of(10, "Threads:", 10), 21);
    for (unsigned i = 0; i < 20; i++)
        client_post(thread[i], SYS_gettid, 0, 0, 0, 0);
    for (unsigned i = 0; i < 20; i++)
        ck_assert_int_eq(client_wait(thread[i]), 100 + (pid_t)i);
    /* One table. */
    ck_assert_int_eq(client_write(thread[7], fds[1], "x", 1), 1);
    char byte;
    ck_assert_int_eq(client_read(thread[8], fds[0], &byte, 1), 1);
    /* A thread's child has one thread, and not the channels of the others. */
    struct client_channel *child = clone_from(thread[3], 0, 200);
    ck_assert_uint_eq(status_of(200, "Threads:", 10), 1);
    client_exit(child, false);
    for (unsigned i = 0; i < 18; i++)
        client_exit(thread[i], false);
    /* The process ends while two threads are blocked: their ends of the pipe are free when the reply comes. */
    child = clone_from(first, 0, 201);
    ck_assert_int_eq(client_call(child, SYS_close, (uint64_t)fds[1], 0, 0), 0);
    struct client_channel *leader = first;
    for (unsigned i = 18; i < 20; i++)
        client_post(thread[i], SYS_read, 0, (uint64_t)fds[0], 0, 1);
    client_exit(leader, true);
    ck_assert(client_hung_up(thread[18]) && client_hung_up(thread[19]));
    ck_assert_int_eq(client_read(child, fds[0], &byte, 1), 0);
    client_exit(child, true);
}
END_TEST

static void check_exec(struct client_channel *channel, pid_t pid, const char *const *argv, const char *want, size_t want_size, const char *comm)
{
    char path[64], text[256];
    client_exec(channel, argv);
    /* Sent right behind: held by the old image or still in the socket. */
    ck_assert_int_eq(client_call(channel, SYS_getpid, 0, 0, 0), pid);
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    ck_assert_int_eq(client_read_file(channel, path, text, sizeof text), (int64_t)want_size);
    ck_assert(memcmp(text, want, want_size) == 0);
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    ck_assert_int_gt(client_read_file(channel, path, text, sizeof text), 0);
    ck_assert_int_eq(strncmp(text, comm, strlen(comm)), 0);
}

START_TEST(exec)
{
    int fds[2];
    ck_assert_int_eq(client_pipe(first, fds), 0);
    ck_assert_int_eq(call(SYS_fcntl, (uint64_t)fds[0], F_SETFD, FD_CLOEXEC), 0);
    check_exec(first, 10, (const char *const[]){"/usr/bin/cat", "a b", "", "c", NULL}, "/usr/bin/cat\0a b\0\0c", 20, "cat\n");
    ck_assert_int_eq(call(SYS_close, (uint64_t)fds[0], 0, 0), -EBADF);
    ck_assert_int_eq(call(SYS_close, (uint64_t)fds[1], 0, 0), 0);
    /* An argv that looks like init's. */
    check_exec(first, 10, (const char *const[]){"init", "4096", "0", NULL}, "init\0" "4096\0" "0", 12, "init\n");
    /* From another thread: it gets the process's id; then as parent of a process. */
    struct client_channel *thread = clone_from(first, THREAD_FLAGS, 30);
    check_exec(thread, 10, (const char *const[]){"x", NULL}, "x", 2, "x\n");
    ck_assert(client_hung_up(first));
    ck_assert_int_eq(client_call(thread, SYS_gettid, 0, 0, 0), 10);
    client_exit(clone_from(thread, 0, 31), true);
    struct client_channel *shared = clone_from(thread, CLONE_FILES, 32);
    check_exec(shared, 32, (const char *const[]){"y", NULL}, "y", 2, "y\n");
    ck_assert_int_eq(client_call(shared, SYS_close, 0, 0, 0), 0);
    ck_assert_int_eq(client_call(thread, SYS_close, 0, 0, 0), 0);
    client_exit(shared, true);
    first = thread;
}
END_TEST

/* Everything that is received together with the exec goes on in the new image, whatever bytes it has. */
START_TEST(exec_held)
{
    int64_t fd = client_call_path(first, SYS_memfd_create, 0, "data", 0, 0, 0, 0);
    RSYS_AUTO_FREE uint8_t *bytes = malloc(1 << 17), *data = malloc(60000), *back = malloc(60000);
    for (unsigned round = 0; round < 20; round++) {
        size_t size = 0, frame, length = round * 3000;
        struct rsys_request request = {0};
        struct iovec iov[4];
        rsys_request_start(&request, RSYS_OP_EXEC, (uint64_t[6]){1, 2, 0});
        ck_assert_int_ge(rsys_request_in(&request, -1, "z", 2), 0);
        for (unsigned i = 0; i < 2; i++) {
            int count = rsys_request_frame(&request, ++first->seq, i == 0 ? RSYS_REQUEST_NOREPLY : 0, iov, &frame);
            for (int j = 0; j < count; j++) {
                memcpy(bytes + size, iov[j].iov_base, iov[j].iov_len);
                size += iov[j].iov_len;
            }
            if (i == 0) {
                for (size_t at = 0; at < length; at++)
                    data[at] = (uint8_t)(round % 2 == 0 ? at % 3 : at * 7);
                rsys_request_start(&request, SYS_pwrite64, (uint64_t[6]){(uint64_t)fd, 0, length, 0});
                ck_assert_int_ge(rsys_request_in(&request, 1, data, length), 0);
            }
        }
        ck_assert_int_eq(send(first->fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
        ck_assert_int_eq(client_receive(first, &request), (int64_t)length);
        ck_assert_int_eq(call(SYS_lseek, (uint64_t)fd, 0, SEEK_SET), 0);
        ck_assert_int_eq(client_read(first, (int)fd, back, length), (int64_t)length);
        ck_assert(memcmp(data, back, length) == 0);
        rsys_request_free(&request);
    }
}
END_TEST

static void cancel(pid_t pid, pid_t tid, uint32_t seq)
{
    client_post(&client.control, RSYS_OP_CANCEL, RSYS_REQUEST_NOREPLY, (uint64_t)pid, (uint64_t)tid, seq);
}

START_TEST(cancelling)
{
    int fds[2];
    ck_assert_int_eq(client_pipe(first, fds), 0);
    /* Before the request; a stale one; while it is blocked. */
    cancel(10, 10, first->seq + 1);
    ck_assert_int_eq(client_call(&client.control, RSYS_OP_NULL, 0, 0, 0), 0); /* init has sent it */
    char byte = 0;
    ck_assert_int_eq(client_read(first, fds[0], &byte, 1), -512);
    /* What has no need to wait is done all the same. */
    for (unsigned round = 0; round < 50; round++) {
        cancel(10, 10, first->seq + 1);
        ck_assert_int_eq(client_call(&client.control, RSYS_OP_NULL, 0, 0, 0), 0);
        ck_assert_int_eq(round % 2 == 0 ? client_write(first, fds[1], "a", 1) : client_read(first, fds[0], &byte, 1), 1);
    }
    cancel(10, 10, first->seq);
    ck_assert_int_eq(client_call(&client.control, RSYS_OP_NULL, 0, 0, 0), 0);
    ck_assert_int_eq(client_write(first, fds[1], "a", 1), 1);
    ck_assert_int_eq(client_read(first, fds[0], &byte, 1), 1);
    struct client_channel *child = clone_from(first, 0, 40), *thread = clone_from(first, THREAD_FLAGS, 41);
    for (unsigned i = 0; i < 3; i++) {
        struct client_channel *channel = i == 0 ? first : i == 1 ? child : thread;
        for (unsigned round = 0; round < 20; round++) {
            client_post(channel, SYS_read, 0, (uint64_t)fds[0], 0, 1);
            cancel(i == 1 ? 40 : 10, channel->tid, channel->seq);
            ck_assert_int_eq(client_wait(channel), -512);
        }
    }
    /* A cancel that comes during an exec. */
    for (unsigned round = 0; round < 50; round++) {
        client_exec(child, (const char *const[]){"x", NULL});
        client_post(child, SYS_read, 0, (uint64_t)fds[0], 0, 1);
        cancel(40, 40, child->seq);
        ck_assert_int_eq(client_wait(child), -512);
    }
}
END_TEST

/* A reader that is cancelled while data comes: the data is either returned or still there, and the next request is not hit. */
START_TEST(cancel_races)
{
    int fds[2];
    ck_assert_int_eq(client_pipe(first, fds), 0);
    struct client_channel *writer = clone_from(first, 0, 50);
    uint8_t next_in = 0, next_out = 0;
    unsigned cancelled = 0, done = 0;
    for (unsigned i = 0; i < 6000; i++) {
        uint8_t byte = next_in;
        struct rsys_request request = {0}, write = {0};
        rsys_request_start(&request, SYS_read, (uint64_t[6]){(uint64_t)fds[0], 0, 1});
        uint8_t got = 0;
        ck_assert_int_ge(rsys_request_out(&request, 1, 1, RSYS_OUT_RESULT, 1, (struct rsys_out_target){.own = &got}), 0);
        rsys_request_start(&write, SYS_write, (uint64_t[6]){(uint64_t)fds[1], 0, 1});
        ck_assert_int_ge(rsys_request_in(&write, 1, &byte, 1), 0);
        /* Six orders of the three. */
        for (unsigned step = 0; step < 3; step++) {
            static const char *const orders[] = {"rwc", "rcw", "wrc", "wcr", "crw", "cwr"};
            char what = orders[i % 6][step];
            if (what == 'r')
                client_send(first, &request, 0);
            else if (what == 'w')
                client_send(writer, &write, 0);
            else
                cancel(10, 10, first->seq + (strchr(orders[i % 6], 'r') > strchr(orders[i % 6], 'c')));
        }
        int64_t result = client_receive(first, &request);
        ck_assert_int_eq(client_receive(writer, &write), 1);
        next_in++;
        if (result == 1) {
            ck_assert_uint_eq(got, next_out);
            next_out++;
            done++;
        } else {
            ck_assert_int_eq(result, -512);
            cancelled++;
        }
        if (i % 16 == 0) /* empty the pipe; this must not be hit by a late cancel */
            while (next_out != next_in) {
                ck_assert_int_eq(client_read(first, fds[0], &got, 1), 1);
                ck_assert_uint_eq(got, next_out);
                next_out++;
            }
        rsys_request_free(&request);
        rsys_request_free(&write);
    }
    ck_assert_uint_gt(done, 0);
    ck_assert_uint_gt(cancelled, 0);
}
END_TEST

/* Many short lives over a few channels; nothing is left of them. */
START_TEST(recycling)
{
    char path[64], text[8192];
    snprintf(path, sizeof path, "/proc/10/smaps_rollup");
    for (unsigned i = 0; i < 600; i++) {
        struct client_channel *child = clone_from(first, i % 2 == 0 ? 0 : THREAD_FLAGS, 1000 + (pid_t)i);
        ck_assert_int_eq(client_call(child, RSYS_OP_NULL, 0, 0, 0), 0);
        client_exit(child, false);
    }
    /* The channel of the thread that exited last closes a moment after its reply: count when the next clone has come and gone. */
    client_exit(clone_from(first, 0, 5000), true);
    unsigned open_fds = 0;
    for (uint64_t fd = 0; fd < CLIENT_NOFILE + 100; fd++)
        open_fds += call(SYS_fcntl, fd, F_GETFD, 0) >= 0;
    ck_assert_uint_le(open_fds, 3 + 5 + 1);
    ck_assert_uint_le(client.count, 4);
    ck_assert_int_gt(client_read_file(first, path, text, sizeof text), 0);
    unsigned long private_kib = 0;
    for (char *line = text; (line = strstr(line, "Private_")) != NULL; line++)
        private_kib += strtoul(strchr(line, ':') + 1, NULL, 10);
    ck_assert_uint_le(private_kib, 128);
}
END_TEST

/* Channels that the client has closed are passed over. */
START_TEST(dead_channels)
{
    struct client_channel *child = clone_from(first, 0, 55);
    client_exit(child, true);
    for (unsigned i = 0; i < client.count; i++)
        if (client.channels[i].tid == 0) {
            close(client.channels[i].fd);
            client.channels[i].fd = client.channels[i].tid = -1;
        }
    client_add_channel(&client);
    ck_assert_int_eq(client_call(clone_from(first, 0, 56), SYS_getpid, 0, 0, 0), 56);
}
END_TEST

/* The memory of a large request goes back when the executor is idle. */
START_TEST(idle_memory)
{
    RSYS_AUTO_FREE uint8_t *data = calloc(1, 1 << 20);
    int64_t fd = client_call_path(first, SYS_memfd_create, 0, "data", 0, 0, 0, 0);
    ck_assert_int_eq(client_write(first, (int)fd, data, 1 << 20), 1 << 20);
    struct client_channel *other = clone_from(first, 0, 60);
    char text[8192];
    unsigned long kib = 10000;
    for (unsigned tries = 0; tries < 200 && kib > 512; tries++) {
        poll(NULL, 0, 10);
        ck_assert_int_gt(client_read_file(other, "/proc/10/smaps_rollup", text, sizeof text), 0);
        kib = strtoul(strstr(text, "Anonymous:") + 10, NULL, 10);
    }
    ck_assert_uint_le(kib, 512);
}
END_TEST

/* With every number of the guest in use, mirrors still get their channels, and the guest gets EMFILE. */
START_TEST(full_table)
{
    int64_t fd = 0;
    while ((fd = call(SYS_dup, 0, 0, 0)) >= 0)
        ck_assert_int_lt(fd, CLIENT_NOFILE);
    ck_assert_int_eq(fd, -EMFILE);
    struct client_channel *child = clone_from(first, 0, 70), *thread = clone_from(first, THREAD_FLAGS, 71);
    ck_assert_int_eq(client_call(child, SYS_dup, 0, 0, 0), -EMFILE);
    ck_assert_int_eq(client_call(thread, SYS_dup, 0, 0, 0), -EMFILE);
    ck_assert_int_eq(client_call(child, SYS_close, 200, 0, 0), 0);
    ck_assert_int_eq(client_call(child, SYS_dup, 0, 0, 0), 200);
    client_exec(thread, (const char *const[]){"x", NULL});
    ck_assert_int_eq(client_call(thread, SYS_dup, 0, 0, 0), -EMFILE);
    first = thread;
}
END_TEST

START_TEST(failed_clones)
{
    pid_t tid;
    /* A pid that stays taken: the greeting tells, for the tid that nobody will have. */
    client_post(first, RSYS_OP_CLONE, RSYS_REQUEST_NOREPLY, 0, 10, 0);
    ck_assert_int_eq(client_any_greeting(&client, &tid), -EEXIST);
    ck_assert_int_eq(tid, 10);
    ck_assert_int_eq(call(SYS_getpid, 0, 0, 0), 10);
    ck_assert_int_eq(call(RSYS_OP_CLONE, 0, 1, 0), -EINVAL);
    ck_assert_int_eq(call(RSYS_OP_CLONE, 0, (uint64_t)-1, 0), -EINVAL);
    ck_assert_int_eq(client_call(&client.control, RSYS_OP_SPAWN, 1, 0, 0), -EINVAL);
    ck_assert_int_eq(client_call(&client.control, RSYS_OP_KILL, 1, 0, 0), -EINVAL);
    ck_assert_int_eq(client_call(&client.control, RSYS_OP_KILL, (uint64_t)-1, 0, 0), -EINVAL);
    ck_assert_int_eq(client_call(&client.control, SYS_getpid, 0, 0, 0), -ENOSYS);
}
END_TEST

START_TEST(killing)
{
    int fds[2];
    ck_assert_int_eq(client_pipe(first, fds), 0);
    struct client_channel *child = clone_from(first, 0, 80);
    client_post(child, SYS_read, 0, (uint64_t)fds[0], 0, 1);
    ck_assert_int_eq(client_call(&client.control, RSYS_OP_KILL, 80, 0, 0), 0);
    ck_assert(client_hung_up(child));
    client_add_channel(&client);
    client_add_channel(&client);
    struct client_channel *pager = client_spawn(&client, 2, true);
    ck_assert_int_eq(client_call(pager, SYS_close, 0, 0, 0), -EBADF);
    /* No executor may harm init. */
    ck_assert_int_ne(call(SYS_ptrace, 16 /* PTRACE_ATTACH */, 1, 0), 0);
    call(SYS_kill, 1, SIGKILL, 0);
    ck_assert_int_eq(client_call(&client.control, RSYS_OP_NULL, 0, 0, 0), 0);
    /* An orphan of a killed parent is init's, and goes without a trace. */
    struct client_channel *orphan = clone_from(clone_from(first, 0, 81), 0, 82);
    ck_assert_int_eq(client_call(&client.control, RSYS_OP_KILL, 81, 0, 0), 0);
    client_exit(orphan, true);
    client_exit(clone_from(first, 0, 82), true);
}
END_TEST

/* Frames that no honest client sends end the process that got them, and nothing else. */
START_TEST(malformed)
{
    for (unsigned i = 0; i < 8; i++) {
        client_add_channel(&client);
        struct client_channel *victim = clone_from(first, 0, 300 + (pid_t)i);
        struct {
            struct rsys_wire_request head;
            struct rsys_wire_reloc reloc;
            struct rsys_wire_out out;
        } frame = {.head = {.seq = 1, .nr = SYS_getpid, .relocs = 1, .outs = 1, .arena = 64}, .out = {.how = RSYS_OUT_SUCCESS, .unit = 1}};
        if (i == 0)
            frame.head.relocs = RSYS_RELOCS_MAX + 1;
        else if (i == 1)
            frame.head.outs = 0xffff;
        else if (i == 2)
            frame.head.in_size = 65;
        else if (i == 3)
            frame.head.arena = frame.head.in_size = RSYS_ARENA_SIZE + RSYS_ARENA_SLACK + 1;
        else if (i == 4)
            frame.reloc.to = 65;
        else if (i == 5)
            frame.reloc.at = 8 + 57;
        else if (i == 6)
            frame.out = (struct rsys_wire_out){.offset = 60, .length = 5, .how = RSYS_OUT_ALWAYS, .unit = 1};
        else
            frame.out.how = 99;
        ck_assert_int_eq(rsys_send_all(victim->fd, &frame, sizeof frame, CLIENT_TIMEOUT), 0);
        ck_assert_msg(client_hung_up(victim), "frame %u was taken", i);
    }
    ck_assert_int_eq(call(SYS_getpid, 0, 0, 0), 10);
    /* Numbers instead of pointers are for the kernel to refuse. */
    ck_assert_int_eq(call(SYS_open, 4096, 0, 0), -EFAULT);
    ck_assert_int_eq(call(SYS_write, 0, (uint64_t)-4096, 10), -EBADF);
}
END_TEST

/* A guest that gives up root loses the policy's capabilities, not the executor's own. */
START_TEST(credentials)
{
    ck_assert_uint_eq(status_of(10, "CapEff:\t", 16), KEEP);
    if (!client.range)
        return; /* one id: there is none to change to */
    struct client_channel *child = clone_from(first, 0, 90);
    ck_assert_int_eq(client_call(child, SYS_setresuid, (uint64_t)-1, 1000, (uint64_t)-1), 0);
    ck_assert_uint_eq(status_of(90, "CapEff:\t", 16), 1ull << CAP_CHECKPOINT_RESTORE);
    ck_assert_uint_eq(status_of(90, "CapPrm:\t", 16), KEEP);
    ck_assert_int_eq(client_call(child, SYS_setresuid, (uint64_t)-1, 0, (uint64_t)-1), 0);
    ck_assert_uint_eq(status_of(90, "CapEff:\t", 16), KEEP);
    ck_assert_int_eq(client_call(child, SYS_setuid, 1000, 0, 0), 0);
    ck_assert_uint_eq(status_of(90, "CapPrm:\t", 16), 1ull << CAP_CHECKPOINT_RESTORE);
    ck_assert_int_eq(client_call(child, SYS_setuid, 0, 0, 0), -EPERM);
    client_exit(clone_from(child, 0, 91), true);
    client_exec(child, (const char *const[]){"x", NULL});
    ck_assert_int_eq(client_call(child, SYS_getuid, 0, 0, 0), 1000);
    ck_assert_uint_eq(status_of(90, "CapEff:\t", 16), 1ull << CAP_CHECKPOINT_RESTORE);
    client_exit(clone_from(child, 0, 91), true);
    /* And it can be cancelled by init, whose uid is another one. */
    int fds[2];
    ck_assert_int_eq(client_pipe(child, fds), 0);
    client_post(child, SYS_read, 0, (uint64_t)fds[0], 0, 1);
    cancel(90, 90, child->seq);
    ck_assert_int_eq(client_wait(child), -512);
}
END_TEST

int main(int argc, char **argv)
{
    static char path[4096];
    /* Beside this program, in the build tree. */
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    if (length < 0)
        return 1;
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, "server/executor/rsys-executor");
    program = path;
    Suite *suite = suite_create("executor");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, calls);
    tcase_add_test(all, sizes);
    tcase_add_test(all, pieces);
    tcase_add_test(all, processes);
    tcase_add_test(all, threads);
    tcase_add_test(all, exec);
    tcase_add_test(all, exec_held);
    tcase_add_test(all, cancelling);
    tcase_add_test(all, cancel_races);
    tcase_add_test(all, recycling);
    tcase_add_test(all, dead_channels);
    tcase_add_test(all, idle_memory);
    tcase_add_test(all, full_table);
    tcase_add_test(all, failed_clones);
    tcase_add_test(all, killing);
    tcase_add_test(all, malformed);
    tcase_add_test(all, credentials);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
