/* SPDX-License-Identifier: GPL-2.0-only */
/* unit-policy.c: policies that compile, to what; policies that do not, with which message at which place.  A line a case. */
#include "policy/learned.h"
#include "policy/policy.h"
#include "src/core/path-access.h"
#include "src/core/table.h"
#include "src/core/util.h"

#include <check.h>
#include <linux/capability.h>
#include <string.h>

/* In the cases ' stands for ". */
static struct rsys_spec *parse(const char *text, struct rsys_error **err)
{
    char *copy = strdup(text);
    for (char *p = copy; *p != 0; p++)
        if (*p == '\'')
            *p = '"';
    struct rsys_spec *spec = rsys_policy_parse(copy, strlen(copy), "P", err);
    free(copy);
    return spec;
}

#define BOX ", 'sandbox': {'root': '/r'}}"
#define RULE(entry) "{'defaultAction': 'allow', 'syscalls': [\n" entry "]" BOX
#define SAND(keys) "{'defaultAction': 'allow', 'sandbox': {'root': '/r',\n" keys "}}"
#define MOUNT(keys) SAND("'mounts': [{" keys "}]")
#define NET(keys) SAND("'network': {\n" keys "}")
#define CLIENTS(keys) "{'defaultAction': 'allow', 'sandbox': {'root': '/r'}, 'clients': {\n" keys "}}"

