# SPDX-License-Identifier: GPL-2.0-only
noinst_HEADERS += src/jail/jail.h src/jail/internal.h src/jail/options.h src/jail/session.h src/jail/view.h

# A line a file: several people add theirs.
noinst_LIBRARIES += librsys-jail.a
librsys_jail_a_SOURCES =
librsys_jail_a_SOURCES += src/jail/supervisor.c
librsys_jail_a_SOURCES += src/jail/notify.c
librsys_jail_a_SOURCES += src/jail/lifecycle.c
librsys_jail_a_SOURCES += src/jail/first.c
librsys_jail_a_SOURCES += src/jail/signals.c
librsys_jail_a_SOURCES += src/jail/mask.c
librsys_jail_a_SOURCES += src/jail/channel.c
librsys_jail_a_SOURCES += src/jail/control.c
librsys_jail_a_SOURCES += src/jail/spare.c
librsys_jail_a_SOURCES += src/jail/fds.c
librsys_jail_a_SOURCES += src/jail/memory.c
librsys_jail_a_SOURCES += src/jail/calls-process.c
librsys_jail_a_SOURCES += src/jail/calls-io.c src/jail/calls-io.h
librsys_jail_a_SOURCES += src/jail/calls-copy.c
librsys_jail_a_SOURCES += src/jail/calls-misc.c
