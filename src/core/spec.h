/* SPDX-License-Identifier: GPL-2.0-only */
/* spec.h: what a policy has compiled to: rules that place calls, and the sandbox to make.
 *
 * policy/ makes these from JSON; server/ and sandbox/ apply them; the rules also cross the wire (struct rsys_wire_rule in the welcome) and
 * the client builds the guest's filter from them.  Plain data, no pointers to share. */
#ifndef RSYS_CORE_SPEC_H
#define RSYS_CORE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stricter is larger: of all rules that match a call, the largest action wins. */
enum rsys_action {
    RSYS_ACTION_LOCAL = 1,
    RSYS_ACTION_REMOTE = 2,
    RSYS_ACTION_DENY = 3, /* with the rule's errno */
    RSYS_ACTION_TRAP = 4, /* SCMP_ACT_TRAP: the guest gets a SIGSYS that it may handle, with the rule's errno in it */
    RSYS_ACTION_KILL = 5, /* SCMP_ACT_KILL_*: the guest is killed with SIGSYS */
};

/* As SCMP_CMP_*: compared as unsigned 64 bits. */
enum rsys_op_compare {
    RSYS_CMP_NE = 1, RSYS_CMP_LT, RSYS_CMP_LE, RSYS_CMP_EQ, RSYS_CMP_GE, RSYS_CMP_GT,
    RSYS_CMP_MASKED_EQ, /* (arg & value) == value_two */
};

#define RSYS_RULE_COMPARES 6
struct rsys_wire_compare {
    uint64_t value, value_two;
    uint8_t index; /* < 6 */
    uint8_t op;    /* enum rsys_op_compare */
    uint8_t reserved[6];
};

/* One call's rule; a policy rule with ten names is ten of these.  All compares have to hold.  The wire's form, little-endian. */
struct rsys_wire_rule {
    uint16_t nr;
    uint8_t action; /* enum rsys_action */
    uint8_t compares;
    uint16_t error; /* DENY, TRAP: the errno; LOCAL, REMOTE: 1 to log the call (SCMP_ACT_LOG), else 0 */
    uint16_t source; /* which entry of the policy's `syscalls` it came from, for messages (0: the default) */
    struct rsys_wire_compare compare[RSYS_RULE_COMPARES];
};

struct rsys_rules {
    uint8_t default_action;
    uint16_t default_error; /* as a rule's */
    size_t count;
    struct rsys_wire_rule *rules; /* owned; sorted by nr */
};

/* What the rules say of a call: an action; *ret_error gets the errno of a DENY.  Calls without a matching rule get, when the default action is
 * REMOTE, what the table says of the call (a placement that the table has as local stays local, and so on); when it is LOCAL, what may be chosen is local, too; DENY denies them.
 * core/rules.c, used by both sides. */
enum rsys_action rsys_rules_decide(const struct rsys_rules *rules, uint64_t nr, const uint64_t args[6], uint16_t *ret_error);
/* The same, with what there is to tell of it. */
struct rsys_decision {
    enum rsys_action action;
    uint16_t error;  /* DENY, TRAP */
    uint16_t source; /* the deciding rule's, 0: the default */
    bool table;      /* denied because the call never runs, or is not there, whatever the policy says */
    bool logged;     /* LOCAL, REMOTE: some rule that matches, or the default, wants it logged */
};
struct rsys_decision rsys_rules_judge(const struct rsys_rules *rules, uint64_t nr, const uint64_t args[6]);
/* Whether the policy may want some call of nr to be logged and executed. */
bool rsys_rules_log(const struct rsys_rules *rules, uint64_t nr);
/* Whether a call that runs on the server may also be placed locally by these rules: by a default of local, all that may be chosen (chosen.h). */
struct rsys_call;
bool rsys_rules_may_be_local(const struct rsys_rules *rules, const struct rsys_call *call);
/* Whether any rule of nr looks at arguments. */
bool rsys_rules_conditional(const struct rsys_rules *rules, uint64_t nr);
/* Check rules that came over the wire (hostile): every field in its range.  Returns 0 or -1. */
int rsys_rules_check(const struct rsys_rules *rules);
void rsys_rules_free(struct rsys_rules *rules);

/* ---- the sandbox ---- */

enum rsys_root_mode { RSYS_ROOT_RO = 1, RSYS_ROOT_RW, RSYS_ROOT_OVERLAY /* a private upper layer on tmpfs */ };
enum rsys_mount_type { RSYS_MOUNT_BIND = 1, RSYS_MOUNT_TMPFS, RSYS_MOUNT_PROC, RSYS_MOUNT_DEV, RSYS_MOUNT_OVERLAY };
enum rsys_network { RSYS_NETWORK_NONE = 1, RSYS_NETWORK_HOST, RSYS_NETWORK_VETH };

struct rsys_mount_spec {
    uint8_t type;       /* enum rsys_mount_type */
    bool writable;
    bool optional;      /* a source that is missing is left out */
    char *source;       /* BIND, OVERLAY (lower): the server's path; owned */
    char *target;       /* absolute, in the sandbox; owned */
    uint64_t size;      /* TMPFS: bytes, 0: the kernel's default */
    uint32_t mode;      /* TMPFS: permissions, 0: 0755 */
};

