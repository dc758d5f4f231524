#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Make configure from configure.ac, in a tree from version control.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force "$@"
