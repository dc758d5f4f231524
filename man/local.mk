# SPDX-License-Identifier: GPL-2.0-only
dist_man_MANS += man/rsys-protocol.7
dist_man_MANS += man/rsys.3
dist_man_MANS += man/rsys.1 man/rsys-keygen.1
dist_man_MANS += man/rsys-preload.1
dist_man_MANS += man/rsys-calls.7
dist_man_MANS += man/rsys-jail.1 man/rsys-sandboxd.8 man/rsys-policy.5
