# SPDX-License-Identifier: GPL-2.0-only
noinst_LIBRARIES += librsys-sandbox.a
librsys_sandbox_a_CPPFLAGS = $(AM_CPPFLAGS) $(CAP_CFLAGS) $(NL_CFLAGS) $(SECCOMP_CFLAGS)
librsys_sandbox_a_SOURCES = \
	sandbox/sandbox.h sandbox/internal.h sandbox/ids.c sandbox/capabilities.c sandbox/network.c sandbox/veth.c \
	sandbox/trees.c sandbox/dev.c sandbox/limits.c sandbox/paths.c sandbox/root.c sandbox/inside.c sandbox/birth.c sandbox/cgroup.h sandbox/cgroup.c sandbox/group.h sandbox/group.c sandbox/start.c sandbox/pin.c sandbox/worker.c
# For the programs that link it.
SANDBOX_LIBS = librsys-sandbox.a librsys-core.a $(CAP_LIBS) $(NL_LIBS) $(SECCOMP_LIBS)
