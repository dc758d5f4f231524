# SPDX-License-Identifier: GPL-2.0-only
# also: preload
# The coreutils over a tree.
set -u
mkdir -p tree/{a,b/c,d}
for i in $(seq 1 30); do seq "$i" >"tree/a/file$i"; done
echo hello >tree/b/c/hello; ln -s ../a/file1 tree/b/link; ln tree/a/file2 tree/d/hard
cp -a tree copy && diff -r tree copy && echo same
mv copy/a copy/moved; ls -1 copy copy/moved | head -n 12
du -s --apparent-size tree/a >/dev/null && echo du
wc -l tree/a/* | tail -n 1
sort -rn tree/a/file30 | head -n 3; uniq -c <(printf 'a\na\nb\n'); cut -c2- tree/b/c/hello; tac tree/a/file3 | paste -sd' '
md5sum tree/a/file30 tree/b/c/hello; sha256sum tree/a/file5; cksum tree/a/file7
stat -c '%n %F %s %h %a' tree/b/link tree/d/hard tree/a/file9
touch -d '2001-02-03 04:05:06 UTC' tree/d/old; stat -c %Y tree/d/old; date -u -d @1000000000
chmod -R go-rwx tree/a; stat -c %a tree/a/file1; ln -sf nowhere tree/dangling; readlink tree/dangling; realpath tree/b/link
split -n 3 tree/a/file30 tree/part.; cat tree/part.* | cmp - tree/a/file30 && echo split
dd if=/dev/zero of=tree/zeros bs=4096 count=16 status=none; truncate -s 100K tree/sparse; ls -s --block-size=1 tree/zeros | cut -d' ' -f1
install -m 750 -D tree/b/c/hello tree/new/dir/installed; tee tree/teed <tree/b/c/hello
head -c 10 /dev/urandom | wc -c; od -An -tx1 tree/b/c/hello; base64 tree/b/c/hello; nl tree/a/file2
expr 6 \* 7; factor 360; numfmt --to=iec 123456; basename /a/b.c .c; dirname /a/b/c; env -i A=1 /usr/bin/env
id -u; whoami; hostname; nproc --all >/dev/null && echo nproc; tty; echo "tty $?"; pwd
test -e tree/none; echo $?; rmdir tree/a; echo $?; rm tree/none; cat tree/none; ls tree/none; mkdir tree
rm -rf copy tree/part.* tree/sparse; shred -n 1 -u tree/zeros && echo shredded; sync; df . >/dev/null && echo df
join <(printf '1 a\n2 b\n') <(printf '1 x\n2 y\n'); comm -12 <(seq 1 5) <(seq 3 8); csplit -s tree/a/file9 5; mkfifo tree/fifo; (echo through >tree/fifo &); cat tree/fifo
chown "$(id -u):$(id -g)" tree/b/c/hello; mktemp -u XXXX | wc -c; pathchk tree; printenv HOME PATH LANG; link tree/b/c/hello tree/linked; unlink tree/linked
