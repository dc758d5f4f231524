# SPDX-License-Identifier: GPL-2.0-only
# also: preload
# limit: 120
# find and grep -r over /usr; sed, awk, perl on what they find.
set -u
find /usr -xdev | LC_ALL=C sort | sha256sum
find /usr -type f -size +200k -printf '%f %s\n' | sort | head -n 20
find /usr -type l -printf '%l\n' | sort | sha256sum
find /usr -type d -empty | sort | head
find /usr/share -name '*.pm' -exec cat {} + | wc
find /usr/bin -perm -4000 | sort; find /usr/bin -newer /etc/passwd -name 'a*' | wc -l
find /etc -maxdepth 1 -type f -print0 | xargs -0 -n 8 wc -c | grep -c total
grep -r --include='*.py' -l 'import os' /usr/lib/python3* 2>/dev/null | sort | sha256sum
grep -rc root /etc/passwd /etc/group; grep -n nothing-there /etc/passwd; echo "grep $?"
grep -rh '^#!' /usr/bin -a 2>/dev/null | cut -c1-40 | sort | uniq -c | sort -rn | head -n 5
sed -n '1,3p;$p' /etc/passwd; sed 's/:.*//' /etc/passwd | sort | paste -sd' '
cp /etc/passwd p; sed -i '1d' p; wc -l <p
awk -F: '{ n[$7]++ } END { for (s in n) print n[s], s }' /etc/passwd | sort
awk 'BEGIN { "echo from a command" | getline x; print x; print "to a pipe" | "cat"; close("cat"); system("echo by system") }'
perl -ne '$n++ if /a/; END { print "$n\n" }' /etc/services 2>/dev/null || perl -e 'print "no services\n"'
perl -e 'opendir(D, "/usr"); print join(" ", sort grep !/^\./, readdir D), "\n"; print -s "/etc/passwd", "\n"; my $x = `echo backticks`; print $x; fork or exit 3; wait; print $? >> 8, "\n"'
