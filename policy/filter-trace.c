/* SPDX-License-Identifier: GPL-2.0-only */
/* filter-trace.c: guests' filters where calls are traced.
 *
 * Where no listener can be had, what would be notified is traced.  The tracer has a guest make calls of its own, to give it descriptors and to let it wait: those carry a
 * cookie in an argument that none of them takes, and pass whatever the policy says; and whatever a guest's own filter says, when it has these instructions ahead of it.  seccomp(2) itself is
 * traced, for that to be done. */
#include "policy/policy.h"

#include "src/core/util.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define RETURN(verdict) BPF_STMT(BPF_RET | BPF_K, verdict)

#define AHEAD 16
#define TRACED (SECCOMP_RET_TRACE | RSYS_FILTER_TRACED)

/* Room for AHEAD instructions, and the program behind them. */
static struct sock_filter *make_room(const struct sock_filter *program, unsigned count, struct rsys_error **err)
{
    if (count > BPF_MAXINSNS - AHEAD) {
        rsys_error_make(err, E2BIG, "a filter of %u instructions is longer by %u than what can be traced", count, count - (BPF_MAXINSNS - AHEAD));
        return NULL;
    }
    struct sock_filter *made = calloc(AHEAD + count, sizeof *made);
    if (made == NULL)
        rsys_error_make(err, ENOMEM, "make a filter");
    else
        memcpy(made + AHEAD, program, count * sizeof *made);
    return made;
}

/* The accumulator is 0 again at the program's beginning, as it would be without.  (By instructions that the kernel follows when it finds out which calls a filter lets pass whatever their arguments
 * are: seccomp_is_const_allow.) */
int rsys_filter_own(const struct sock_filter *program, unsigned count, uint64_t cookie, struct sock_filter **ret_program, unsigned *ret_count, struct rsys_error **err)
{
    const struct sock_filter ahead[AHEAD] = {
        LOAD(arch),
        IF_EQUAL(AUDIT_ARCH_X86_64, 0, 13),
        LOAD(nr),
        IF_EQUAL(SYS_recvmsg, 5, 0),
        IF_EQUAL(SYS_dup3, 4, 0),
        IF_EQUAL(SYS_close, 3, 0),
        IF_EQUAL(SYS_close_range, 2, 0),
        IF_EQUAL(SYS_pause, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JA, 6, 0, 0),
        LOAD(args[4]),
        IF_EQUAL((uint32_t)cookie, 0, 4),
        LOAD_HIGH(args[4]),
        IF_EQUAL((uint32_t)(cookie >> 32), 0, 2),
        RETURN(SECCOMP_RET_ALLOW),
        BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0),
    };
    struct sock_filter *made = make_room(program, count, err);
    if (made == NULL)
        return -1;
    memcpy(made, ahead, sizeof ahead);
    *ret_program = made;
    *ret_count = AHEAD + count;
    return 0;
}

int rsys_filter_trace(const struct sock_filter *program, unsigned count, uint64_t cookie, struct sock_filter **ret_program, unsigned *ret_count, struct rsys_error **err)
{
    static const uint32_t traced = TRACED;
    if (rsys_filter_own(program, count, cookie, ret_program, ret_count, err) < 0)
        return -1;
    struct sock_filter *made = *ret_program;
    for (unsigned i = 0; i < AHEAD; i++) /* the cookie is in the last argument */
        if (made[i].code == (BPF_LD | BPF_W | BPF_ABS) && made[i].k >= offsetof(struct seccomp_data, args[4]))
            made[i].k += sizeof(uint64_t);
    made[8] = (struct sock_filter)IF_EQUAL(SYS_seccomp, 5, 6);
    made[14] = (struct sock_filter)RETURN(traced);
    for (unsigned i = AHEAD; i < *ret_count; i++)
        if (made[i].code == (BPF_RET | BPF_K) && (made[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
            made[i].k = traced;
    return 0;
}