static const struct {
    const char *text, *message;
} wrong[] = {
    /* syntax, by jansson */
    {"", "P:1:1: unexpected token near end of file"},
    {"{", "P:1:1: string or '}' expected near end of file"},
    {"{'defaultAction': 'allow',\n}", "P:2:1: string or '}' expected near '}'"},
    {"{'a': 1, 'a': 2}", "duplicate object key"},
    {"{'defaultAction': 'allow'} x", "P:1:28: end of file expected near 'x'"},
    /* the top */
    {"[]", "P:1:1: a policy has to be an object, not an array"},
    {"{}", "P:1:1: \"defaultAction\" is missing"},
    {"{'defaultAction': 'allow', 'sandbox': {}}", "P:1:28: nothing says what the sandbox's files are"},
    {"{'defaultActoin': 'allow'" BOX, "P:1:2: unknown key \"defaultActoin\" in a policy: did you mean \"defaultAction\"?"},
    {"{\n  'hostname': 'x'" BOX, "P:2:3: unknown key \"hostname\" in a policy"},
    {"{'defaultAction': 'alow'" BOX, "P:1:19: unknown action \"alow\": did you mean \"allow\"?"},
    {"{'defaultAction': 'SCMP_ACT_ERNO'" BOX, "P:1:19: unknown action \"SCMP_ACT_ERNO\": did you mean \"SCMP_ACT_ERRNO\"?"},
    {"{'defaultAction': 3" BOX, "P:1:19: a string is expected here, not a number"},
    {"{'defaultAction': 'allow', 'defaultErrnoRet': 1" BOX, "P:1:28: defaultErrnoRet means something for a defaultAction of \"deny\""},
    {"{'defaultAction': 'deny', 'defaultErrnoRet': 'EPREM'" BOX, "P:1:46: unknown error \"EPREM\": did you mean \"EPERM\"?"},
    {"{'defaultAction': 'deny', 'defaultErrnoRet': 0" BOX, "P:1:46: an error number of 0 would look like success"},
    {"{'defaultAction': 'deny', 'defaultErrnoRet': 4096" BOX, "P:1:46: 4096 is too large: at most 4095"},
    {"{'defaultAction': 'allow', 'ports': {'conect': [1]}" BOX, "P:1:38: unknown key \"conect\" in \"ports\": did you mean \"connect\"?"},
    {"{'defaultAction': 'allow', 'ports': {'connect': [65536]}" BOX, "P:1:50: 65536 is too large: at most 65535"},
    {"{'defaultAction': 'allow', 'ports': {'bind': 80}" BOX, "P:1:46: an array is expected here"},
    {"{'defaultAction': 'allow', 'paths': 7" BOX, "P:1:37: \"paths\" has to be an object, not a number"},
    {"{'defaultAction': 'allow', 'paths': {'rule': []}" BOX, "P:1:38: unknown key \"rule\" in \"paths\": did you mean \"rules\"?"},
    {"{'defaultAction': 'allow', 'paths': [{'path': '/x'}]" BOX, "P:1:38: an entry of \"paths\" needs \"access\""},
    {"{'defaultAction': 'allow', 'paths': [{'access': 'ro'}]" BOX, "P:1:38: an entry of \"paths\" needs \"path\""},
    {"{'defaultAction': 'allow', 'paths': [{'path': 'x', 'access': 'ro'}]" BOX, "P:1:47: \"x\" has to be an absolute path"},
    {"{'defaultAction': 'allow', 'paths': [{'path': '/x', 'access': []}]" BOX, "P:1:63: \"access\" is empty"},
    {"{'defaultAction': 'allow', 'paths': [{'path': '/x', 'access': ['raed']}]" BOX, "P:1:64: unknown access \"raed\": did you mean \"read\"?"},
    {"{'defaultAction': 'allow', 'paths': [{'path': '/x', 'access': 'all of it'}]" BOX, "P:1:63: unknown access \"all of it\": it may be \"ro\""},
    {"{'defaultAction': 'allow', 'listenerPath': '/x'" BOX, "P:1:28: \"listenerPath\": not possible"},
    {"{'defaultAction': 'allow', 'architectures': ['SCMP_ARCH_ARM']" BOX, "P:1:45: the policy is not for SCMP_ARCH_X86_64"},
    {"{'defaultAction': 'allow', 'architectures': ['x86']" BOX, "P:1:46: unknown architecture \"x86\""},
    {"{'defaultAction': 'allow', 'flags': ['SECCOMP_FILTER_FLAG_TSINC']" BOX, "P:1:38: unknown flag \"SECCOMP_FILTER_FLAG_TSINC\": did you mean"},
    /* syscalls */
    {RULE("{'names': ['raed'], 'action': 'deny'}"), "P:2:12: unknown system call \"raed\": did you mean \"read\"?"},
    {RULE("{'names': ['openat2x'], 'action': 'deny'}"), "P:2:12: unknown system call \"openat2x\": did you mean \"openat2\"?"},
    {RULE("{'names': ['@file-sytem'], 'action': 'deny'}"), "P:2:12: unknown group of calls \"@file-sytem\": did you mean \"@file-system\"?"},
    {RULE("{'names': ['no_such_thing'], 'action': 'deny'}"), "P:2:12: unknown system call \"no_such_thing\""},
    {RULE("{'name': ['read'], 'action': 'deny'}"), "P:2:2: unknown key \"name\" in an entry of \"syscalls\": did you mean \"names\"?"},
    {RULE("{'names': 'read', 'action': 'deny'}"), "P:2:11: an array is expected here, not a string"},
    {RULE("{'names': [], 'action': 'deny'}"), "P:2:11: \"names\" is empty"},
    {RULE("{'names': [7], 'action': 'deny'}"), "P:2:12: a string is expected here, not a number"},
    {RULE("{'names': ['read']}"), "P:2:1: an entry of \"syscalls\" needs \"action\""},
    {RULE("{'action': 'deny'}"), "P:2:1: an entry of \"syscalls\" needs \"names\""},
    {RULE("7"), "P:2:1: an entry of \"syscalls\" has to be an object, not a number"},
    {RULE("{'names': ['read'], 'action': 'log', 'errnoRet': 1}"), "P:2:38: errnoRet means something for"},
    {RULE("{'names': ['read'], 'action': 'SCMP_ACT_NOTIFY'}"), "P:2:31: the action SCMP_ACT_NOTIFY is not possible"},
    {RULE("{'names': ['read'], 'action': 'SCMP_ACT_TRACE'}"), "P:2:31: the action SCMP_ACT_TRACE is not possible"},
    {RULE("{'names': ['read'], 'action': 'allow', 'errnoRet': 1}"), "P:2:40: errnoRet means something for"},
    {RULE("{'names': ['read'], 'action': 'deny', 'errnoRet': -1}"), "P:2:51: a number is expected here, not a negative number"},
    {RULE("{'names': ['read'], 'action': 'deny', 'errnoRet': 1.5}"), "P:2:51: a number is expected here, not a number with a fraction"},
    /* impossible placements */
    {RULE("{'names': ['mmap'], 'action': 'remote'}"), "P:2:12: mmap cannot be remote: it acts on the program's own memory"},
    {RULE("{'names': ['brk'], 'action': 'remote'}"), "P:2:12: brk cannot be remote"},
    {RULE("{'names': ['fork'], 'action': 'remote'}"), "P:2:12: fork cannot be remote"},
    {RULE("{'names': ['openat'], 'action': 'local'}"), "P:2:12: openat cannot be local: what it acts on is the server's"},
    {RULE("{'names': ['read'], 'action': 'local'}"), "P:2:12: read cannot be local: it goes to the side where its descriptors are at home"},
    {RULE("{'names': ['ptrace'], 'action': 'local'}"), "P:2:12: ptrace cannot be local: it is never executed"},
    {RULE("{'names': ['mount'], 'action': 'remote'}"), "P:2:12: mount cannot be remote: it is never executed"},
    {RULE("{'names': ['@process'], 'action': 'remote'}"), "P:2:12: @process cannot be remote as a whole: of"},
    {RULE("{'names': ['@file-system'], 'action': 'local'}"), "P:2:12: @file-system cannot be local as a whole: of"},
    /* args */
    {RULE("{'names': ['read'], 'action': 'deny', 'args': 1}"), "P:2:47: an array is expected here, not a number"},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'index': 6, 'value': 1, 'op': '=='}]}"), "P:2:58: 6 is too large: at most 5"},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'index': 3, 'value': 1, 'op': '=='}]}"), "P:2:12: read has 3 arguments"},
    {RULE("{'names': ['sync'], 'action': 'deny', 'args': [{'index': 0, 'value': 1, 'op': '=='}]}"), "P:2:12: sync has 0 arguments"},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'value': 1, 'op': '=='}]}"), "P:2:48: a condition needs \"index\""},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'index': 0, 'op': '=='}]}"), "P:2:48: a condition needs \"value\""},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'index': 0, 'value': 1}]}"), "P:2:48: a condition needs \"op\""},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EG'}]}"),
     "P:2:79: unknown comparison \"SCMP_CMP_EG\": did you mean"},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'index': 0, 'value': 1, 'valueTwo': 1, 'op': '=='}]}"), "P:2:85: valueTwo means something for"},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'index': 0, 'value': 1, 'valueTwo': 2, 'op': '&'}]}"), "P:2:85: (argument & value) == valueTwo never holds"},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'index': 0, 'value': '0xg', 'op': '=='}]}"), "P:2:70: a number is expected here, not \"0xg\""},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'index': 0, 'value': 1, 'oop': '=='}]}"), "P:2:73: unknown key \"oop\" in a condition of args: did you mean \"op\"?"},
    {RULE("{'names': ['read'], 'action': 'deny', 'includes': {'cap': []}}"), "P:2:52: unknown key \"cap\" in \"includes\": did you mean \"caps\"?"},
    {RULE("{'names': ['read'], 'action': 'deny', 'excludes': {'minKernel': 'x'}}"), "P:2:65: a kernel's version"},
    /* clients */
    {CLIENTS("'cid': [3]"), "P:2:1: unknown key \"cid\" in \"clients\": did you mean \"cids\"?"},
    {CLIENTS("'cids': 3"), "P:2:9: an array is expected here, not a number"},
    {CLIENTS("'cids': [3, 0]"), "P:2:13: \"0\" is not a vsock context id: a number from 1 on, \"host\" or \"local\""},
    {CLIENTS("'cids': [4294967295]"), "P:2:10: \"4294967295\" is not a vsock context id"},
    {CLIENTS("'cids': [4294967296]"), "P:2:10: 4294967296 is too large: at most 4294967295"},
    {CLIENTS("'cids': [-1]"), "P:2:10: a number is expected here, not a negative number"},
    {CLIENTS("'cids': [3.5]"), "P:2:10: a string is expected here, not a number"},
    {CLIENTS("'cids': ['guest']"), "P:2:10: \"guest\" is not a vsock context id"},
    {CLIENTS("'cids': [[3]]"), "P:2:10: a string is expected here, not an array"},
    {CLIENTS("'uids': [4294967295]"), "P:2:10: \"4294967295\" is not a user of this machine"},
    {CLIENTS("'uids': ['no such user']"), "P:2:10: \"no such user\" is not a user of this machine: a number, or a name that is known here"},
    /* sandbox */
    {SAND("'hostnam': 'x'"), "P:2:1: unknown key \"hostnam\" in \"sandbox\": did you mean \"hostname\"?"},
    {SAND("'network': 'veth'"), "P:2:12: the network \"veth\" needs \"ipv4\" or \"ipv6\""},
    {NET("'mode': 'vet', 'ipv4': '10.0.0.0/24'"), "P:3:9: unknown network \"vet\": did you mean \"veth\"?"},
    {NET("'ipv4': '10.0.0.0/24'"), "P:2:12: \"network\" needs \"mode\""},
    {NET("'mode': 'none', 'ipv4': '10.0.0.0/24'"), "P:3:17: \"ipv4\" is for the network \"veth\""},
    {NET("'mode': 'host', 'mtu': 1500"), "P:3:17: \"mtu\" is for the network \"veth\""},
    {NET("'mode': 'veth', 'ip4': '10.0.0.0/24'"), "P:3:17: unknown key \"ip4\" in \"network\": did you mean \"ipv4\"?"},
    {NET("'mode': 'veth', 'ipv4': '10.0.0.0'"), "P:3:25: an address with the length of its network, 1 to 32, is expected here"},
    {NET("'mode': 'veth', 'ipv4': '10.0.0.0/33'"), "P:3:25: an address with the length of its network"},
    {NET("'mode': 'veth', 'ipv4': '10.0.0.0/24x'"), "P:3:25: an address with the length of its network"},
    {NET("'mode': 'veth', 'ipv4': '10.0.0.256/24'"), "P:3:25: \"10.0.0.256\" is not an IPv4 address"},
    {NET("'mode': 'veth', 'ipv4': 'fd00::/64'"), "P:3:25: an address with the length"},
    {NET("'mode': 'veth', 'ipv6': '10.0.0.0/24'"), "P:3:25: \"10.0.0.0\" is not an IPv6 address"},
    {NET("'mode': 'veth', 'ipv6': 'fe80::5/64'"), "P:3:25: fe80::5 cannot be an interface's address"},
    {NET("'mode': 'veth', 'ipv4': '127.0.0.0/24'"), "P:3:25: 127.0.0.0 cannot be an interface's address"},
    {NET("'mode': 'veth', 'ipv4': '10.0.0.0/31'"), "P:3:25: 10.0.0.0/31 is too small"},
    {NET("'mode': 'veth', 'ipv4': '10.0.0.5/32'"), "P:3:25: a network of one address has no room for a gateway"},
    {NET("'mode': 'veth', 'ipv4': '10.0.0.1/24'"), "P:3:25: the gateway cannot be the sandbox itself"},
    {NET("'mode': 'veth', 'ipv4': {'address': '10.0.0.2/24', 'gateway': '10.0.0.2'}"), "P:3:63: the gateway cannot be the sandbox itself"},
    {NET("'mode': 'veth', 'ipv4': {'gateway': '10.0.0.2'}"), "P:3:25: an IPv4 network needs \"address\""},
    {NET("'mode': 'veth', 'ipv4': 5"), "P:3:25: \"ipv4\" has to be an object, not a number"},
    {NET("'mode': 'veth', 'ipv4': '10.0.0.0/24', 'interface': 'a b'"), "P:3:53: \"a b\" cannot be an interface's name here"},
    {NET("'mode': 'veth', 'ipv4': '10.0.0.0/24', 'interface': 'sixteen-letters-'"), "P:3:53: \"sixteen-letters-\" cannot be"},
    {NET("'mode': 'veth', 'ipv4': '10.0.0.0/24', 'mtu': 500"), "P:3:47: an MTU is at least 1280 bytes"},
    {NET("'mode': 'veth', 'bridge': 'br0', 'ipv4': {'address': '10.0.0.0/24', 'gateway': '10.1.0.1'}"), "P:3:17: on a bridge, the IPv4 gateway has to be"},
    {SAND("'network': 'hots'"), "P:2:12: unknown network \"hots\": did you mean \"host\"?"},
    {SAND("'network': 'bridge-of-mine'"), "P:2:12: unknown network \"bridge-of-mine\": it may be none, host or veth"},
    {SAND("'cgroup': {}"), "P:2:1: \"cgroup\": there is nothing to choose"},
    {SAND("'limits': {'memory': '1M'}"), "P:2:22: less than 4M is not enough"},
    {SAND("'limits': {'pids': 2}"), "P:2:20: fewer than 4 processes"},
    {SAND("'limits': {'cpu': 'half'}"), "P:2:19: a share of one processor (\"150%\")"},
    {SAND("'limits': {'cpu': '0%'}"), "P:2:19: a share of processors is from 1% to"},
    {SAND("'limits': {'io': [{'read': 5}]}"), "P:2:19: an \"io\" needs \"device\""},
    {SAND("'limits': {'io': [{'device': '/x'}]}"), "P:2:19: an \"io\" needs \"read\""},
    {SAND("'limits': {'nofile': 10}"), "P:2:22: fewer than 64 descriptors"},
    {SAND("'limits': {'fsize': '1Q'}"), "P:2:21: a number of bytes (\"64M\") is expected here, not \"1Q\""},
    {SAND("'limits': {'fsize': '99999999999T'}"), "P:2:21: a number of bytes (\"64M\") is expected here"},
    {SAND("'capabilities': ['CAP_CHWON']"), "P:2:18: unknown capability \"CAP_CHWON\": did you mean \"CAP_CHOWN\"?"},
    {SAND("'capabilities': ['CAP_CHOWN', 'CAP_SYS_RESOURCE']"), "P:2:31: no sandbox can have CAP_SYS_RESOURCE"},
    {SAND("'capabilities': 'CAP_CHOWN'"), "P:2:17: an array is expected here, not a string"},
    {SAND("'user': {'uid': 70000}"), "P:2:9: uid 70000 and gid 0 have to be among the 65536 ids"},
    {SAND("'user': {'range': 0}"), "P:2:19: at least one id has to be mapped"},
    {SAND("'user': {'uid': 4294967295}"), "P:2:17: 4294967295 is too large"},
    {SAND("'hostname': ''"), "P:2:13: a host name has 1 to 64 characters"},
    {"{'defaultAction': 'allow', 'sandbox': {'root': 'r'}}", "P:1:48: \"r\" has to be an absolute path"},
    {"{'defaultAction': 'allow', 'sandbox': {'root': {'path': '/r', 'mode': 'overly'}}}", "P:1:71: unknown root mode \"overly\": did you mean \"overlay\"?"},
    {"{'defaultAction': 'allow', 'sandbox': {'root': {'mode': 'overlay'}}}", "P:1:48: an overlay needs the \"path\""},
    {MOUNT("'type': 'bind', 'target': '/x'"), "P:2:12: a mount of type bind needs \"source\""},
    {MOUNT("'type': 'bind', 'source': '/x'"), "P:2:12: a mount needs \"target\""},
    {MOUNT("'source': '/x', 'target': '/x'"), "P:2:12: a mount needs \"type\""},
    {MOUNT("'type': 'bnd', 'source': '/x', 'target': '/x'"), "P:2:21: unknown type of mount \"bnd\": did you mean \"bind\"?"},
    {MOUNT("'type': 'tmpfs', 'source': '/x', 'target': '/x'"), "P:2:30: a mount of type tmpfs has no \"source\""},
    {MOUNT("'type': 'tmpfs', 'target': '/x', 'mode': 755"), "P:2:54: a mode is a string of octal digits"},
    {MOUNT("'type': 'tmpfs', 'target': '/x', 'mode': '888'"), "P:2:54: a mode is a string of octal digits"},
    {MOUNT("'type': 'proc', 'target': '/x', 'size': 1"), "P:2:45: \"size\" and \"mode\" are for mounts of type tmpfs"},
    {MOUNT("'type': 'tmpfs', 'target': '/x', 'writable': true"), "P:2:46: \"writable\" is for mounts of type bind; one of type tmpfs always is"},
    {MOUNT("'type': 'tmpfs', 'target': '/x', 'optional': true"), "P:2:46: a mount of type tmpfs has no source that could be missing"},
    {MOUNT("'type': 'tmpfs', 'target': '//'"), "P:2:40: nothing can be mounted on /"},
    {MOUNT("'type': 'tmpfs', 'target': 'x'"), "P:2:40: \"x\" has to be an absolute path"},
    {MOUNT("'type': 'bind', 'source': '/x', 'target': '/x', 'writable': 1"), "P:2:73: true or false is expected here, not a number"},
    {MOUNT("'type': 'bind', 'source': '/\303\244\303\266', 'target': '/x', 'writable': 1"), "P:2:74: true or false is expected here, not a number"},
};

