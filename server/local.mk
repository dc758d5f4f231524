# SPDX-License-Identifier: GPL-2.0-only
noinst_HEADERS += server/executor/executor.h
