# SPDX-License-Identifier: GPL-2.0-only
# librsys.so: what it has of core and transport is compiled anew, position-independent.
librsys_version = 0.1.0
librsys_soname = librsys.so.0

noinst_LIBRARIES += librsys-pic.a
librsys_pic_a_SOURCES = $(librsys_core_a_SOURCES) $(librsys_transport_a_SOURCES)
librsys_pic_a_SOURCES += src/client/internal.h
librsys_pic_a_SOURCES += src/client/connect.c src/client/session.c src/client/channel.c src/client/wait.c src/client/thread.c
librsys_pic_a_SOURCES += src/client/call.c src/client/calls.c src/client/message.c src/client/dir.c src/client/batch.c
librsys_pic_a_CPPFLAGS = $(librsys_transport_a_CPPFLAGS) -DRSYS_HELPERDIR='"$(libdir)/rsys"'
librsys_pic_a_CFLAGS = $(AM_CFLAGS) -fPIC

# nodelete: its functions are what threads' ends and fork(2) call.
librsys.so.$(librsys_version): librsys-pic.a $(srcdir)/src/client/librsys.map
	$(AM_V_CCLD)$(CC) -shared $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) -pthread -Wl,-soname,$(librsys_soname) -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -Wl,-z,defs \
		-Wl,--version-script=$(srcdir)/src/client/librsys.map -o $@ -Wl,--whole-archive librsys-pic.a -Wl,--no-whole-archive $(GNUTLS_LIBS)
$(librsys_soname) librsys.so: librsys.so.$(librsys_version)
	$(AM_V_GEN)ln -sf librsys.so.$(librsys_version) $@

helperdir = $(libdir)/rsys
helper_PROGRAMS = rsys-tls
rsys_tls_SOURCES = src/client/tls-main.c
rsys_tls_LDADD = $(TRANSPORT_LIBS) $(SANDBOX_LIBS)

noinst_DATA += $(librsys_soname) librsys.so
include_HEADERS = src/client/rsys.h
sharedlibdir = $(libdir)
sharedlib_DATA = librsys.so.$(librsys_version)
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = src/client/rsys.pc
CLEANFILES += librsys.so.$(librsys_version) $(librsys_soname) librsys.so src/client/rsys.pc
dist_doc_DATA += doc/ways-in.md
EXTRA_DIST += src/client/librsys.map src/client/rsys.pc.in

src/client/rsys.pc: $(srcdir)/src/client/rsys.pc.in Makefile
	@$(MKDIR_P) src/client
	$(AM_V_GEN)sed -e 's|@prefix[@]|$(prefix)|; s|@libdir[@]|$(libdir)|; s|@includedir[@]|$(includedir)|; s|@version[@]|$(VERSION)|' $(srcdir)/src/client/rsys.pc.in >$@

install-exec-hook:
	$(MKDIR_P) $(DESTDIR)$(libdir)
	ln -sf librsys.so.$(librsys_version) $(DESTDIR)$(libdir)/$(librsys_soname)
	ln -sf librsys.so.$(librsys_version) $(DESTDIR)$(libdir)/librsys.so
uninstall-hook:
	rm -f $(DESTDIR)$(libdir)/$(librsys_soname) $(DESTDIR)$(libdir)/librsys.so

# A program that uses it, as it is in the tree.
LIBRSYS_LIBS = librsys.so
librsys_rpath = -Wl,-rpath,$(abs_builddir)
