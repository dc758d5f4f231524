# SPDX-License-Identifier: GPL-2.0-only
include server/executor/local.mk

# All of rsys-sandboxd but its main.
noinst_LIBRARIES += librsys-server.a
librsys_server_a_SOURCES = \
	server/options.c server/options.h server/options.def server/log.c server/log.h server/daemon.c server/daemon.h \
	server/half-open.c server/sessions.c server/policy.c server/session.c server/session.h server/ranges.c server/ranges.h \
	server/program.c server/program.h server/program-bytes.S
EXTRA_DIST += server/main.c

# The assembler reads the program from the build's folder.
server/program-bytes.$(OBJEXT): server/executor/rsys-executor$(EXEEXT)