START_TEST(wrong_policies)
{
    RSYS_AUTO_ERROR err = NULL;
    ck_assert_msg(parse(wrong[_i].text, &err) == NULL, "accepted: %s", wrong[_i].text);
    ck_assert_msg(strstr(rsys_error_text(err), wrong[_i].message) != NULL, "%s\nsays:   %s\nwanted: %s", wrong[_i].text, rsys_error_text(err),
                  wrong[_i].message);
}
END_TEST

/* What a policy says of one call. */
static const struct {
    const char *text, *call;
    uint64_t args[6];
    enum rsys_action action;
    int error;
} decided[] = {
    {RULE(""), "openat", {0}, RSYS_ACTION_REMOTE, 0},
    {RULE(""), "getpid", {0}, RSYS_ACTION_LOCAL, 0},
    {RULE(""), "uname", {0}, RSYS_ACTION_REMOTE, 0},
    {RULE(""), "ptrace", {0}, RSYS_ACTION_DENY, EPERM},
    {RULE(""), "clone3", {0}, RSYS_ACTION_DENY, ENOSYS},
    {RULE("{'names': ['uname'], 'action': 'local'}"), "uname", {0}, RSYS_ACTION_LOCAL, 0},
    {RULE("{'names': ['clone3', 'mount'], 'action': 'allow'}"), "clone3", {0}, RSYS_ACTION_DENY, ENOSYS},
    {RULE("{'names': ['mmap'], 'action': 'local'}"), "mmap", {0}, RSYS_ACTION_REMOTE, 0},
    {RULE("{'names': ['socket'], 'action': 'deny'}"), "socket", {0}, RSYS_ACTION_DENY, EPERM},
    {RULE("{'names': ['socket'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 97}"), "socket", {0}, RSYS_ACTION_DENY, 97},
    {RULE("{'names': ['socket'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 'EACCES', 'errno': 'EACCES'}"), "socket", {0}, RSYS_ACTION_DENY, EACCES},
    {RULE("{'names': ['socket'], 'action': 'SCMP_ACT_KILL'}"), "socket", {0}, RSYS_ACTION_KILL, 0},
    {RULE("{'names': ['@network-io'], 'action': 'deny'}"), "socket", {0}, RSYS_ACTION_DENY, EPERM},
    {RULE("{'names': ['@network-io'], 'action': 'remote'}"), "socket", {0}, RSYS_ACTION_REMOTE, 0},
    /* the strictest wins, whatever the order */
    {RULE("{'names': ['socket'], 'action': 'deny'}, {'names': ['socket'], 'action': 'allow'}"), "socket", {0}, RSYS_ACTION_DENY, EPERM},
    {RULE("{'names': ['socket'], 'action': 'kill'}, {'names': ['socket'], 'action': 'deny'}"), "socket", {0}, RSYS_ACTION_KILL, 0},
    {RULE("{'names': ['uname'], 'action': 'local'}, {'names': ['uname'], 'action': 'remote'}"), "uname", {0}, RSYS_ACTION_REMOTE, 0},
    /* conditions */
    {RULE("{'names': ['socket'], 'action': 'deny', 'args': [{'index': 0, 'value': 2, 'op': 'SCMP_CMP_EQ'}]}"), "socket", {2}, RSYS_ACTION_DENY, EPERM},
    {RULE("{'names': ['socket'], 'action': 'deny', 'args': [{'index': 0, 'value': 2, 'op': '=='}]}"), "socket", {1}, RSYS_ACTION_REMOTE, 0},
    {RULE("{'names': ['socket'], 'action': 'deny', 'args': [{'index': 1, 'value': 15, 'valueTwo': 3, 'op': '&'}]}"), "socket", {2, 0x13}, RSYS_ACTION_DENY, EPERM},
    {RULE("{'names': ['read'], 'action': 'deny', 'args': [{'index': 2, 'value': '0xffffffffffffffff', 'op': '=='}]}"), "read", {0, 0, UINT64_MAX}, RSYS_ACTION_DENY, EPERM},
    {"{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 38, 'defaultErrno': 'ENOSYS', 'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_ALLOW', 'args': null}]" BOX,
     "read", {0}, RSYS_ACTION_REMOTE, 0},
    {"{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 38, 'syscalls': []" BOX, "write", {0}, RSYS_ACTION_DENY, ENOSYS},
    {"{'defaultAction': 'deny'" BOX, "getpid", {0}, RSYS_ACTION_DENY, EPERM},
    {"{'defaultAction': 'SCMP_ACT_LOG'" BOX, "getpid", {0}, RSYS_ACTION_LOCAL, 0},
    {"{'defaultAction': 'SCMP_ACT_TRAP', 'defaultErrnoRet': 5" BOX, "getpid", {0}, RSYS_ACTION_TRAP, 0},
    {RULE("{'names': ['read'], 'action': 'trap'}, {'names': ['read'], 'action': 'deny'}"), "read", {0}, RSYS_ACTION_TRAP, 0},
    {RULE("{'names': ['read'], 'action': 'trap'}, {'names': ['read'], 'action': 'kill'}"), "read", {0}, RSYS_ACTION_KILL, 0},
    {RULE("{'names': ['read'], 'action': 'log'}, {'names': ['read'], 'action': 'deny'}"), "read", {0}, RSYS_ACTION_DENY, EPERM},
    /* a container engine's profile names what nobody here knows */
    {"{'defaultAction': 'SCMP_ACT_ERRNO', 'archMap': null, 'syscalls': [{'names': ['read', 'to_come'], 'action': 'SCMP_ACT_ALLOW'}]" BOX, "read", {0}, RSYS_ACTION_REMOTE, 0},
    {"{'defaultAction': 'deny', 'syscalls': [{'names': ['@default'], 'action': 'allow'}]" BOX, "getpid", {0}, RSYS_ACTION_LOCAL, 0},
    {"{'defaultAction': 'kill'" BOX, "getpid", {0}, RSYS_ACTION_KILL, 0},
    /* profiles of container engines */
    {RULE("{'names': ['chown32', '_llseek', 'arm_fadvise64_64', 'read'], 'action': 'deny', 'args': [], 'comment': '', 'includes': {}, 'excludes': {}}"), "read", {0}, RSYS_ACTION_DENY, EPERM},
    {RULE("{'names': ['read'], 'action': 'deny', 'includes': {'arches': ['s390']}}"), "read", {0}, RSYS_ACTION_REMOTE, 0},
    {RULE("{'names': ['read'], 'action': 'deny', 'includes': {'arches': ['amd64', 'x32'], 'minKernel': '4.8'}}"), "read", {0}, RSYS_ACTION_DENY, EPERM},
    {RULE("{'names': ['read'], 'action': 'deny', 'includes': {'minKernel': '99.0'}}"), "read", {0}, RSYS_ACTION_REMOTE, 0},
    {RULE("{'names': ['read'], 'action': 'deny', 'includes': {'caps': ['CAP_SYS_ADMIN']}}"), "read", {0}, RSYS_ACTION_REMOTE, 0},
    {RULE("{'names': ['read'], 'action': 'deny', 'excludes': {'caps': ['CAP_SYS_ADMIN']}}"), "read", {0}, RSYS_ACTION_DENY, EPERM},
    {RULE("{'names': ['read'], 'action': 'deny', 'excludes': {'caps': ['CAP_CHOWN', 'CAP_SYS_ADMIN']}}, {'names': ['sync'], 'action': 'deny'}], 'architectures': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'], 'archMap': [], 'flags': ['SECCOMP_FILTER_FLAG_LOG'], 'comment': 'x'"
          ", 'sandbox': {'root': '/r', 'capabilities': ['CAP_CHOWN']}}//") "", "read", {0}, RSYS_ACTION_REMOTE, 0},
};

