# SPDX-License-Identifier: GPL-2.0-only
include server/executor/local.mk

sbin_PROGRAMS += rsys-sandboxd
rsys_sandboxd_SOURCES = \
	server/main.c \
	server/options.c \
	server/options.h \
	server/options.def \
	server/log.c \
	server/log.h \
	server/daemon.c \
	server/daemon.h \
	server/half-open.c \
	server/sessions.c \
	server/policy.c \
	server/session.c \
	server/session.h \
	server/ranges.c \
	server/ranges.h \
	server/pass.c \
	server/pass.h \
	server/accounts.c \
	server/relay.c \
	server/relay.h \
	server/tls.c \
	server/tls.h \
	server/tether.c \
	server/tether.h \
	server/counters.c \
	server/counters.h \
	server/manager.c \
	server/manager.h \
	server/control.c \
	server/control.h \
	server/status.c \
	server/guests.c \
	server/guests.h \
	server/addresses.c \
	server/addresses.h \
	server/access.c \
	server/access.h \
	server/denials.c \
	server/denials.h \
	server/program.c \
	server/program.h \
	server/program-bytes.S
# Each session is a fork: what is bound at the start is not bound in each of them again.
rsys_sandboxd_LDFLAGS = $(AM_LDFLAGS) -Wl,-z,relro,-z,now
rsys_sandboxd_LDADD = $(POLICY_LIBS) $(TRANSPORT_LIBS) $(SANDBOX_LIBS)

# The assembler reads the program from the build's folder.
server/program-bytes.$(OBJEXT): server/executor/rsys-executor$(EXEEXT)
