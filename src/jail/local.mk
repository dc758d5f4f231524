# SPDX-License-Identifier: GPL-2.0-only
noinst_HEADERS += src/jail/jail.h src/jail/internal.h src/jail/options.h src/jail/session.h src/jail/view.h

# A line a file: several people add theirs.
noinst_LIBRARIES += librsys-jail.a
librsys_jail_a_SOURCES =
librsys_jail_a_SOURCES += src/jail/supervisor.c
librsys_jail_a_SOURCES += src/jail/notify.c
librsys_jail_a_SOURCES += src/jail/denials.c
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
librsys_jail_a_SOURCES += src/jail/calls-fd.c src/jail/calls-fd.h
librsys_jail_a_SOURCES += src/jail/calls-ipc.c
librsys_jail_a_SOURCES += src/jail/look.c src/jail/look.h
librsys_jail_a_SOURCES += src/jail/calls-file.c
librsys_jail_a_SOURCES += src/jail/names.c src/jail/names.h
librsys_jail_a_SOURCES += src/jail/calls-proc.c src/jail/calls-proc.h src/jail/calls-maps.c src/jail/calls-program.c
librsys_jail_a_SOURCES += src/jail/calls-ioctl.c
librsys_jail_a_SOURCES += src/jail/calls-copy.c src/jail/calls-across.c
librsys_jail_a_SOURCES += src/jail/calls-misc.c
librsys_jail_a_SOURCES += src/jail/calls-confine.c
librsys_jail_a_SOURCES += src/jail/calls-kin.c
librsys_jail_a_SOURCES += src/jail/calls-dirents.c
librsys_jail_a_SOURCES += src/jail/calls-pidfd.c
librsys_jail_a_SOURCES += src/jail/calls-mqueue.c
librsys_jail_a_SOURCES += src/jail/calls-msg.c
librsys_jail_a_SOURCES += src/jail/calls-sockopt.c
librsys_jail_a_SOURCES += src/jail/rights.c src/jail/rights.h
librsys_jail_a_SOURCES += src/jail/calls-structs.c
librsys_jail_a_SOURCES += src/jail/wait.c
librsys_jail_a_SOURCES += src/jail/signalfd.c
librsys_jail_a_SOURCES += src/jail/signal-watch.c
librsys_jail_a_SOURCES += src/jail/epoll.c
librsys_jail_a_SOURCES += src/jail/terminal.c src/jail/terminal.h
librsys_jail_a_SOURCES += src/jail/trace.c src/jail/trace-args.c src/jail/trace-show.c src/jail/trace-sockets.c src/jail/trace-show.h src/jail/trace-line.h src/jail/trace-formats.def
librsys_jail_a_SOURCES += src/jail/view.c src/jail/view-nodes.c src/jail/view-ops.c src/jail/view-jobs.c src/jail/view-walk.c src/jail/view-inner.h
librsys_jail_a_SOURCES += src/jail/view-tell.c src/jail/view-root.c src/jail/proc-text.c src/jail/proc-text.h
librsys_jail_a_SOURCES += src/jail/pager.c src/jail/pager.h
librsys_jail_a_SOURCES += src/jail/mmap.c
librsys_jail_a_SOURCES += src/jail/coherence.c
librsys_jail_a_SOURCES += src/jail/view-mapped.c
librsys_jail_a_SOURCES += src/jail/exec.c
librsys_jail_a_SOURCES += src/jail/launch.c src/jail/launch.h
librsys_jail_a_SOURCES += src/jail/cage.c
librsys_jail_a_SOURCES += src/jail/program.c
librsys_jail_a_SOURCES += src/jail/options.c src/jail/options.def
librsys_jail_a_CPPFLAGS = $(AM_CPPFLAGS) $(FUSE_CFLAGS) -DRSYS_SBINDIR='"$(sbindir)"'

bin_PROGRAMS += rsys-jail
rsys_jail_SOURCES = src/jail/main.c
# The objects themselves: nothing but a table of weak references names the handlers, and for such a linker opens no archive.
rsys_jail_LDADD = $(librsys_jail_a_OBJECTS) $(TRANSPORT_LIBS) $(POLICY_LIBS) $(SANDBOX_LIBS) $(FUSE_LIBS)
