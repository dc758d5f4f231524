# SPDX-License-Identifier: GPL-2.0-only
# view: fuse
# limit: 60
# sqlite3 with a write-ahead log, whose index is a mapped file that all processes share.
MODES=wal
. /oracle/sqlite.sh
