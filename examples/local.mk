# SPDX-License-Identifier: GPL-2.0-only
# What programs that use the library look like: built and tried with the rest, and installed as documentation.
example_sources = examples/rsys-cp.c examples/rsys-ls.c examples/rsys-nc.c
noinst_PROGRAMS += rsys-cp rsys-ls rsys-nc
examplesdir = $(docdir)/examples
dist_examples_DATA = $(example_sources)
example_flags = $(AM_CPPFLAGS) -I$(top_srcdir)/src/client
rsys_cp_SOURCES = examples/rsys-cp.c
rsys_cp_CPPFLAGS = $(example_flags)
rsys_cp_LDFLAGS = $(AM_LDFLAGS) $(librsys_rpath)
rsys_cp_LDADD = $(LIBRSYS_LIBS)
rsys_cp_DEPENDENCIES = librsys.so $(librsys_soname)
rsys_ls_SOURCES = examples/rsys-ls.c
rsys_ls_CPPFLAGS = $(example_flags)
rsys_ls_LDFLAGS = $(AM_LDFLAGS) $(librsys_rpath)
rsys_ls_LDADD = $(LIBRSYS_LIBS)
rsys_ls_DEPENDENCIES = librsys.so $(librsys_soname)
rsys_nc_SOURCES = examples/rsys-nc.c
rsys_nc_CPPFLAGS = $(example_flags)
rsys_nc_LDFLAGS = $(AM_LDFLAGS) $(librsys_rpath)
rsys_nc_LDADD = $(LIBRSYS_LIBS)
rsys_nc_DEPENDENCIES = librsys.so $(librsys_soname)
