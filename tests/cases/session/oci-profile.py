# SPDX-License-Identifier: GPL-2.0-only
"""A seccomp profile as container engines have them, as it is and included: a list of what is allowed, by capabilities, architectures and kernels."""
import json
import os

from caselib import SANDBOXD, Server, done, expect, jail, run, says, write_policy

ALLOWED = """accept accept4 access alarm bind brk capget capset chdir chmod chown chown32 clock_getres clock_gettime clock_gettime64 clock_nanosleep close
close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 execve execveat exit exit_group
faccessat faccessat2 fadvise64 fchdir fchmod fchmodat fchown fchownat fcntl fcntl64 fdatasync flock fork fstat fstat64 fstatat64 fstatfs fsync ftruncate futex
futex_time64 getcwd getdents getdents64 getegid geteuid getgid getgroups getpeername getpgid getpgrp getpid getppid getrandom getresgid getresuid getrlimit
get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getxattr inotify_init1 ioctl kill lchown link linkat listen
_llseek lseek lstat lstat64 madvise mkdir mkdirat mmap mmap2 mprotect mremap msync munmap nanosleep newfstatat _newselect open openat openat2 pipe pipe2 poll ppoll
prctl pread64 preadv prlimit64 pselect6 pwrite64 pwritev read readlink readlinkat readv recv recvfrom recvmsg rename renameat renameat2 restart_syscall rmdir
rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_getaffinity sched_yield select send sendfile
sendmmsg sendmsg sendto setgid setgroups setitimer setpgid setpriority setresgid setresuid set_robust_list setsid setsockopt set_thread_area set_tid_address
setuid shutdown sigaltstack sigreturn socketcall socketpair splice stat stat64 statfs statx symlink symlinkat sync sysinfo tee tgkill time timer_create timerfd_create
timerfd_settime truncate ugetrlimit umask uname unlink unlinkat utimensat vfork wait4 waitid waitpid write writev a_call_of_the_future""".split()
PROFILE = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 1,
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
    "syscalls": [
        {"names": ALLOWED, "action": "SCMP_ACT_ALLOW"},
        {"names": ["process_vm_readv"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
        {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}]},
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]},
        {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4294967295, "op": "SCMP_CMP_EQ"}]},
        {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x32"]}},
        {"names": ["arm_fadvise64_64", "breakpoint"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm", "arm64"]}},
        {"names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_CHROOT"]}},
        {"names": ["mount", "setns", "umount2", "unshare"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}],
         "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390", "s390x"]}},
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}], "comment": "the flags of s390",
         "includes": {"arches": ["s390", "s390x"]}, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
    ],
}
PROGRAM = """
import os, socket, ctypes
libc = ctypes.CDLL(None, use_errno=True)
def tell(what, result):
    print(what, "done" if result >= 0 else os.strerror(ctypes.get_errno()))
tell("personality 0", libc.personality(0))
tell("personality 8", libc.personality(8))
tell("chroot", libc.chroot(b"/"))
tell("getpriority", libc.getpriority(0, 0))
tell("clone3", libc.syscall(435, None, 0))
tell("unshare", libc.unshare(0))
for family in (socket.AF_UNIX, socket.AF_INET, 40):
    tell(f"socket {family}", libc.socket(family, 1, 0))
print(os.waitpid(os.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", "echo a child; exit 3"), 0)[1] >> 8)
"""
SAID = """personality 0 done
personality 8 Operation not permitted
chroot {}
getpriority Operation not permitted
clone3 Function not implemented
unshare Operation not permitted
socket 1 done
socket 2 done
socket 40 Operation not permitted
a child
3
"""


def write(name, policy):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    return write_policy(json.dumps(policy, indent=2), name)


with open(os.environ["RSYS_TEST_POLICY"], encoding="utf-8") as f:
    sandbox = json.load(f)["sandbox"]


def tries(policy_file, chroot, **more):
    out = jail("python3", "-uc", PROGRAM, server=Server(policy_file=policy_file, **more).address)
    expect(out.stdout == SAID.format(chroot), f"{policy_file}: {out}")


# As it is, with the files of the built-in policy.
says(run(SANDBOXD, "--check", write("plain.json", PROFILE)), 0, stream="stdout")
says(jail("cat", "/etc/passwd", server=Server(policy_file="plain.json").address), 0, "^root:", stream="stdout")
# With a sandbox beside it; with one that has a capability which the profile asks for.
tries(write("beside.json", {**PROFILE, "sandbox": sandbox}), "Operation not permitted")
tries(write("capable.json", {**PROFILE, "sandbox": {**sandbox, "capabilities": ["CAP_SYS_CHROOT"]}}), "done")
# Included by a path from the including file's directory, and through another.
write("profiles/engine.json", PROFILE)
write("profiles/middle.json", {"include": ["engine.json"], "sandbox": sandbox})
tries(write("top.json", {"include": "profiles/middle.json"}), "Operation not permitted")
# By name, from the installed ones; what the including policy denies holds too, and its default is not weaker than the profile's.
os.environ["RSYS_PROFILES"] = os.path.abspath("profiles")
write("named.json", {"defaultAction": "allow", "include": "engine", "sandbox": sandbox, "syscalls": [{"names": ["getsid"], "action": "deny", "errnoRet": "ENOANO"}]})
tries("named.json", "Operation not permitted")
says(jail("python3", "-c", "import os; os.getsid(0)", server=Server(policy_file="named.json").address), 1, "Errno 55")

# What is wrong names the file that it is in.
def wrong(policy, *patterns, name="wrong.json"):
    says(run(SANDBOXD, "--check", write(name, policy)), 1, *patterns)


write("profiles/bad.json", {"defaultAction": "allow", "syscalls": [{"names": ["opne"], "action": "deny"}]})
wrong({"include": "profiles/bad.json"}, r"profiles/bad\.json:6:\d+: unknown system call \"opne\"")
wrong({"include": "none.json"}, r"wrong\.json:2:\d+: there is neither a file \S*none\.json nor an installed profile \S*/profiles/none\.json")
wrong({"include": "no/where.json"}, r"wrong\.json:2:\d+: open \S*no/where\.json: No such file or directory")
wrong({"include": [7]}, r"wrong\.json:3:\d+: a string is expected here")
wrong({"include": "wrong.json"}, r"wrong\.json:2:\d+: \S*wrong\.json is included by itself")
write("profiles/a.json", {"include": "b.json"})
write("profiles/b.json", {"include": "../profiles/a.json"})
wrong({"include": "profiles/a.json"}, r"profiles/b\.json:2:\d+: \S*a\.json is included by itself")
for i in range(9):
    write(f"deep/{i}.json", {"include": f"{i + 1}.json"})
wrong({"include": "deep/0.json"}, r"deep/7\.json:2:\d+: profiles include each other more than 8 deep")
write("many/one.json", {"defaultAction": "allow"})
wrong({"include": ["many/one.json"] * 40}, r"wrong\.json:\d+:\d+: a policy may have at most 32 files")
write("profiles/boxed.json", {"defaultAction": "allow", "sandbox": sandbox})
wrong({"include": ["profiles/boxed.json", "profiles/middle.json"]}, r"wrong\.json:2:\d+: more than one of the included profiles has \"sandbox\"")
wrong({"include": "profiles/b2.json", "sandbox": sandbox}, "No such file")
wrong({**PROFILE, "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]}, "the action SCMP_ACT_NOTIFY is not possible: the listener is rsys itself")
wrong({"defaultAction": "allow", "syscalls": [{"names": ["a_call_of_the_future"], "action": "allow"}]}, r"unknown system call \"a_call_of_the_future\"")
done()
