# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# variants: root
# limit: 120
# In one variant: nothing in it depends on ids.  A package of autoconf and automake, as most are: autoreconf, configure (hundreds of short programs), make -j2, check, install, dist, out of the tree.
set -u
mkdir p; cd p
cat >configure.ac <<'END'
AC_INIT([small], [1.2])
AM_INIT_AUTOMAKE([foreign subdir-objects -Wall])
AC_PROG_CC
AC_PROG_RANLIB
AM_PROG_AR
AC_C_BIGENDIAN
AC_TYPE_OFF_T
AC_CHECK_SIZEOF([long])
AC_CHECK_HEADERS([sys/epoll.h sys/nothing.h])
AC_CHECK_FUNCS([mmap fork strlcpy_not_there])
AC_SEARCH_LIBS([sin], [m])
AC_FUNC_MMAP
AC_CONFIG_HEADERS([config.h])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
END
cat >Makefile.am <<'END'
bin_PROGRAMS = small
small_SOURCES = main.c
small_LDADD = libs.a
noinst_LIBRARIES = libs.a
libs_a_SOURCES = a.c b.c
TESTS = good.sh skip.sh
XFAIL_TESTS = bad.sh
TESTS += bad.sh
dist_data_DATA = data.txt
EXTRA_DIST = good.sh skip.sh bad.sh
END
printf '#include "config.h"\n#include <stdio.h>\nint a(void), b(void);\nint main(void)\n{\n    printf("%%s %%d %%d\\n", PACKAGE_STRING, a() + b(), SIZEOF_LONG);\n    return 0;\n}\n' >main.c
echo 'int a(void) { return 40; }' >a.c; echo 'int b(void) { return 2; }' >b.c; seq 10 >data.txt
printf '#!/bin/sh\n./small | grep -q 42\n' >good.sh; printf '#!/bin/sh\nexit 77\n' >skip.sh; printf '#!/bin/sh\nexit 1\n' >bad.sh; chmod 755 ./*.sh
autoreconf -i 2>&1 | sort; mkdir build; cd build; ../configure --prefix=/work/installed >configure.log 2>&1; echo "configure $?"; grep -E '^checking (for (sys|mmap|fork|str)|size of|whether byte)' configure.log; grep -cE '^#define' config.h; grep SIZEOF config.h
make -s -j2 2>&1; ./small; make -s check 2>&1 | grep -E '^(# |PASS|SKIP|XFAIL)'; make -s install >/dev/null && find /work/installed -type f | sort; make -s dist && tar tzf small-1.2.tar.gz | grep -c .; touch ../a.c; make 2>&1 | grep -c -- '-c -o'; make -s distclean; ls
../configure CC=nothing >log 2>&1; echo "configure $?"; tail -n 1 log; cd ../..; chmod -R u+w p; rm -rf p installed
