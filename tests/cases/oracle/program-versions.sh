# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# What the larger root holds, by its programs' own versions.
nginx -v 2>&1; redis-server --version | cut -d' ' -f1-3; node --version; go version; java -version 2>&1 | head -n 1; openssl version; curl --version | head -n 1
rsync --version | head -n 1; /usr/lib/postgresql/*/bin/postgres --version; ssh -V 2>&1
