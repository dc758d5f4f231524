# SPDX-License-Identifier: GPL-2.0-only
# make load: one server under load and abuse, as root and as an ordinary user, over TCP and unix sockets; not part of the tests (small forms of it are: tests/cases/server).
# LOADFLAGS: --sessions, --serial, --rounds, parts (tests/load/load.py).
.PHONY: load
load: all
	@status=0; for as in root user; do for transport in tcp unix; do \
	  $(top_srcdir)/tests/load/load.py --build . --as $$as --transport $$transport $(LOADFLAGS) || status=1; done; done; exit $$status

EXTRA_DIST += tests/load/load.py
