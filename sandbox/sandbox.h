/* SPDX-License-Identifier: GPL-2.0-only */
/* sandbox.h: confinement, in named stages.  Used by the server for a session's world and by the client for the guests' cage. */
#ifndef RSYS_SANDBOX_SANDBOX_H
#define RSYS_SANDBOX_SANDBOX_H

#include "src/core/error.h"
#include "src/core/spec.h"

#include <stdbool.h>
#include <sys/types.h>

struct sock_filter;

/* What the session process hands to the sandbox's first process (its pid 1). */
struct rsys_sandbox_start {
    const struct rsys_sandbox_spec *spec;
    const struct sock_filter *filter; /* the executors' */
    unsigned filter_count;
    int executor_fd;    /* the executor's program, opened O_RDONLY or O_PATH */
    int counters_fd;    /* what executors count in (RSYS_FD_COUNTERS); -1: they do not */
    int group_fd;       /* the session's control group, which its processes are born in; -1: none, they stay in ours */
    int control_fd;     /* the client's connection, pinned (below): pid 1 serves RSYS_OP_SPAWN, CANCEL, KILL on it */
    bool resumable;     /* the client's connections are resumed when they are cut; else what holds one ends with it */
    uid_t outside_uid;  /* first of the outside ids to map when we may map a range; else our own id is mapped alone */
    gid_t outside_gid;
    /* RSYS_NETWORK_VETH: the session's own addresses, and a name for the server's end of the cable that no other interface has. */
    uint8_t address[RSYS_IP_FAMILIES][16];
    char link_name[16];
};

/* Sets *ret_nofile to L, the number of descriptors that guests get: the spec's, or less when our own hard limit does not leave room
 * for the executor's above them.  -1 when it leaves no sensible number. */
int rsys_sandbox_nofile(const struct rsys_sandbox_spec *spec, uint32_t *ret_nofile, struct rsys_error **err);

/* Make the sandbox (the caller is single-threaded): clone a process into fresh user, mount, pid, net, ipc, uts and cgroup namespaces, map its ids, bring loopback up, connect it to our network where the spec says so, build the root, pivot and chroot into it,
 * and leave it as pid 1 that serves the control channel: executor_fd, executed as "init" with
 * what RSYS_FD_* and server/executor/executor.h say.  Returns its pid and, in *ret_broker_fd, the SOCK_SEQPACKET end to
 * send spare channels to (SCM_RIGHTS, one byte), in *ret_listener_fd the listener of the executors' filter (seccomp_unotify(2)), or -1 when there can be none:
 * what the filter would ask about is refused then.  Nothing but pid 1 runs in the sandbox until a channel is sent, and pid 1 makes no call that is asked about.  On failure every stage's error names itself; nothing is left.  The
 * sandbox ends, with all that is in it, when its pid 1 is killed, and when the calling process ends. */
pid_t rsys_sandbox_start(const struct rsys_sandbox_start *start, int *ret_broker_fd, int *ret_listener_fd, struct rsys_error **err);

/* A file without a name, of that size and empty so far, close-on-exec, that can come to hold at most `room` bytes in memory, whoever writes to it: on a file system of its
 * own.  -1 with errno: we may not mount one (we are not root, or in no user namespace of ours). */
int rsys_sandbox_bounded_file(uint64_t size, uint64_t room);

/* Whether we may make interfaces in our network namespace (CAP_NET_ADMIN): without it no sandbox can have a RSYS_NETWORK_VETH. */
bool rsys_sandbox_may_make_links(void);
/* Take the cable of an ended sandbox away at once; the kernel would do it by itself, but later. */
void rsys_sandbox_unlink(const struct rsys_sandbox_start *start);

/* Whether this kernel can enforce the spec's paths as the spec wants it; -1 and what it lacks. */
int rsys_sandbox_check_paths(const struct rsys_sandbox_spec *spec, struct rsys_error **err);

/* Make a connected stream socket one that can only ever be with its present peer, whoever holds it.  For every connection that is to be handed into a
 * sandbox, control_fd too.  Returns 1; 0 when that cannot be done for this kind of socket, or by us (no CAP_NET_ADMIN): hand it to no
 * sandbox; -1 on failure. */
int rsys_sandbox_pin_connection(int fd, struct rsys_error **err);

/* Have an empty session keyring instead of the one that we were started with.  For the server, at its start. */
int rsys_sandbox_new_keyring(struct rsys_error **err);

/* Stages that the client's cage uses too. */

/* A child of ours that has unshared a user namespace gets its maps: the single id, or a range when we may. */
int rsys_sandbox_write_maps(pid_t pid, uid_t inside_uid, uid_t outside_uid, gid_t inside_gid, gid_t outside_gid, uint32_t range, struct rsys_error **err);
/* Drop every capability but those in keep from all sets (bounding too), empty the ambient set, no_new_privs. */
int rsys_sandbox_drop_capabilities(uint64_t keep, struct rsys_error **err);
/* Bring lo up in our network namespace (libnl-route). */
int rsys_sandbox_loopback_up(struct rsys_error **err);
/* Make the caller, single-threaded, a process that only computes, and moves bytes between descriptors: those in keep (ascending) and what it is sent.  It dies with the thread
 * that started it; name: what ps shows.  On failure it is half confined: end it. */
int rsys_sandbox_confine_worker(const char *name, const int *keep, size_t count, struct rsys_error **err);
/* Explain why user namespaces cannot be had (sysctl, AppArmor, max_user_namespaces): fills err with what to do. */
int rsys_sandbox_explain_userns(int code, struct rsys_error **err);

#endif