START_TEST(decisions)
{
    RSYS_AUTO_ERROR err = NULL;
    uint16_t error = 0;
    char text[2048];
    snprintf(text, sizeof text, "%s", decided[_i].text);
    if (strstr(text, "//") != NULL)
        *strstr(text, "//") = 0;
    struct rsys_spec *spec = parse(text, &err);
    ck_assert_msg(spec != NULL, "%s: %s", text, rsys_error_text(err));
    ck_assert_int_eq(rsys_rules_check(&spec->rules), 0);
    const struct rsys_call *call = rsys_call_by_name(decided[_i].call);
    int action = rsys_rules_decide(&spec->rules, call->nr, decided[_i].args, &error);
    ck_assert_msg(action == (int)decided[_i].action && error == decided[_i].error, "%s: action %d, error %d", text, action, error);
    rsys_policy_free(spec);
}
END_TEST

/* Where rules stand, what is logged, what is warned of. */
START_TEST(told)
{
    RSYS_AUTO_ERROR err = NULL;
    static const uint64_t args[6] = {1};
    struct rsys_spec *spec = parse("{\n'defaultAction': 'deny', 'archMap': [],\n'syscalls': [\n{'names': ['read', 'raed'], 'action': 'log'},\n"
                                   "{'names': ['write'], 'action': 'deny', 'errnoRet': 5}]" BOX, &err);
    ck_assert_msg(spec != NULL, "%s", rsys_error_text(err));
    struct rsys_decision decision = rsys_rules_judge(&spec->rules, rsys_call_by_name("read")->nr, args);
    ck_assert(decision.action == RSYS_ACTION_REMOTE && decision.logged && !decision.table);
    ck_assert_str_eq(rsys_spec_origin(spec, decision.source), "P:4");
    decision = rsys_rules_judge(&spec->rules, rsys_call_by_name("write")->nr, args);
    ck_assert(decision.action == RSYS_ACTION_DENY && decision.error == 5 && !decision.logged);
    ck_assert_str_eq(rsys_spec_origin(spec, decision.source), "P:5");
    decision = rsys_rules_judge(&spec->rules, rsys_call_by_name("open")->nr, args);
    ck_assert(decision.action == RSYS_ACTION_DENY && decision.error == EPERM && decision.source == 0);
    ck_assert_str_eq(rsys_spec_origin(spec, 0), "P:2");
    ck_assert_str_eq(rsys_spec_origin(spec, 7), "the policy");
    ck_assert_uint_eq(spec->warnings, 1);
    ck_assert_str_eq(spec->warning[0], "P:4: nobody here knows a call \"raed\": it has no effect: did you mean \"read\"?");
    rsys_policy_free(spec);
    spec = parse("{'defaultAction': 'allow'}", &err);
    decision = rsys_rules_judge(&spec->rules, rsys_call_by_name("ptrace")->nr, args);
    ck_assert(decision.action == RSYS_ACTION_DENY && decision.table);
    rsys_policy_free(spec);
}
END_TEST

