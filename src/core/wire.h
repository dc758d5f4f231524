/* SPDX-License-Identifier: GPL-2.0-only */
/* wire.h: everything that crosses a transport, as it lies in the stream: little-endian, fixed width.
 *
 * This header is used by the client, the daemon and the freestanding executor, so it includes nothing of libc but the fixed-width
 * types.  rsys-protocol(7) describes the same in prose.  What changes here in a way that an older peer would misread raises
 * RSYS_WIRE_VERSION; numbers that are no longer used stay as comments and are not given again. */
#ifndef RSYS_CORE_WIRE_H
#define RSYS_CORE_WIRE_H

#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the structs below are the wire's bytes on little-endian machines only"
#endif

#define RSYS_WIRE_MAGIC 0x53595352u /* "RSYS" */
#define RSYS_WIRE_VERSION 3u
#define RSYS_TOKEN_SIZE 16

/* ---- the hello: the first bytes of every connection, client to daemon ---- */

enum rsys_hello_kind {
    RSYS_HELLO_SESSION = 1, /* make a sandbox; this connection becomes its control channel */
    RSYS_HELLO_CHANNEL = 2, /* a spare channel for the session that the token names; there is no answer but the greeting of the
                             * executor thread that takes the channel (or end of file, when there is no such session) */
    RSYS_HELLO_TLS = 3,     /* at a tls: address, and there alone: TLS follows, and in it another hello.  Its token is none: it is public, and names the session whose TLS
                             * process the connection is for (zero: a new one), see transport/tls.h */
    RSYS_HELLO_TETHER = 4,  /* the tether of the session that the token names, in the place of the one that it has: the answer is a struct rsys_hello_reply alone (or a
                             * refusal and its message); from then on what is sent comes back as it is, but RSYS_TETHER_BYE */
};

struct rsys_hello {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    uint8_t token[RSYS_TOKEN_SIZE]; /* zero in a session's hello */
    uint32_t resume;                /* a session's: for how many seconds it is to outlive a cut, 0: for none; else RSYS_RESUME_*, or 0 */
    uint32_t reserved[3];           /* zero */
};
#define RSYS_RESUME_CONTROL 1u /* of a tether: the control channel is cut too: have pid 1 take another one */
#define RSYS_RESUME_VIEW 1u    /* of a channel: it is for the view's executor (pid 2), whose channel is cut */
#define RSYS_RESUME_VIEW_DROP 2u /* the same, and that executor may not know it */

/* The answer to a session's hello; `size` bytes follow: on success a struct rsys_welcome and what it announces, on failure the
 * message for the user (UTF-8, not terminated, at most RSYS_WELCOME_MAX bytes). */
enum rsys_hello_status {
    RSYS_HELLO_OK = 0,
    RSYS_HELLO_BAD_VERSION = 1, /* the version field of the answer tells the daemon's */
    RSYS_HELLO_REFUSED = 2,     /* limits, draining, a peer that is not served (that one perhaps before its hello) */
    RSYS_HELLO_FAILED = 3,      /* the sandbox could not be made; the message says why */
};
#define RSYS_WELCOME_MAX (1u << 20)

struct rsys_hello_reply {
    uint32_t magic;
    uint16_t version;
    uint16_t status;
    uint32_t size;
};

/* What the client needs to know of the session.  The rules follow (struct rsys_wire_rule each, see spec.h). */
struct rsys_welcome {
    uint8_t token[RSYS_TOKEN_SIZE]; /* for this session's RSYS_HELLO_CHANNEL */
    uint32_t nofile;                /* descriptors 0 .. nofile-1 are the guest's, see RSYS_FD_* below */
    uint32_t uid, gid;              /* the first guest's, as the sandbox sees them */
    uint32_t rules;                 /* how many rules follow */
    uint8_t default_action;         /* enum rsys_action */
    uint8_t flags;                  /* RSYS_WELCOME_* */
    uint8_t reserved[2];
    uint32_t default_errno;
    uint32_t resume;                /* for how many seconds the session outlives a cut (the tether's), 0: for none, and no channel is resumed */
    char hostname[64];              /* terminated */
};

#define RSYS_WELCOME_CONFINED 1u /* executors have a Landlock domain of the policy's: access(2) does not tell what may be executed */

