# SPDX-License-Identifier: GPL-2.0-only
# rsys-preload, and the library that it brings into a program.
bin_PROGRAMS += rsys-preload
rsys_preload_SOURCES = src/preload/main.c src/preload/agent.c src/preload/options.c src/preload/match.c src/preload/program.c src/preload/launcher.h src/preload/preload.h src/preload/program.h src/preload/options.def
rsys_preload_CPPFLAGS = $(AM_CPPFLAGS) -DRSYS_HELPERDIR='"$(libdir)/rsys"'
rsys_preload_LDADD = librsys-pic.a $(GNUTLS_LIBS)

# The library is linked without a C library (src/preload/inner.h says why), and the linker proves it: so it takes nothing from CFLAGS that would want one (sanitizers, coverage, stack protection).
preload_files = src/preload/entry.S src/preload/start.c src/preload/dispatch.c src/preload/thread.c src/preload/exec.c src/preload/signals.c src/preload/fds.c src/preload/paths.c \
	src/preload/calls-fd.c src/preload/calls-misc.c src/preload/calls-wait.c src/preload/calls-epoll.c src/preload/calls-copy.c src/preload/agent-client.c src/preload/libc.c src/preload/match.c src/preload/program.c \
	src/client/call.c src/client/message.c src/client/channel.c \
	src/core/encode.c src/core/transfer.c src/core/message.c src/core/vector.c src/core/chosen.c src/core/rules.c src/core/table.c src/core/subcalls.c src/core/sockopts.c src/core/memory.c src/core/report.c
preload_headers = src/preload/inner.h src/preload/preload.h src/preload/program.h
preload_flags = $(RSYS_CFLAGS) -O2 -g -fPIC -fvisibility=hidden -fno-builtin -fno-stack-protector -fno-tree-loop-distribute-patterns -U_FORTIFY_SOURCE -ffunction-sections -fdata-sections \
	-fasynchronous-unwind-tables
preload_link = -shared -nostdlib -Wl,-z,defs -Wl,--gc-sections -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack -Wl,-z,nodelete -Wl,--exclude-libs,ALL -Wl,-soname,librsys-preload.so

librsys-preload.so: $(preload_files) $(preload_headers) $(librsys_core_a_SOURCES) src/client/internal.h src/preload/local.mk
	$(AM_V_CCLD)sources= && for file in $(preload_files); do test -f $$file || file=$(srcdir)/$$file; sources="$$sources $$file"; done && \
	$(CC) $(DEFS) $(AM_CPPFLAGS) $(preload_flags) $(preload_link) -o $@ $$sources
preloaddir = $(libdir)/rsys
preload_DATA = librsys-preload.so
EXTRA_DIST += $(preload_files)
noinst_HEADERS += $(preload_headers)
CLEANFILES += librsys-preload.so