/* What was learned is a policy, which can be read back and added to. */
START_TEST(learns)
{
    RSYS_AUTO_ERROR err = NULL;
    static const uint64_t none[6], inet[6] = {2}, unix_socket[6] = {UINT64_C(7) << 32 | 1};
    struct learned learned = {.paths = NULL};
    static const char *const calls[] = {"read", "openat", "ptrace", "uname"};
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(calls); i++)
        rsys_learned_call(&learned, rsys_call_by_name(calls[i])->nr, none, i == 3);
    rsys_learned_call(&learned, rsys_call_by_name("socket")->nr, inet, false);
    rsys_learned_call(&learned, rsys_call_by_name("socket")->nr, unix_socket, false);
    rsys_learned_call(&learned, 511, none, false);
    static const struct {
        const char *path;
        uint64_t access;
    } paths[] = {
        {"/usr/lib/x/libc.so", RSYS_PATH_READ_FILE}, {"/usr/lib/ld.so", RSYS_PATH_EXECUTE | RSYS_PATH_READ_FILE}, {"/proc/77/stat", RSYS_PATH_READ_FILE},
        {"/work", RSYS_PATH_MAKE_DIR}, {"/work/new", RSYS_PATH_MAKE_REG}, {"/work/new/file", RSYS_PATH_WRITE_FILE}, {"/etc/a", RSYS_PATH_READ_FILE},
        {"/etc/b", RSYS_PATH_READ_FILE}, {"/etc/c", RSYS_PATH_READ_FILE}, {"/etc/d", RSYS_PATH_READ_FILE}, {"/etc/e", RSYS_PATH_READ_FILE},
        {"/etc/f \"quoted\"", RSYS_PATH_READ_FILE}, {"/srv/a", RSYS_PATH_READ_FILE}, {"/srv", RSYS_PATH_READ}, {"pipe:[1]", RSYS_PATH_READ_FILE},
        {"/memfd:x (deleted)", RSYS_PATH_READ_FILE}, {"/tmp/x (deleted)", RSYS_PATH_READ_FILE}, {"/bad\xff", RSYS_PATH_READ_FILE},
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(paths); i++)
        rsys_learned_path(&learned, paths[i].path, paths[i].access);
    rsys_learned_made(&learned, "/work/new");
    rsys_learned_made(&learned, "/work/new/file");
    char *text = rsys_learned_text(&learned);
    ck_assert_ptr_nonnull(text);
    static const char *const lines[] = {
        "\"read\", \"ptrace\", \"openat\"", "{\"names\": [\"uname\"], \"action\": \"local\"}", "\"valueTwo\": \"0x2\"}", "\"valueTwo\": \"0x1\"}",
        "[\n        {\"path\": \"/etc\", \"access\": [\"ro\"], \"optional\": true},\n        {\"path\": \"/proc\", \"access\": [\"read-file\"], \"optional\": true},\n"
        "        {\"path\": \"/srv\", \"access\": [\"ro\"], \"optional\": true},\n        {\"path\": \"/usr/lib\", \"access\": [\"ro\"], \"optional\": true},\n"
        "        {\"path\": \"/usr/lib/ld.so\", \"access\": [\"execute\", \"read-file\"], \"optional\": true},\n"
        "        {\"path\": \"/work\", \"access\": [\"write-file\", \"make-dir\", \"make-reg\"], \"optional\": true}\n    ]",
    };
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(lines); i++)
        ck_assert_msg(strstr(text, lines[i]) != NULL, "\"%s\" is missing in:\n%s", lines[i], text);
    struct learned again = {.paths = NULL};
    ck_assert_msg(rsys_learned_read(&again, text, strlen(text), "L", &err) == 0, "%s", rsys_error_text(err));
    char *same = rsys_learned_text(&again);
    ck_assert_str_eq(same, text);
    free(text);
    free(same);
    rsys_learned_free(&learned);
    rsys_learned_free(&again);
}
END_TEST

