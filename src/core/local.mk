# SPDX-License-Identifier: GPL-2.0-only
noinst_LIBRARIES += librsys-core.a
librsys_core_a_SOURCES = \
	src/core/error.c src/core/error.h src/core/util.h src/core/wire.h src/core/table.h src/core/handlers.def \
	src/core/groups.def src/core/syscalls.def src/core/needs.def src/core/memory.h src/core/encode.h src/core/decode.h src/core/spec.h \
	src/core/table.c src/core/rules.c src/core/memory.c src/core/encode.c src/core/decode.c
