# SPDX-License-Identifier: GPL-2.0-only
noinst_LIBRARIES += librsys-core.a
librsys_core_a_SOURCES = \
	src/core/error.c src/core/error.h src/core/command-line.c src/core/command-line.h src/core/util.h src/core/wire.h src/core/table.h src/core/chosen.h src/core/handlers.def \
	src/core/groups.def src/core/syscalls.def src/core/needs.def src/core/ioctls.def src/core/fcntls.def src/core/sockopts.def src/core/subcalls.h src/core/constants.def src/core/constants.h src/core/memory.h src/core/encode.h src/core/decode.h src/core/spec.h src/core/ids.h src/core/path-access.def src/core/path-access.h src/core/vector.h src/core/transfer.h src/core/sockopts.h src/core/message.h src/core/report.h \
	src/core/table.c src/core/chosen.c src/core/rules.c src/core/ids.c src/core/subcalls.c src/core/constants.c src/core/memory.c src/core/encode.c src/core/decode.c src/core/path-access.c src/core/vector.c src/core/transfer.c src/core/sockopts.c src/core/message.c src/core/report.c

EXTRA_DIST += build-aux/gen-support-table
dist_doc_DATA += doc/design.md doc/supported-calls.md doc/add-a-system-call.md doc/virtual-machines.md
.PHONY: supported-calls
supported-calls:
	$(srcdir)/build-aux/gen-support-table >$(srcdir)/doc/supported-calls.md.new
	mv $(srcdir)/doc/supported-calls.md.new $(srcdir)/doc/supported-calls.md
	$(srcdir)/build-aux/gen-support-table --man >$(srcdir)/man/rsys-calls.7.new
	mv $(srcdir)/man/rsys-calls.7.new $(srcdir)/man/rsys-calls.7
