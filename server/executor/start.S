/* SPDX-License-Identifier: GPL-2.0-only */
/* start.S: the program's first instructions: hand what the kernel has put on the stack to main.c. */
        .text
        .globl  _start
        .type   _start, @function
_start:
        xorl    %ebp, %ebp
        movq    %rsp, %rdi              /* argc, argv, 0, envp, 0, auxv */
        andq    $-16, %rsp
        call    rsys_start
        ud2
        .size   _start, . - _start
        .section .note.GNU-stack, "", @progbits
