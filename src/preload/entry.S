/* SPDX-License-Identifier: GPL-2.0-only */
/* entry.S: the text that Syscall User Dispatch leaves alone: the handler's way in and out, and every system call that is really made. */
    .section .text.exempt, "ax", @progbits
    .globl exempt_start, exempt_end
    .hidden exempt_start, exempt_end
exempt_start:

#define FUNCTION(name) .globl name; .hidden name; .type name, @function; .balign 16; name:

/* int64_t raw_syscall(nr, a, b, c, d, e, f) */
FUNCTION(raw_syscall)
    .cfi_startproc
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    mov %r8, %r10
    mov %r9, %r8
    mov 8(%rsp), %r9
    syscall
    ret
    .cfi_endproc

/* The handler of SIGSYS.  %rdx: the ucontext, which lies 8 bytes above %rsp, as sigreturn wants it.  Nothing has to be kept: the frame has it all. */
FUNCTION(entry_signal)
    lea 8(%rsp), %rbx
    mov self@gottpoff(%rip), %rax
    mov %fs:(%rax), %rdi
    mov (%rdi), %rsp
    call dispatch
    mov %rbx, %rsp
    mov $15, %eax
    syscall
    hlt

/* void entry_resume(context) */
FUNCTION(entry_resume)
    mov %rdi, %rsp
FUNCTION(stub_sigreturn)
    mov $15, %eax
    syscall
    hlt

/* A call of the program's, with its own registers.  Where it goes on lies below the 128 bytes under its stack pointer that are its own (the red zone). */
FUNCTION(stub_local)
    .cfi_startproc
    .cfi_def_cfa %rsp, 136
    .cfi_offset %rip, -136
    syscall
    ret $128
    .cfi_endproc
/* The same, with 32 bytes more in between: a signal mask, or pselect6's struct and the mask. */
FUNCTION(stub_local_mask)
    .cfi_startproc
    .cfi_def_cfa %rsp, 168
    .cfi_offset %rip, -168
    syscall
    ret $160
    .cfi_endproc

/* int64_t entry_clone(flags, stack, parent_tid, child_tid, tls, born) */
FUNCTION(entry_clone)
    push %r12
    mov %r9, %r12
    mov %rcx, %r10
    mov $56, %eax
    syscall
    test %rax, %rax
    jnz 1f
    test %r12, %r12
    jz 1f
    xor %ebp, %ebp
    mov (%r12), %rsp
    mov %r12, %rdi
    call thread_born
    hlt
1:  pop %r12
    ret

/* void entry_thread_end(base, size, status) */
FUNCTION(entry_thread_end)
    mov %rdx, %r12
    mov $11, %eax
    syscall
    mov %r12, %rdi
    mov $60, %eax
    syscall
    hlt

exempt_end:
    .section .note.GNU-stack, "", @progbits
