# SPDX-License-Identifier: GPL-2.0-only
include tests/programs.mk
include tests/bench.mk
include tests/load.mk

# the house's rules
TESTS += build-aux/style-check
EXTRA_DIST += build-aux/style-check

# the completions for shells; the units for systemd
TESTS += tests/unit/completions tests/unit/units
EXTRA_DIST += tests/unit/completions tests/unit/units

# core: the table, against the numbers of the compiler's own <asm/unistd_64.h>
check_PROGRAMS += unit-table unit-rules
TESTS += unit-table unit-rules
unit_table_SOURCES = tests/unit/unit-table.c
unit_table_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_table_LDADD = librsys-core.a $(CHECK_LIBS)
unit_rules_SOURCES = tests/unit/unit-rules.c
unit_rules_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_rules_LDADD = librsys-core.a $(CHECK_LIBS)
EXTRA_DIST += tests/unit/kernel-calls.txt tests/valgrind.supp
check_DATA += tests/unit/kernel-header.txt
CLEANFILES += tests/unit/kernel-header.txt
tests/unit/kernel-header.txt: tests/local.mk
	@$(MKDIR_P) tests/unit
	$(AM_V_GEN)echo '#include <asm/unistd_64.h>' | $(CC) $(CPPFLAGS) -E -dM - | grep '^#define __NR_' >$@

# rsys-preload: paths and programs
check_PROGRAMS += unit-preload
TESTS += unit-preload
unit_preload_SOURCES = tests/unit/unit-preload.c src/preload/match.c src/preload/program.c
unit_preload_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_preload_LDADD = $(CHECK_LIBS)

# core: the encoder, the decoder
check_PROGRAMS += unit-encode unit-decode
TESTS += unit-encode unit-decode
unit_encode_SOURCES = tests/unit/unit-encode.c
unit_encode_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_encode_LDADD = librsys-core.a $(CHECK_LIBS)
check_PROGRAMS += unit-sent
TESTS += unit-sent
unit_sent_SOURCES = tests/unit/unit-sent.c
unit_sent_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_sent_LDADD = librsys-jail.a librsys-core.a $(CHECK_LIBS)
unit_decode_SOURCES = tests/unit/unit-decode.c
unit_decode_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_decode_LDADD = librsys-core.a $(CHECK_LIBS)

# Fuzz targets: programs with inputs of their own under `make check`; libFuzzer's with --enable-fuzzing and CC=clang.
fuzz_decode_SOURCES = tests/fuzz/fuzz-decode.c
fuzz_decode_LDADD = librsys-core.a
fuzz_decode_CPPFLAGS = $(AM_CPPFLAGS) $(FUZZ_CPPFLAGS)
fuzz_decode_CFLAGS = $(AM_CFLAGS) $(FUZZ_FLAGS)
fuzz_decode_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
if FUZZING
noinst_PROGRAMS += fuzz-decode
FUZZ_CPPFLAGS = -DRSYS_LIBFUZZER
FUZZ_FLAGS = -fsanitize=fuzzer
else
FUZZ_CPPFLAGS =
FUZZ_FLAGS =
check_PROGRAMS += fuzz-decode
TESTS += fuzz-decode
endif

# transport
check_PROGRAMS += unit-transport
TESTS += unit-transport
unit_transport_SOURCES = tests/unit/unit-transport.c tests/unit/speak.c tests/unit/speak.h
unit_transport_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_transport_LDADD = $(TRANSPORT_LIBS) librsys-core.a $(CHECK_LIBS)
# vsock: not one of TESTS, see its head
check_PROGRAMS += unit-vsock
unit_vsock_SOURCES = tests/unit/unit-vsock.c tests/unit/speak.c tests/unit/speak.h
unit_vsock_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_vsock_LDADD = $(TRANSPORT_LIBS) librsys-core.a $(CHECK_LIBS)

# sandbox: what holds inside.  The probe is static: the sandbox's root has no libraries.
check_PROGRAMS += unit-sandbox sandbox-probe
TESTS += unit-sandbox
unit_sandbox_SOURCES = tests/unit/unit-sandbox.c tests/unit/who.c tests/unit/who.h
unit_sandbox_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_sandbox_LDADD = $(SANDBOX_LIBS) $(CHECK_LIBS)
sandbox_probe_SOURCES = tests/unit/sandbox-probe.c
sandbox_probe_CFLAGS = $(RSYS_CFLAGS)
sandbox_probe_LDFLAGS = -static

