# SPDX-License-Identifier: GPL-2.0-only
bin_PROGRAMS += rsys-keygen
rsys_keygen_SOURCES = src/keygen/main.c src/keygen/make.c src/keygen/files.c src/keygen/keygen.h src/keygen/options.def
rsys_keygen_CPPFLAGS = $(AM_CPPFLAGS) $(GNUTLS_CFLAGS)
rsys_keygen_LDADD = $(TRANSPORT_LIBS)
