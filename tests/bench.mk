# SPDX-License-Identifier: GPL-2.0-only
# make bench: not part of the tests.  BENCHFLAGS: --size, --delay, --mode, names of rows (tests/bench/bench.py).
bench_names = guest raw relay
bench_programs = $(bench_names:%=tests/bench/%)

.PHONY: bench
bench: all $(bench_programs) tests/programs/native
	$(top_srcdir)/tests/bench/bench.py --build . --json bench.json $(BENCHFLAGS)

tests/bench/%: $(top_srcdir)/tests/bench/%.c
	@mkdir -p $(@D) && echo "  BENCH    $@" && $(CC) -D_GNU_SOURCE $(RSYS_CFLAGS) -O2 -static -o $@ $< -pthread

CLEANFILES += $(bench_programs) bench.json
EXTRA_DIST += tests/bench/bench.py $(bench_names:%=tests/bench/%.c)