/* ---- requests and replies: on control channels and on executors' channels ---- */

/* The executor's buffer for one request (its arena) has this size; in-data and out-areas together have to fit.  Larger transfers are
 * cut by the client into several requests. */
#define RSYS_ARENA_SIZE (1u << 20)
#define RSYS_ARENA_SLACK (64u << 10) /* the arena is ARENA_SIZE + SLACK long: room for paths and structs beside 1 MiB of data */
#define RSYS_RELOCS_MAX 64
#define RSYS_OUTS_MAX 16

/* What is received in one call with MSG_WAITALL is at most this: vsock refuses to wait for as much as its receive buffer has room for, 256 KiB. */
#define RSYS_RECEIVE_MAX (128u << 10)

/* One request: this header, `relocs` struct rsys_wire_reloc, `outs` struct rsys_wire_out, `in_size` bytes of in-data.  The in-data is laid
 * at the arena's start; out-areas lie behind it, at offsets that the client chose (they may overlap the in-data for in-out structs).  The
 * executor leaves out-areas as they are: what is not in-data may hold the session's own older bytes. */
struct rsys_wire_request {
    uint32_t seq;    /* numbers the requests of one channel, from 1 */
    uint16_t nr;     /* a system call's number, or an enum rsys_op */
    uint16_t flags;  /* RSYS_REQUEST_* */
    uint16_t relocs; /* <= RSYS_RELOCS_MAX */
    uint16_t outs;   /* <= RSYS_OUTS_MAX */
    uint32_t in_size;
    uint32_t arena;  /* bytes of the arena in use: in-data and out-areas; <= RSYS_ARENA_SIZE + RSYS_ARENA_SLACK */
    uint32_t ack;    /* the last reply that has been received when this was sent; 0: none */
    uint64_t args[6];
};
#define RSYS_REQUEST_NOREPLY 1u /* nobody waits: no reply is sent (failures show in the next call) */
#define RSYS_REQUEST_KEEP 4u    /* another request follows before the reply to this one is there: keep a copy of the reply until it is acknowledged */
#define RSYS_REQUEST_LOOK 2u    /* an open: the last out-range is to hold a struct rsys_wire_look of the file */
#define RSYS_REQUEST_AFTER 8u   /* skip it, with the result RSYS_SKIPPED, when the request before it on this channel has failed or was skipped */
#define RSYS_SKIPPED (-125)     /* -ECANCELED */

/* What the executor tells of a file that has just been opened.  Its out-range is RSYS_OUT_VALUE with `at` at its own beginning and room for RSYS_LOOK_DATA
 * bytes behind it. */
#define RSYS_LOOK_DATA 4096u
struct rsys_wire_look {
    uint32_t size;     /* of this and of the bytes that follow; 0: nothing is told */
    uint32_t has_data; /* what follows are the file's first bytes, as many as there are */
    uint8_t stat[144]; /* struct stat of x86-64 */
};

/* Make something in the request point into the arena: the arena's address + `to` is stored in args[at] when at < 6, else as 8 bytes at
 * offset (at - 8) of the arena. */
struct rsys_wire_reloc {
    uint32_t at;
    uint32_t to; /* <= arena in use */
};

/* Another kind, when `at` is RSYS_RELOC_RESULT + an argument's index: args[index] is the result that the request `to` before this one on this channel had (1: the one just before it; < RSYS_RESULTS). If that
 * one failed or was skipped, this one is skipped, with the result RSYS_SKIPPED.  So a client sends calls that use one another's results without waiting for them. */
#define RSYS_RELOC_RESULT 0x80000000u
#define RSYS_RESULTS 256u

/* A range of the arena to send back. */
struct rsys_wire_out {
    uint32_t offset, length; /* offset + length <= arena in use */
    uint16_t how;            /* enum rsys_out_how */
    uint16_t unit;           /* RSYS_OUT_RESULT: bytes for each unit of the result, at least 1 */
    uint32_t at;             /* RSYS_OUT_VALUE: offset of the u32 that holds the length */
};
enum rsys_out_how {
    RSYS_OUT_SUCCESS = 1, /* `length` bytes when the result is not an error */
    RSYS_OUT_RESULT = 2,  /* min(length, result * unit) bytes when the result is not an error */
    RSYS_OUT_VALUE = 3,   /* min(length, *(u32 *)(arena + at)) bytes when the result is not an error */
    RSYS_OUT_ALWAYS = 4,  /* `length` bytes, whatever the result */
};