/* RSYS_NETWORK_VETH: an interface that is connected to one of the server's.  Addresses are in network byte order, IPv4's are the first four bytes. */
enum { RSYS_IPV4, RSYS_IPV6, RSYS_IP_FAMILIES };
struct rsys_subnet {
    uint8_t prefix;      /* its length in bits, 0: none of this family */
    bool pool;           /* each session has an address of its own of the subnet; else `address` is the only one */
    uint8_t address[16];
    uint8_t gateway[16];
};
struct rsys_veth_spec {
    struct rsys_subnet subnet[RSYS_IP_FAMILIES];
    char interface[16];  /* in the sandbox; terminated */
    char bridge[16];     /* of the server, which the other end belongs to; "": the other end has the gateways' addresses */
    uint32_t mtu;        /* 0: the kernel's default */
    bool default_route;  /* by the gateways */
};

/* One entry of a policy's `paths`: what may be done below a path. */
struct rsys_path_spec {
    char *path;          /* absolute, in the sandbox; owned */
    uint64_t access;     /* Landlock's rights (path-access.h) */
    bool optional;       /* left out where there is nothing at the path */
};

/* A policy's `ports`: TCP ports by number, if they are limited at all. */
enum { RSYS_PORTS_BIND, RSYS_PORTS_CONNECT, RSYS_PORTS_KINDS };
struct rsys_ports_spec {
    bool limited;
    size_t count;
    uint16_t *port;      /* owned */
};

/* What a control group (cgroups(7), version 2) bounds for a session as a whole.  All zero: it needs no group. */
#define RSYS_GROUP_MEMORY_MIN (UINT64_C(4) << 20)
struct rsys_io_spec {
    char *device;         /* a disk, or any path on its file system; owned */
    uint64_t read_bytes, write_bytes, read_ops, write_ops; /* a second; 0: not set */
};
struct rsys_group_spec {
    uint64_t memory;      /* bytes; 0: not set */
    uint64_t swap;        /* bytes: has_swap, or memory is set */
    bool has_swap;
    uint32_t cpu;         /* percent of one processor; 0: not set */
    uint32_t pids;        /* 0: not set */
    size_t ios;
    struct rsys_io_spec *io; /* owned */
};

struct rsys_sandbox_spec {
    char *root;          /* NULL: an empty tmpfs to mount on (the default policy); owned */
    uint8_t root_mode;   /* enum rsys_root_mode */
    size_t mounts;
    struct rsys_mount_spec *mount; /* owned; in the order of the policy */
    char *hostname;      /* owned; NULL: "sandbox" */
    uint8_t network;     /* enum rsys_network */
    struct rsys_veth_spec veth; /* VETH */
    uint32_t uid, gid;   /* the first guest's ids inside; default 0 0 */
    uint32_t uid_range;  /* how many ids are mapped when the server runs as root; 1: only one */
    uint64_t capabilities; /* bit per CAP_*: what guests' executors hold in their user namespace (bounding, permitted, effective) */
    uint32_t nofile;     /* L; default 1024: the kernel copies tables of this size at every fork */
    uint32_t nproc;      /* processes and threads of a session; 0: not set */
    uint64_t fsize;      /* bytes, 0: not set */
    struct rsys_group_spec group;
    uint64_t memory_file;/* bytes of all tmpfs upper layers, 0: kernel's default */
    bool confined;       /* files are only those of `path`, by Landlock, even if that has no entry */
    bool best_effort;    /* a kernel that has not all of Landlock's rights is good enough */
    size_t paths;
    struct rsys_path_spec *path; /* owned */
    struct rsys_ports_spec ports[RSYS_PORTS_KINDS]; /* which may be bound, which connected to */
};
void rsys_sandbox_spec_free(struct rsys_sandbox_spec *spec);

/* ---- who may connect ---- */

/* Numbers that are allowed.  Not given: all are.  Given: these alone, which may be none. */
struct rsys_ids {
    bool given;
    size_t count;
    uint32_t *id; /* owned */
};
/* Whether id is allowed. */
bool rsys_ids_allow(const struct rsys_ids *ids, uint32_t id);
/* One more; ids are given from then on.  0, or -1 for want of memory. */
int rsys_ids_add(struct rsys_ids *ids, uint32_t id);
void rsys_ids_free(struct rsys_ids *ids);

struct rsys_clients_spec {
    struct rsys_ids cids; /* machines, over vsock */
    struct rsys_ids uids; /* users, over unix sockets */
};
void rsys_clients_spec_free(struct rsys_clients_spec *clients);

/* A policy, compiled. */
struct rsys_spec {
    struct rsys_rules rules;
    struct rsys_clients_spec clients;
    struct rsys_sandbox_spec sandbox;
    /* Where rules stand, "FILE:LINE": [0] is the default's, [n] of those whose source is n; and what is odd about the policy, a line each.  Both are for people; owned. */
    char **origin, **warning;
    size_t origins, warnings;
};
/* Where the rule stands, or "the policy". */
const char *rsys_spec_origin(const struct rsys_spec *spec, uint16_t source);
void rsys_spec_free(struct rsys_spec *spec);

#endif