START_TEST(sandbox_fields)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_spec *spec = parse(
        "{'defaultAction': 'allow', 'sandbox': {'root': {'path': '/srv/x', 'mode': 'ro'}, 'hostname': 'h', 'network': 'host', 'comment': 'c',"
        "'user': {'uid': 5, 'gid': 6, 'range': 10}, 'capabilities': ['CAP_CHOWN', 'CAP_SYS_PTRACE'],"
        "'limits': {'nofile': 128, 'nproc': 7, 'fsize': '2M', 'tmpfs': '1G'},"
        "'mounts': [{'type': 'bind', 'source': '/a', 'target': '/b', 'writable': true, 'optional': true},"
        "{'type': 'tmpfs', 'target': '/t', 'size': '64K', 'mode': '1777'}, {'type': 'proc', 'target': '/proc'}, {'type': 'dev', 'target': '/dev'},"
        "{'type': 'overlay', 'source': '/l', 'target': '/m'}]}}", &err);
    ck_assert_msg(spec != NULL, "%s", rsys_error_text(err));
    const struct rsys_sandbox_spec *box = &spec->sandbox;
    ck_assert_str_eq(box->root, "/srv/x");
    ck_assert_int_eq(box->root_mode, RSYS_ROOT_RO);
    ck_assert_str_eq(box->hostname, "h");
    ck_assert_int_eq(box->network, RSYS_NETWORK_HOST);
    ck_assert_uint_eq(box->uid, 5);
    ck_assert_uint_eq(box->gid, 6);
    ck_assert_uint_eq(box->uid_range, 10);
    ck_assert_uint_eq(box->capabilities, 1u << CAP_CHOWN | 1u << CAP_SYS_PTRACE);
    ck_assert_uint_eq(box->nofile, 128);
    ck_assert_uint_eq(box->nproc, 7);
    ck_assert_uint_eq(box->fsize, 2u << 20);
    ck_assert_uint_eq(box->memory_file, 1u << 30);
    ck_assert_uint_eq(box->mounts, 5);
    ck_assert(box->mount[0].type == RSYS_MOUNT_BIND && box->mount[0].writable && box->mount[0].optional);
    ck_assert_str_eq(box->mount[0].source, "/a");
    ck_assert_str_eq(box->mount[0].target, "/b");
    ck_assert(box->mount[1].type == RSYS_MOUNT_TMPFS && box->mount[1].size == 65536 && box->mount[1].mode == 01777);
    ck_assert(box->mount[2].type == RSYS_MOUNT_PROC && box->mount[3].type == RSYS_MOUNT_DEV && box->mount[4].type == RSYS_MOUNT_OVERLAY);
    rsys_policy_free(spec);
}
END_TEST