/* One reply: this header, for each out of the request a u32 with the bytes that came back for it (0 when none), then those bytes in
 * the same order.  The client checks each length against what it asked for. */
struct rsys_wire_reply {
    uint32_t seq;     /* the request's; 0 in the greeting: the first thing on a channel from the executor thread that took it, with its tid as the result; when
                       * that executor could not be made: -errno as the result, its tid in `signals`, and the channel is closed.
                       * In a session that can be resumed, a thread whose channel was cut greets again, with a struct rsys_wire_resume behind the header */
    uint32_t size;    /* bytes that follow: 4 * outs + data */
    int64_t result;   /* the call's, -errno on failure; -512 (ERESTARTSYS) when it was cancelled before it did anything */
    uint64_t signals; /* bit n-1: the call raised signal n on the executor (SIGPIPE, SIGXFSZ); it is the guest's */
};

/* What a thread has of its client when it greets again.  It serves nothing before RSYS_OP_RESUME. */
struct rsys_wire_resume {
    uint32_t received; /* the last request that it has received whole, and executed; 0: none */
    uint32_t reserved;
};
/* So many bytes of replies marked RSYS_REQUEST_KEEP are kept at most for a thread; and so many of the signals that were told last. */
#define RSYS_KEPT_REPLIES (64u << 10)
#define RSYS_KEPT_SIGNALS 16u

/* Between replies, at any time after the greeting: a signal that something of the world has raised on the executor (F_SETOWN, mq_notify); it is the guest's.
 * A reply's header with this seq, the signal's number as the result, in `signals` how many were told so far with this one, and the first RSYS_SIGNAL_INFO bytes of
 * the kernel's siginfo_t behind it. */
#define RSYS_SEQ_SIGNAL UINT32_MAX
#define RSYS_SIGNAL_INFO 48u

/* The last thing on the tether, or where there is none on the control channel, when the server ends the session: a reply's header with this seq, and why behind it, if there is
 * more to say (UTF-8, not terminated, at most RSYS_END_MAX bytes). */
#define RSYS_SEQ_END (UINT32_MAX - 1)
#define RSYS_END_MAX 1000u

/* What a client sends on its tether: one of these bytes.  (The first byte of a server's last word is neither.) */
#define RSYS_TETHER_PING 0u
#define RSYS_TETHER_BYE 1u /* the session is over */

/* The signals that are told so, bit n-1: all but those that end or stop an executor or are its own (KILL, STOP; SEGV, BUS, ILL, FPE, TRAP, SYS; TSTP, TTIN, TTOU, CONT;
 * CHLD; 63, the cancel signal), and those that replies tell (PIPE, XFSZ). */
#define RSYS_SIGNALS_TOLD                                                                                                                            \
    (~(1ull << (9 - 1) | 1ull << (19 - 1) | 1ull << (11 - 1) | 1ull << (7 - 1) | 1ull << (4 - 1) | 1ull << (8 - 1) | 1ull << (5 - 1) | 1ull << (31 - 1) |  \
       1ull << (20 - 1) | 1ull << (21 - 1) | 1ull << (22 - 1) | 1ull << (18 - 1) | 1ull << (17 - 1) | 1ull << (63 - 1) | 1ull << (13 - 1) | 1ull << (25 - 1)))