# server: rsys-sandboxd from outside, as each kind of user
check_PROGRAMS += unit-server
TESTS += unit-server
unit_server_SOURCES = tests/unit/unit-server.c tests/unit/server-client.c tests/unit/server-client.h tests/unit/who.c tests/unit/who.h
unit_server_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_server_LDADD = $(TRANSPORT_LIBS) $(SANDBOX_LIBS) $(CHECK_LIBS)

# jail: descriptors
check_PROGRAMS += unit-fds
TESTS += unit-fds
unit_fds_SOURCES = tests/unit/unit-fds.c
unit_fds_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_fds_LDADD = librsys-jail.a librsys-core.a $(CHECK_LIBS)

# the view's calls
check_PROGRAMS += unit-pager
TESTS += unit-pager
unit_pager_SOURCES = tests/unit/unit-pager.c
unit_pager_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_pager_LDADD = librsys-jail.a $(TRANSPORT_LIBS) librsys-core.a $(CHECK_LIBS)

# descriptors of both homes, with a supervisor and an executor that are played
check_PROGRAMS += unit-descriptors
TESTS += unit-descriptors
unit_descriptors_SOURCES = tests/unit/unit-descriptors.c tests/unit/fake-jail.c tests/unit/fake-jail.h \
	src/jail/calls-fd.c src/jail/calls-fd.h src/jail/calls-ipc.c src/jail/calls-file.c src/jail/names.c src/jail/calls-proc.c src/jail/proc-text.c src/jail/calls-dirents.c src/jail/calls-io.c src/jail/calls-ioctl.c src/jail/terminal.c
unit_descriptors_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_descriptors_LDADD = librsys-core.a $(CHECK_LIBS)

check_PROGRAMS += unit-proc
TESTS += unit-proc
unit_proc_SOURCES = tests/unit/unit-proc.c
unit_proc_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_proc_LDADD = librsys-jail.a librsys-core.a $(CHECK_LIBS)

# handlers of calls, with a supervisor and an executor that are played
check_PROGRAMS += unit-io unit-misc unit-msg unit-wait unit-trace
TESTS += unit-io unit-misc unit-msg unit-wait unit-trace
unit_msg_SOURCES = tests/unit/unit-msg.c tests/unit/fake-jail.c tests/unit/fake-jail.h src/jail/calls-msg.c src/jail/rights.c src/jail/calls-fd.c src/jail/calls-sockopt.c src/jail/calls-io.c
unit_msg_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_msg_LDADD = librsys-core.a $(CHECK_LIBS)
unit_trace_SOURCES = tests/unit/unit-trace.c src/jail/trace.c src/jail/trace-args.c src/jail/trace-show.c src/jail/trace-sockets.c src/jail/trace-show.h src/jail/trace-line.h src/jail/trace-formats.def
unit_trace_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_trace_LDADD = librsys-core.a $(CHECK_LIBS)
unit_wait_SOURCES = tests/unit/unit-wait.c tests/unit/fake-jail.c tests/unit/fake-jail.h src/jail/wait.c src/jail/epoll.c src/jail/calls-io.c
unit_wait_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_wait_LDADD = librsys-core.a $(CHECK_LIBS)
unit_io_SOURCES = tests/unit/unit-io.c tests/unit/fake-jail.c tests/unit/fake-jail.h src/jail/calls-io.c src/jail/calls-io.h
unit_io_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_io_LDADD = librsys-core.a $(CHECK_LIBS)

# executor: the program itself, without a daemon
check_PROGRAMS += unit-executor unit-counters unit-chosen unit-numbers
TESTS += unit-executor unit-counters unit-chosen unit-numbers
unit_chosen_SOURCES = tests/unit/unit-chosen.c
unit_chosen_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_chosen_LDADD = librsys-jail.a $(TRANSPORT_LIBS) $(SANDBOX_LIBS) $(CHECK_LIBS)
unit_numbers_SOURCES = tests/unit/unit-numbers.c server/counters.c tests/unit/executor-client.c tests/unit/executor-client.h
unit_numbers_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_numbers_LDADD = $(TRANSPORT_LIBS) $(SANDBOX_LIBS) $(CHECK_LIBS)
unit_executor_SOURCES = tests/unit/unit-executor.c server/counters.c tests/unit/executor-client.c tests/unit/executor-client.h
unit_executor_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_executor_LDADD = $(TRANSPORT_LIBS) $(SANDBOX_LIBS) $(CHECK_LIBS)
unit_counters_SOURCES = tests/unit/unit-counters.c tests/unit/executor-client.c tests/unit/executor-client.h server/counters.c
unit_counters_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_counters_LDADD = $(TRANSPORT_LIBS) $(SANDBOX_LIBS) $(CHECK_LIBS)
unit_misc_SOURCES = tests/unit/unit-misc.c tests/unit/fake-jail.c tests/unit/fake-jail.h src/jail/calls-misc.c src/jail/calls-copy.c src/jail/calls-across.c src/jail/calls-io.c src/jail/wait.c src/jail/epoll.c
unit_misc_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_misc_LDADD = librsys-core.a $(CHECK_LIBS)
# policy
check_PROGRAMS += unit-policy
TESTS += unit-policy
unit_policy_SOURCES = tests/unit/unit-policy.c
unit_policy_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DSRCDIR='"$(abs_top_srcdir)"'
unit_policy_LDADD = $(POLICY_LIBS) $(CHECK_LIBS)
# policy: the filters, asked for real.
check_PROGRAMS += unit-filter
TESTS += unit-filter
unit_filter_SOURCES = tests/unit/unit-filter.c
unit_filter_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_filter_LDADD = $(POLICY_LIBS) $(CHECK_LIBS)

