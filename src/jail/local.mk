# SPDX-License-Identifier: GPL-2.0-only
noinst_HEADERS += src/jail/jail.h src/jail/options.h src/jail/session.h src/jail/view.h
