# SPDX-License-Identifier: GPL-2.0-only
# The executor: one freestanding program, compiled in one go.  It takes nothing from CFLAGS: sanitizers, coverage and profiling need a libc and
# thread-local storage, which it has not.
executor_headers = server/executor/executor.h server/executor/internal.h server/counters.h
executor_files = \
	server/executor/start.S server/executor/stub.S server/executor/main.c server/executor/string.c server/executor/thread.c \
	server/executor/signals.c server/executor/loop.c server/executor/look.c server/executor/mirror.c server/executor/exec.c server/executor/exit.c \
	server/executor/resume.c server/executor/credentials.c server/executor/descriptors.c server/executor/broker.c server/executor/init.c src/core/decode.c
executor_flags = $(RSYS_CFLAGS) -O2 -ffreestanding -fno-builtin -fno-pie -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-tree-loop-distribute-patterns -mgeneral-regs-only
executor_link = -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack

server/executor/rsys-executor$(EXEEXT): $(executor_files) $(executor_headers) src/core/wire.h src/core/decode.h server/executor/local.mk
	$(AM_V_CCLD)$(MKDIR_P) server/executor && sources= && \
	for file in $(executor_files); do test -f $$file || file=$(srcdir)/$$file; sources="$$sources $$file"; done && \
	$(CC) -I$(top_srcdir) $(executor_flags) $(executor_link) -o $@ $$sources

noinst_HEADERS += $(executor_headers)
noinst_DATA += server/executor/rsys-executor$(EXEEXT)
EXTRA_DIST += $(executor_files)
CLEANFILES += server/executor/rsys-executor$(EXEEXT)