# rsys-jail's launching; the view, mounted (skipped without /dev/fuse).  With the objects of the whole program, see src/jail/local.mk.
check_PROGRAMS += unit-launch unit-view
TESTS += unit-launch unit-view
unit_launch_SOURCES = tests/unit/unit-launch.c tests/unit/local-executor.c tests/unit/local-executor.h
unit_launch_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(FUSE_CFLAGS)
unit_launch_LDADD = $(rsys_jail_LDADD) $(CHECK_LIBS)
unit_view_SOURCES = tests/unit/unit-view.c tests/unit/local-executor.c tests/unit/local-executor.h
unit_view_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(FUSE_CFLAGS)
unit_view_LDADD = $(rsys_jail_LDADD) $(CHECK_LIBS)

# librsys, as programs link it
library_test = tests/unit/library.c tests/unit/library.h tests/unit/server-client.c tests/unit/server-client.h tests/unit/who.c tests/unit/who.h
library_test_libs = $(LIBRSYS_LIBS) $(TRANSPORT_LIBS) $(SANDBOX_LIBS) $(CHECK_LIBS)
library_test_needs = librsys.so $(librsys_soname) librsys-transport.a librsys-sandbox.a librsys-core.a
check_PROGRAMS += unit-client unit-client-life
TESTS += unit-client unit-client-life
unit_client_SOURCES = tests/unit/unit-client.c $(library_test)
unit_client_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_client_LDFLAGS = $(AM_LDFLAGS) $(librsys_rpath)
unit_client_LDADD = $(library_test_libs)
unit_client_DEPENDENCIES = $(library_test_needs)
unit_client_life_SOURCES = tests/unit/unit-client-life.c $(library_test)
unit_client_life_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
unit_client_life_LDFLAGS = $(AM_LDFLAGS) $(librsys_rpath)
unit_client_life_LDADD = $(library_test_libs)
unit_client_life_DEPENDENCIES = $(library_test_needs)
# ... and from outside
noinst_PROGRAMS += compare-native compare-library
compare_native_SOURCES = tests/library/compare.c
compare_native_CPPFLAGS = -D_GNU_SOURCE
compare_native_CFLAGS = $(AM_CFLAGS) $(compare_flags)
compare_library_SOURCES = tests/library/compare.c tests/library/calls.h
compare_library_CPPFLAGS = -D_GNU_SOURCE -DLIBRARY -I$(top_srcdir)/src/client
compare_library_CFLAGS = $(AM_CFLAGS) $(compare_flags)
compare_library_LDFLAGS = $(AM_LDFLAGS) $(librsys_rpath)
compare_library_LDADD = $(LIBRSYS_LIBS)
compare_library_DEPENDENCIES = librsys.so $(librsys_soname)
# Wrong arguments are its purpose.
compare_flags = -Wno-nonnull -Wno-stringop-overflow -Wno-stringop-overread -Wno-unused-result
TESTS += tests/library/check.test
check_DATA += tests/library/check.test
CLEANFILES += tests/library/check.test
EXTRA_DIST += tests/library/check
tests/library/check.test: $(srcdir)/tests/library/check rsys-sandboxd compare-native compare-library rsys-cp rsys-ls rsys-nc rsys-tls rsys-keygen
	@$(MKDIR_P) tests/library
	$(AM_V_GEN)printf '#!/bin/sh\nexec %s %s %s\n' $(abs_srcdir)/tests/library/check $(abs_srcdir) $(abs_builddir) >$@ && chmod +x $@
