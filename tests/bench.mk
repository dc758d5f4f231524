# SPDX-License-Identifier: GPL-2.0-only
# make bench: not part of the tests.  BENCHFLAGS: --size, --delay, --mode, names of rows (tests/bench/bench.py).
bench_names = guest raw relay
bench_programs = $(bench_names:%=tests/bench/%)

.PHONY: bench
bench: all $(bench_programs) tests/bench/library tests/bench/guest-dynamic tests/programs/native
	$(top_srcdir)/tests/bench/bench.py --build . --json bench.json $(BENCHFLAGS)

tests/bench/%: $(top_srcdir)/tests/bench/%.c
	@mkdir -p $(@D) && echo "  BENCH    $@" && $(CC) -D_GNU_SOURCE $(RSYS_CFLAGS) -O2 -static -o $@ $< -pthread

# Through librsys: by the path of the library in the tree.
tests/bench/library: $(top_srcdir)/tests/bench/library.c $(librsys_soname) librsys.so
	@mkdir -p $(@D) && echo "  BENCH    $@" && $(CC) -D_GNU_SOURCE $(RSYS_CFLAGS) -O2 -I$(top_srcdir)/src/client -o $@ $< librsys.so $(librsys_rpath)

# For rsys-preload.
tests/bench/guest-dynamic: $(top_srcdir)/tests/bench/guest.c
	@mkdir -p $(@D) && echo "  BENCH    $@" && $(CC) -D_GNU_SOURCE $(RSYS_CFLAGS) -O2 -o $@ $< -pthread

CLEANFILES += $(bench_programs) tests/bench/library tests/bench/guest-dynamic bench.json
EXTRA_DIST += tests/bench/bench.py tests/bench/library_rows.py tests/bench/preload_rows.py $(bench_names:%=tests/bench/%.c) tests/bench/library.c