/* Operations beside the system calls, in `nr`.  0x7xxx: on an executor's channel; 0x78xx: on the control channel. */
enum rsys_op {
    /* Mirror a guest's clone: args[0] = clone flags (only CLONE_VM|FS|FILES|SIGHAND|THREAD|VFORK|SETTLS... as the guest gave them; the executor
     * takes CLONE_FS, CLONE_FILES, CLONE_THREAD of them), args[1] = the new tid.  The new executor thread takes a spare channel of the broker and
     * greets on it.  Usually sent with NOREPLY; result 0 or -errno. */
    RSYS_OP_CLONE = 0x7001,
    /* The guest's execve succeeded: execute the executor again, so that the kernel does what it does at exec.  In-data: the guest's
     * argv strings, each terminated, args[0] = their count, args[1] = their total size (bounded by the in-data); in-data behind it: comm is argv's own.  NOREPLY.
     * The channel stays, the numbering of its requests goes on (args[2] = the next seq). */
    RSYS_OP_EXEC = 0x7002,
    /* The thread ends; args[0] = 1: the whole process.  The executor closes its descriptors (unless they are shared on), replies 0, gives its channel
     * back to the broker and exits.  args[1] = 1: it closes the channel instead. */
    RSYS_OP_EXIT = 0x7003,
    /* Put a placeholder (an O_PATH descriptor of nothing in particular) for a local descriptor at the lowest free number >= args[0]; args[1]: O_CLOEXEC or 0; result: the number.
     * With args[2] = 3: at every free number from args[0] up to the limit, and what is opened from then on comes to lie above (the soft limit is the hard one); result 0.
     * With args[2] = 1: exactly at args[0], over whatever is there.  With args[2] = 2: two of them, one as the other; result: the first number, and the second
     * one shifted left by 32. */
    RSYS_OP_PLACEHOLDER = 0x7004,
    RSYS_OP_NULL = 0x7005, /* does nothing, result 0: for measuring */
    /* The first request after a second greeting, and no other: args[0] = the last reply received, args[1] = how many signals were told so far.  What came after these is
     * sent again.  It has no number of its own and no reply. */
    RSYS_OP_RESUME = 0x7006,

    /* + a system call's number, below RSYS_OP_REPORT_MORE: the policy has denied this call of the guest's, whose arguments args are, or wants it logged: tell the server's log.
     * The same from RSYS_OP_REPORT_MORE on: args[0] more such calls.  NOREPLY.  The executor makes a call of just this number, which its filter hands to the session's process. */
    RSYS_OP_REPORT = 0x7200,
    RSYS_OP_REPORT_MORE = 0x7400,
    RSYS_OP_REPORT_END = 0x7600,

    RSYS_OP_SPAWN = 0x7801,  /* a first executor with pid args[0]; args[1] = 1: the view's pager (root directory "/", no placeholders).  Takes a
                              * spare channel and greets.  Result 0 or -errno */
    RSYS_OP_CANCEL = 0x7802, /* cancel what executor thread args[1] of process args[0] does, if it is request args[2]: the reply tells that it has been signalled, the request's own what came of it */
    RSYS_OP_KILL = 0x7803,   /* kill executor process args[0] with SIGKILL; NOREPLY */
    RSYS_OP_RECONNECT = 0x7804, /* thread args[1] of process args[0] is to take another channel when it comes to wait on the one it has, unless it has received a
                                 * request after args[2] then (0: whatever it has received).  Result 0; -ESRCH: there is no such thread */
    RSYS_OP_END = 0x7805,    /* the client ends the session; NOREPLY.  It says so on the tether, too, but that may be cut */
};

/* Capabilities that every executor has whatever the policy says, and that no guest is told of: CAP_CHECKPOINT_RESTORE, to choose its children's pids. */
#define RSYS_EXECUTOR_CAPABILITIES (UINT64_C(1) << 40)

/* Descriptor numbers of an executor, relative to L = the session's nofile (RLIMIT_NOFILE is higher than L; the kernel's own allocation for the guest is
 * bounded because the executor sets the soft limit to L): */
#define RSYS_FD_BROKER_TAKE 0 /* L + 0: SOCK_SEQPACKET end to receive a spare channel from (SCM_RIGHTS) */
#define RSYS_FD_BROKER_GIVE 1 /* L + 1: the other end, to give a channel back */
#define RSYS_FD_SELF 2        /* L + 2: the executor's own program (to execute it again) */
#define RSYS_FD_PLACEHOLDER 3 /* L + 3: the O_PATH descriptor that placeholders are duplicates of */
#define RSYS_FD_COUNTERS 4    /* L + 4: the page that executors count in (server/counters.h), or what placeholders are duplicates of: nothing is counted */
#define RSYS_FD_CHANNEL 5     /* L + 5: the first thread's channel after (re)execution; other threads' channels anywhere above */

/* Where that page lies in its file: at the end of the largest file that there can be, so that the one shared mapping which executors may make
 * (policy/filter-executor.c) reaches nothing in any other file. */
#define RSYS_COUNTERS_OFFSET UINT64_C(0x7fffffffffffe000)

#endif
