/* SPDX-License-Identifier: GPL-2.0-only */
/* stub.S: the instructions that have to be exactly these: the guest's call with its marked boundaries, clone, the end of a thread.
 *
 * Cancelling has no window: whatever instant the cancel signal comes at, it is one of these.
 *   before rsys_stub_begin            the handler has stored the number in *cancel, the comparison sees it
 *   from _begin to _syscall           the handler moves the program counter to rsys_stub_cancelled; the stack is the same everywhere in here
 *   in the kernel                     the kernel goes back to _syscall (see there), or the call returns its result: -EINTR when it is never restarted
 *   from _end on                      the call is over, the result stands
 * What comes back as cancelled from here was not made; loop.c makes it once more, and cancels it in the kernel.
 * At rsys_stub_syscall itself the instruction was not executed, or the kernel went back to it to restart a call that did nothing. */
        .text
        .globl  rsys_stub, rsys_stub_begin, rsys_stub_syscall, rsys_stub_cancelled
        .type   rsys_stub, @function
rsys_stub:                              /* rdi nr, rsi args, rdx cancel, ecx seq */
rsys_stub_begin:
        cmpl    %ecx, (%rdx)
        je      rsys_stub_cancelled
        movq    %rdi, %rax
        movq    (%rsi), %rdi
        movq    16(%rsi), %rdx
        movq    24(%rsi), %r10
        movq    32(%rsi), %r8
        movq    40(%rsi), %r9
        movq    8(%rsi), %rsi
rsys_stub_syscall:
        syscall
        ret
rsys_stub_cancelled:
        movq    $-512, %rax             /* -ERESTARTSYS */
        ret
        .size   rsys_stub, . - rsys_stub

        .globl  rsys_clone3
        .type   rsys_clone3, @function
rsys_clone3:                            /* rdi clone_args, rsi size, rdx entry, rcx argument */
        movq    %rcx, %r8               /* the kernel keeps r8 and rdx, and clobbers rcx */
        movl    $435, %eax
        syscall
        testq   %rax, %rax
        jz      1f
        ret
1:      xorl    %ebp, %ebp              /* the child: on its own stack, or on its copy of ours */
        andq    $-16, %rsp
        movq    %r8, %rdi
        call    *%rdx
        ud2
        .size   rsys_clone3, . - rsys_clone3

        .globl  rsys_unmap_and_exit
        .type   rsys_unmap_and_exit, @function
rsys_unmap_and_exit:                    /* rdi base, rsi size */
        movl    $11, %eax               /* munmap: from here on there is no stack */
        syscall
        xorl    %edi, %edi
        movl    $60, %eax               /* exit */
        syscall
        ud2
        .size   rsys_unmap_and_exit, . - rsys_unmap_and_exit

        .globl  rsys_run_on
        .type   rsys_run_on, @function
rsys_run_on:                            /* rdi stack, rsi entry, rdx argument */
        movq    %rdi, %rsp
        xorl    %ebp, %ebp
        movq    %rdx, %rdi
        call    *%rsi
        ud2
        .size   rsys_run_on, . - rsys_run_on

        .globl  rsys_restore
        .type   rsys_restore, @function
rsys_restore:
        movl    $15, %eax               /* rt_sigreturn */
        syscall
        ud2
        .size   rsys_restore, . - rsys_restore
        .section .note.GNU-stack, "", @progbits
