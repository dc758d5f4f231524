# SPDX-License-Identifier: GPL-2.0-only
# also: preload
# limit: 60
# tar and compressors: round trips.
set -eu
mkdir src; cp -r /etc/init.d /usr/share/perl5/Debconf src 2>/dev/null || cp -r /etc/init.d src
ln -s init.d src/link; mkdir src/empty; head -c 300000 /dev/zero >src/zeros; chmod 4711 src/zeros; seq 1 50000 >src/numbers; mkfifo src/fifo
options=(--sort=name --mtime=@1000000000 --owner=0 --group=0 --numeric-owner)
tar "${options[@]}" -cf a.tar src; tar tvf a.tar | wc -l; sha256sum a.tar
for z in gzip bzip2 xz; do
    $z -k -c a.tar >a.$z; mkdir out-$z; $z -dc a.$z | tar xf - -C out-$z; diff -r --no-dereference src/numbers out-$z/src/numbers; stat -c '%a %F' out-$z/src/zeros out-$z/src/fifo; $z -t a.$z; echo $z
done
tar -czf b.tgz src && tar -xzf b.tgz -C out-gzip && tar --compare -zf b.tgz && echo compared
tar -cf - src | (mkdir piped; cd piped; tar xf -); find piped | wc -l
tar --append -f a.tar /etc/hostname 2>/dev/null; tar tf a.tar | tail -n 1
tar -xf a.tar nothing || echo "tar $?"
gzip -d <src/numbers || echo "gzip $?"
rm -rf src out-* piped a.* b.tgz
