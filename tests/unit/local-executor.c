/* SPDX-License-Identifier: GPL-2.0-only */
/* local-executor.c: a process that executes requests as an executor does, on this machine's own files. */
#include "tests/unit/local-executor.h"

#include "src/core/decode.h"
#include "src/core/util.h"
#include "transport/transport.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CHANNEL 900 /* above the numbers that requests get */

static uint8_t arena[RSYS_ARENA_SIZE + RSYS_ARENA_SLACK];
static uint8_t answer[RSYS_OUTS_MAX * 4 + sizeof arena];

static int serve_one(void)
{
    struct rsys_wire_request head;
    struct rsys_wire_reloc relocs[RSYS_RELOCS_MAX];
    struct rsys_wire_out outs[RSYS_OUTS_MAX];
    uint64_t args[6];
    if (rsys_receive_all(CHANNEL, &head, sizeof head, -1) < 0 || rsys_decode_head(&head) < 0 ||
        rsys_receive_all(CHANNEL, relocs, head.relocs * sizeof *relocs, -1) < 0 || rsys_receive_all(CHANNEL, outs, head.outs * sizeof *outs, -1) < 0 ||
        rsys_receive_all(CHANNEL, arena, head.in_size, -1) < 0)
        return -1;
    memcpy(args, head.args, sizeof args);
    if (rsys_decode_relocate(&head, relocs, outs, arena, args) < 0)
        return -1;
    long result = syscall(head.nr, args[0], args[1], args[2], args[3], args[4], args[5]);
    if (result < 0)
        result = -errno;
    if (head.flags & RSYS_REQUEST_NOREPLY)
        return 0;
    uint32_t size = 4u * head.outs;
    for (unsigned i = 0; i < head.outs; i++) {
        uint32_t length = rsys_decode_out_length(&head, &outs[i], result, arena);
        memcpy(answer + 4 * i, &length, 4);
        memcpy(answer + size, arena + outs[i].offset, length);
        size += length;
    }
    struct rsys_wire_reply reply = {.seq = head.seq, .size = size, .result = result};
    struct iovec iov[2] = {{&reply, sizeof reply}, {answer, size}};
    return rsys_send_iov(CHANNEL, iov, 2, -1);
}

pid_t local_executor_start(int *ret_channel)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(pair[1], CHANNEL);
        close_range(0, CHANNEL - 1, 0);
        while (serve_one() == 0)
            ;
        _exit(0);
    }
    close(pair[1]);
    *ret_channel = pair[0];
    return pid;
}

void local_executor_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
