# SPDX-License-Identifier: GPL-2.0-only
# also: tls
# limit: 120
# make -j2 building a small C project with gcc; running what was built.
set -eu
mkdir p; cd p
for i in 1 2 3 4 5 6; do printf '#include "all.h"\nint f%d(int x) { return x * %d; }\n' "$i" "$i" >"f$i.c"; printf 'int f%d(int);\n' "$i" >>all.h; done
cat >main.c <<'END'
#include "all.h"
#include <stdio.h>
int main(int argc, char **argv)
{
    printf("%d %s\n", f1(1) + f2(1) + f3(1) + f4(1) + f5(1) + f6(1), argc > 1 ? argv[1] : "none");
    return f6(1);
}
END
cat >Makefile <<'END'
OBJ = main.o libf.a
prog: $(OBJ)
	gcc -o $@ $^
libf.a: f1.o f2.o f3.o f4.o f5.o f6.o
	ar rcsD $@ $^
%.o: %.c all.h
	gcc -O1 -Wall -c -o $@ $<
clean:
	rm -f *.o *.a prog
fail:
	false
END
make -s -j2; ./prog built || echo "prog $?"
make -s -j2; touch f3.c; make -j1 | sort
gcc -static -o static main.c f?.c && { ./static s || echo "static $?"; }
gcc -shared -fPIC -o libf.so f?.c && gcc -o dynamic main.c -L. -lf -Wl,-rpath,"$PWD" && { ./dynamic d || echo "dynamic $?"; }
make fail 2>&1 || echo "make $?"
echo 'int main(void) { return nothing; }' >bad.c; gcc bad.c 2>&1 | grep -c error
gcc -E - <<<'#include <stdio.h>' | wc -l; nm prog | grep -c ' T f'; objdump -d f1.o | grep -c imul || true
make -s clean; ls; sha256sum static >/dev/null; cd ..; rm -rf p