START_TEST(sandbox_defaults)
{
    struct rsys_spec *spec = parse(RULE(""), NULL);
    ck_assert_ptr_nonnull(spec);
    ck_assert_int_eq(spec->sandbox.root_mode, RSYS_ROOT_OVERLAY);
    ck_assert_int_eq(spec->sandbox.network, RSYS_NETWORK_NONE);
    ck_assert_uint_eq(spec->sandbox.nofile, 1024);
    ck_assert_uint_eq(spec->sandbox.uid_range, 65536);
    ck_assert_uint_eq(spec->sandbox.capabilities, 0);
    rsys_policy_free(spec);
    /* A profile without a sandbox has the built-in policy's. */
    struct rsys_spec *builtin = rsys_policy_default(NULL);
    spec = parse("{'defaultAction': 'SCMP_ACT_ALLOW'}", NULL);
    ck_assert_ptr_nonnull(spec);
    ck_assert_uint_eq(spec->sandbox.nofile, 1024);
    ck_assert_uint_eq(spec->sandbox.mounts, builtin->sandbox.mounts);
    ck_assert_str_eq(spec->sandbox.hostname, builtin->sandbox.hostname);
    rsys_policy_free(builtin);
    rsys_policy_free(spec);
}
END_TEST

START_TEST(shipped)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_spec *spec = rsys_policy_default(&err);
    ck_assert_msg(spec != NULL, "%s", rsys_error_text(err));
    ck_assert_ptr_null(spec->sandbox.root);
    ck_assert_int_eq(spec->sandbox.network, RSYS_NETWORK_NONE);
    ck_assert_uint_eq(spec->sandbox.nofile, 1024);
    for (size_t i = 0; i < spec->sandbox.mounts; i++)
        ck_assert(!spec->sandbox.mount[i].writable);
    rsys_policy_free(spec);
    spec = rsys_policy_load(SRCDIR "/policy/profiles/debian-root.json", &err);
    ck_assert_msg(spec != NULL, "%s", rsys_error_text(err));
    ck_assert_int_eq(spec->sandbox.root_mode, RSYS_ROOT_OVERLAY);
    rsys_policy_free(spec);
    ck_assert_ptr_null(rsys_policy_load("/nonexistent/policy.json", &err));
    ck_assert_str_eq(rsys_error_text(err), "open the policy /nonexistent/policy.json: No such file or directory");
}
END_TEST

START_TEST(networks)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_spec *spec = parse(NET("'mode': 'veth', 'ipv4': '10.9.8.0/22', 'ipv6': {'address': 'fd00:9::7/64', 'gateway': 'fd00:8::1'}, 'mtu': 1400, 'defaultRoute': false"), &err);
    ck_assert_msg(spec != NULL, "%s", rsys_error_text(err));
    const struct rsys_veth_spec *veth = &spec->sandbox.veth;
    const struct rsys_subnet *four = &veth->subnet[RSYS_IPV4], *six = &veth->subnet[RSYS_IPV6];
    ck_assert_int_eq(spec->sandbox.network, RSYS_NETWORK_VETH);
    ck_assert(four->prefix == 22 && four->pool && six->prefix == 64 && !six->pool);
    ck_assert_mem_eq(four->address, "\12\11\10\0", 4);
    ck_assert_mem_eq(four->gateway, "\12\11\10\1", 4);
    ck_assert_mem_eq(six->address, "\375\0\0\11\0\0\0\0\0\0\0\0\0\0\0\7", 16);
    ck_assert_mem_eq(six->gateway, "\375\0\0\10\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    ck_assert(veth->mtu == 1400 && !veth->default_route);
    ck_assert_str_eq(veth->interface, "eth0");
    ck_assert_str_eq(veth->bridge, "");
    rsys_policy_free(spec);
    spec = parse(NET("'mode': 'veth', 'ipv4': '10.9.8.200/25', 'bridge': 'br0', 'interface': 'net0'"), &err);
    ck_assert_msg(spec != NULL, "%s", rsys_error_text(err));
    veth = &spec->sandbox.veth;
    ck_assert(!veth->subnet[RSYS_IPV4].pool && veth->subnet[RSYS_IPV6].prefix == 0 && veth->default_route);
    ck_assert_mem_eq(veth->subnet[RSYS_IPV4].gateway, "\12\11\10\201", 4);
    ck_assert_str_eq(veth->interface, "net0");
    ck_assert_str_eq(veth->bridge, "br0");
    rsys_policy_free(spec);
    spec = parse(NET("'mode': 'none'"), &err);
    ck_assert_msg(spec != NULL && spec->sandbox.network == RSYS_NETWORK_NONE, "%s", rsys_error_text(err));
    rsys_policy_free(spec);
}
END_TEST

