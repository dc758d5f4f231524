# SPDX-License-Identifier: GPL-2.0-only
# The programs of tests/run: every file of tests/guests/, linked statically and dynamically, and the harness's own.  A new guest is a new file.
test_guest_names = $(notdir $(basename $(wildcard $(top_srcdir)/tests/guests/*.c)))
test_program_names = $(notdir $(basename $(wildcard $(top_srcdir)/tests/programs/*.c)))
test_programs = $(test_program_names:%=tests/programs/%)
test_guests = $(test_guest_names:%=tests/guests/static/%) $(test_guest_names:%=tests/guests/dynamic/%) tests/guests/dynamic/leave

# No sanitizers: a guest makes system calls that they would make differently.
# Guests pass wrong arguments on purpose.
TEST_CFLAGS = -D_GNU_SOURCE $(RSYS_CFLAGS) -Wno-shadow -Wno-stringop-overflow -Wno-stringop-overread -Wno-nonnull -Wno-array-bounds -Wno-unused-result -O1
TEST_COMPILE = @mkdir -p $(@D) && echo "  TEST     $@" && $(CC) -I$(top_srcdir) $(TEST_CFLAGS)

.PHONY: rsys-test-programs
rsys-test-programs: $(test_programs) $(test_guests)

tests/guests/static/%: $(top_srcdir)/tests/guests/%.c $(top_srcdir)/tests/guests/guest.h
	$(TEST_COMPILE) -static -o $@ $< -pthread
tests/guests/dynamic/%: $(top_srcdir)/tests/guests/%.c $(top_srcdir)/tests/guests/guest.h
	$(TEST_COMPILE) -o $@ $< -pthread
tests/guests/dynamic/leave: $(top_srcdir)/tests/programs/leave.c $(top_srcdir)/tests/guests/guest.h
	$(TEST_COMPILE) -o $@ $< -pthread
tests/programs/%: $(top_srcdir)/tests/programs/%.c $(top_srcdir)/tests/guests/guest.h
	$(TEST_COMPILE) -static -o $@ $< -pthread

clean-local: clean-test-programs
.PHONY: clean-test-programs
clean-test-programs:
	rm -rf tests/guests/static tests/guests/dynamic $(test_programs) tests-failed

EXTRA_DIST += $(test_guest_names:%=tests/guests/%.c) $(test_program_names:%=tests/programs/%.c) tests/guests/guest.h \
	tests/run tests/make-root tests/vm tests/vsock tests/tls tests/lib tests/cases .ci/run build-aux/apt-packages build-aux/cppcheck-suppressions
