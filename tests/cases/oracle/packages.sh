# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# limit: 90
# dpkg and apt: packages are built, installed with their scripts, upgraded, broken, held back and removed; from files, and from a repository that apt reads.
set -u
export DEBIAN_FRONTEND=noninteractive HOME=/work SOURCE_DATE_EPOCH=1000000000
package() { # NAME VERSION DEPENDS
    local d=$1_$2
    mkdir -p "$d/DEBIAN" "$d/usr/bin" "$d/etc" "$d/usr/share/$1"
    printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: M <m@example.org>\nDescription: made for a test\n%s' "$1" "$2" "${3:+Depends: $3
}" >"$d/DEBIAN/control"
    printf '#!/bin/sh\necho %s %s\n' "$1" "$2" >"$d/usr/bin/$1"; echo "setting of $1 $2" >"$d/etc/$1.conf"; echo "/etc/$1.conf" >"$d/DEBIAN/conffiles"; seq 300 >"$d/usr/share/$1/data"
    for script in preinst postinst prerm postrm; do printf '#!/bin/sh\nset -e\necho "%s: $1 ${2:-}"\n' "$script" >"$d/DEBIAN/$script"; done
    chmod 755 "$d/DEBIAN"/p* "$d/usr/bin/$1"
    dpkg-deb --root-owner-group -b "$d" "repo/${d}_all.deb"
}
mkdir repo; package one 1.0; package one 2.0; package two 1.0 'one (>= 1.5)'; package three 1.0 nothing-has-this; sed -i 's/echo/exit 3 #/' three_1.0/DEBIAN/postinst; package four 1.0
dpkg-deb -c repo/one_1.0_all.deb | awk '{ print $1, $2, $3, $6 }'; dpkg-deb -f repo/two_1.0_all.deb Depends; dpkg-deb -I repo/one_1.0_all.deb | grep -c Maintainer
dpkg -i repo/one_1.0_all.deb | grep -v 'Reading database'; one; dpkg -s one | grep Status; dpkg -L one | sort; dpkg -S /usr/bin/one; dpkg -V one; dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\n' one
echo local >>/etc/one.conf; dpkg --force-confold -i repo/one_2.0_all.deb 2>&1 | grep -v 'Reading database'; one; ls /etc/one.conf*; dpkg -i repo/three_1.0_all.deb 2>&1 | grep -v 'Reading database'; echo "dpkg ${PIPESTATUS[0]}"; dpkg --audit | grep -c three; dpkg -P three 2>&1 | grep -v 'Reading database'
dpkg -r one | grep -v 'Reading database'; ls /etc/one.conf /usr/bin/one 2>&1; dpkg -P one | grep -v 'Reading database'
(cd repo && dpkg-scanpackages -m . 2>/dev/null >Packages)
echo 'deb [trusted=yes] file:/work/repo ./' >/etc/apt/sources.list; rm -rf /etc/apt/sources.list.d/*
options=(-q -o Acquire::Languages=none -o Dpkg::Use-Pty=0); [ "$(awk '{ print $3 }' /proc/self/uid_map)" != 1 ] || options+=(-o APT::Sandbox::User=root) # who has one id cannot become _apt
grep -c . repo/Packages; apt-get "${options[@]}" update 2>&1 | grep -vE '^(Get|Hit|Ign|Fetched)' ; apt-cache policy two | sed -n 1,3p; apt-cache depends two; apt-get "${options[@]}" -s install two | grep -c ^Inst
apt-get "${options[@]}" install -y two 2>&1 | grep -vE 'Reading database|^Get:|^Fetched|apt-utils'; two; one; apt-mark showauto | grep -c '^one$'; apt-get "${options[@]}" install -y three 2>&1 | grep -E 'Depends|^E:'; apt-get "${options[@]}" install -y ./repo/four_1.0_all.deb 2>&1 | grep -c 'Setting up'
apt-get "${options[@]}" remove -y two 2>&1 | grep -E '^(Removing|prerm|postrm)'; apt-get "${options[@]}" autoremove --purge -y 2>&1 | grep -E '^(Removing|Purging|prerm|postrm)'; apt-get "${options[@]}" purge -y two four 2>&1 | grep -E '^Purging'; apt list --installed 2>/dev/null | grep -cE '^(one|two|four)/'; dpkg -C; echo "audit $?"
apt-get "${options[@]}" download one 2>/dev/null; ls *.deb; stat -c '%U' one_*.deb; rm -rf -- *