START_TEST(clients)
{
    RSYS_AUTO_ERROR err = NULL;
    struct rsys_spec *spec = parse(CLIENTS("'cids': [3, '77', 'host', 'local'], 'uids': [], 'comment': 'x'"), &err);
    ck_assert_msg(spec != NULL, "%s", rsys_error_text(err));
    static const uint32_t cids[] = {3, 77, 2, 1};
    ck_assert(spec->clients.cids.given && spec->clients.uids.given);
    ck_assert_uint_eq(spec->clients.cids.count, 4);
    ck_assert_mem_eq(spec->clients.cids.id, cids, sizeof cids);
    ck_assert(rsys_ids_allow(&spec->clients.cids, 77) && !rsys_ids_allow(&spec->clients.cids, 4));
    ck_assert(!rsys_ids_allow(&spec->clients.uids, 0));
    rsys_policy_free(spec);
    spec = parse(CLIENTS("'uids': ['root', 1000]"), &err);
    ck_assert_msg(spec != NULL, "%s", rsys_error_text(err));
    ck_assert(rsys_ids_allow(&spec->clients.uids, 0) && rsys_ids_allow(&spec->clients.uids, 1000) && !rsys_ids_allow(&spec->clients.uids, 1));
    ck_assert(!spec->clients.cids.given && rsys_ids_allow(&spec->clients.cids, 3));
    rsys_policy_free(spec);
}
END_TEST

/* What --check prints. */
START_TEST(explained)
{
    static const char *const lines[] = {
        "\n  /usr                     the server's /u, WRITABLE (left out where it is missing)\n",
        "\n  /                        the server's /r, with what is written kept in memory\n",
        "\n  network                  THE SERVER'S OWN\n",
        "clients\n  machines, over vsock     3 2\n  users, over unix         none\n\nsandbox\n",
        "\n  capabilities             CAP_CHOWN CAP_SYS_ADMIN (in the sandbox's user namespace)\n",
        "\n  largest file             3M\n",
        "\n  default: deny with ENOSYS  [P:1]\n",
        "\n    socket           deny with EACCES if argument 0 != 1 and (argument 1 & 0xf) == 0x3  [P:1]\n",
        "\n    socket           run where it belongs  [P:1]\n",
        "\n  note: execve is refused, so no program can be executed\n",
        "\n  note: the executor itself needs sendmsg,",
    };
    char text[65536] = "";
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    struct rsys_spec *spec = parse(
        "{'clients': {'cids': [3, 'host'], 'uids': []}, 'defaultAction': 'deny', 'defaultErrnoRet': 'ENOSYS', 'syscalls': [{'names': ['@network-io'], 'action': 'allow'},"
        "{'names': ['socket'], 'action': 'deny', 'errnoRet': 13, 'args': [{'index': 0, 'value': 1, 'op': '!='}, {'index': 1, 'value': 15, 'valueTwo': 3, "
        "'op': '&'}]}, {'names': ['sendmsg'], 'action': 'deny'}], 'sandbox': {'root': '/r', 'network': 'host', 'capabilities': ['CAP_CHOWN', 'CAP_SYS_ADMIN'],"
        "'limits': {'fsize': '3M'}, 'mounts': [{'type': 'bind', 'source': '/u', 'target': '/usr', 'writable': true, 'optional': true}]}}", NULL);
    ck_assert_ptr_nonnull(spec);
    rsys_policy_explain(spec, out);
    fclose(out);
    for (size_t i = 0; i < RSYS_ARRAY_SIZE(lines); i++)
        ck_assert_msg(strstr(text, lines[i]) != NULL, "\"%s\" is missing in:\n%s", lines[i], text);
    rsys_policy_free(spec);
}
END_TEST

/* Whatever is cut off or changed in a policy, it is read without harm (the sanitizers' build looks harder). */
START_TEST(mangled)
{
    static const char text[] = "{\"defaultAction\": \"deny\", \"syscalls\": [{\"names\": [\"@default\", \"\\u0072ead\"], \"action\": \"allow\", \"args\": [{\"index\": 0, "
                               "\"value\": 1, \"op\": \"==\"}]}], \"sandbox\": {\"root\": {\"path\": \"/x\"}, \"mounts\": [{\"type\": \"proc\", \"target\": \"/proc\"}]}}";
    size_t size = sizeof text - 1;
    for (size_t i = 0; i <= size; i++) {
        char *copy = malloc(size); /* exact: reads behind it are found */
        memcpy(copy, text, size);
        rsys_policy_free(rsys_policy_parse(copy, i, "P", NULL));
        for (const char *p = "\"{}[],:0\\\n"; *p != 0 && i < size; p++) {
            copy[i] = *p;
            rsys_policy_free(rsys_policy_parse(copy, size, "P", NULL));
        }
        if (i < size) {
            copy[i] = 0;
            rsys_policy_free(rsys_policy_parse(copy, size, "P", NULL));
        }
        free(copy);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *tests = tcase_create("policy");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, wrong_policies, 0, (int)RSYS_ARRAY_SIZE(wrong));
    tcase_add_loop_test(tests, decisions, 0, (int)RSYS_ARRAY_SIZE(decided));
    tcase_add_test(tests, told);
    tcase_add_test(tests, learns);
    tcase_add_test(tests, sandbox_fields);
    tcase_add_test(tests, sandbox_defaults);
    tcase_add_test(tests, networks);
    tcase_add_test(tests, clients);
    tcase_add_test(tests, shipped);
    tcase_add_test(tests, explained);
    tcase_add_test(tests, mangled);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
