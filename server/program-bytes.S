/* SPDX-License-Identifier: GPL-2.0-only */
/* program-bytes.S: the built executor program, as bytes. */
	.section .rodata
	.balign 4096
	.globl server_program_start
	.globl server_program_end
server_program_start:
	.incbin "server/executor/rsys-executor"
server_program_end:
	.byte 0
	.section .note.GNU-stack,"",@progbits
