# SPDX-License-Identifier: GPL-2.0-only
noinst_HEADERS += src/jail/jail.h src/jail/internal.h src/jail/options.h src/jail/session.h src/jail/view.h

noinst_LIBRARIES += librsys-jail.a
librsys_jail_a_SOURCES = \
	src/jail/supervisor.c src/jail/notify.c src/jail/lifecycle.c src/jail/first.c src/jail/signals.c \
	src/jail/channel.c src/jail/control.c src/jail/spare.c src/jail/fds.c src/jail/memory.c src/jail/calls-process.c \
	src/jail/calls-io.c src/jail/calls-io.h
