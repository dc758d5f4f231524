# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# limit: 60
# rsync: local, by a remote shell's pipes, from a daemon; curl against python's server: forms, uploads, redirects, cookies, resuming, many at once; socat and nc.
set -u
mkdir -p from/a/b; for i in $(seq 60); do seq "$i" >"from/a/f$i"; done; ln -s f1 from/a/link; ln from/a/f2 from/a/hard; head -c 2000000 /dev/zero >from/zeros; touch -d '2001-02-03 04:05:06 UTC' from/a/f3; chmod 4751 from/a/f4; mkfifo from/fifo; truncate -s 3M from/sparse
rsync -aHS --stats from/ to | grep -E 'Number of (created|regular)|^Number of files'; diff -r --no-dereference -x fifo from to && echo same; stat -c '%a %h %Y' to/a/f3 to/a/f4 to/a/hard | sed 's/ 1[67].*//'; stat -c %F to/fifo
echo more >>from/a/f9; rm from/a/f5; rsync -ai --delete from/ to | grep -v '^\.d' | sed 's/^>f.st*\.*/>f.s/' | sort; rsync -ain from/ to; rsync -a --exclude='f*' from/a/ some; ls some
printf '#!/bin/sh\nshift\nexec "$@"\n' >rsh; chmod 755 rsh; rsync -a -e ./rsh from/ nowhere:/work/remote; diff -r --no-dereference -x fifo from remote && echo 'same by pipes'; echo changed >>from/zeros; rsync -a --no-whole-file --stats -e ./rsh from/ nowhere:/work/remote | grep -E 'Literal|Matched'
rsync -az --bwlimit=100m -e ./rsh nowhere:/work/from/a/ /work/back && ls back | wc -l; rsync -a none/ x; echo "rsync $?"; rsync -a --files-from=<(printf 'a/f7\na/f8\n') from/ picked; find picked | sort
printf 'port = 8730\naddress = 127.0.0.1\nuse chroot = no\npid file = /work/rsyncd.pid\nlog file = /work/rsyncd.log\nuid = 0\ngid = 0\n[m]\npath = /work/from\nread only = no\n' >rsyncd.conf
rsync --daemon --config=rsyncd.conf; until rsync rsync://127.0.0.1:8730/ 2>/dev/null; do sleep 0.02; done; rsync -a rsync://127.0.0.1:8730/m/a/ daemon; ls daemon | wc -l; echo up >up; rsync up rsync://127.0.0.1:8730/m/; cat from/up; pid=$(cat rsyncd.pid); kill "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done; ls rsyncd.pid 2>&1
mkdir www; seq 1 9000 >www/numbers
cat >s.py <<'END'
import http.server, sys
class H(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def say(self, code, text, **headers):
        self.send_response(code); [self.send_header(k.replace("_", "-"), v) for k, v in headers.items()]; self.send_header("Content-Length", str(len(text))); self.end_headers(); self.wfile.write(text)
    def do_POST(self):
        n = self.rfile.read(int(self.headers["Content-Length"])); self.say(201, b"%d bytes of %s\n" % (len(n), self.headers.get_content_type().encode()))
    do_PUT = do_POST
    def do_GET(self):
        if self.path == "/moved": return self.say(302, b"", Location="/cookie")
        if self.path == "/set": return self.say(200, b"set\n", Set_Cookie="c=1")
        if self.path == "/cookie": return self.say(200, str(self.headers["Cookie"]).encode() + b"\n")
        if self.path == "/auth": return self.say(200 if self.headers["Authorization"] else 401, b"auth\n", WWW_Authenticate='Basic realm="r"')
        super().do_GET()
http.server.ThreadingHTTPServer(("127.0.0.1", 8000), lambda *a: H(*a, directory="/work/www")).serve_forever()
END
python3 s.py & until curl -s -o /dev/null http://127.0.0.1:8000/; do sleep 0.05; done; u=http://127.0.0.1:8000
curl -s -d a=1 -d b=2 $u/form; curl -s -F f=@www/numbers -F x=y $u/ | sed 's/^[0-9]* //'; curl -s -T www/numbers $u/put; seq 100 | curl -s -T - -H 'Content-Length: 292' -H 'Transfer-Encoding:' $u/stdin; curl -s -c jar $u/set; curl -sL -b jar $u/moved; curl -s -u me:secret -w '%{http_code}\n' $u/auth; curl -s -o /dev/null -w '%{http_code}\n' $u/auth
curl -sf $u/none; echo "curl $?"; curl -s --max-time 0.3 telnet://127.0.0.1:8000; echo "curl $?"; curl -s http://127.0.0.1:1/; echo "curl $?"; curl -s http://nowhere.invalid/; echo "curl $?"; curl -s file:///work/www/numbers | tail -n 1; curl -sO $u/numbers --limit-rate 1M; cmp numbers www/numbers && echo saved
seq 30 | xargs -P 6 -I{} curl -s -o 'got.{}' $u/numbers; cat got.* | sha256sum; rm got.*; curl -s -w '%{http_code} %{size_download} %{content_type}\n' -o /dev/null $u/; curl -sI $u/numbers | grep -c Content-Length; kill $!; wait 2>/dev/null
socat -t 20 TCP-LISTEN:7000,bind=127.0.0.1,reuseaddr,fork EXEC:'tr a-z A-Z' & until echo through socat | socat -t 20 - TCP:127.0.0.1:7000 2>/dev/null; do sleep 0.05; done; kill $!; wait 2>/dev/null
nc -l -N 127.0.0.1 7001 <up >heard & until echo through nc | nc -N 127.0.0.1 7001; do sleep 0.05; done; wait; cat heard; socat -u UNIX-LISTEN:us,unlink-early CREATE:out & until [ -S us ]; do sleep 0.02; done; seq 3 | socat -u - UNIX:us; wait; paste -sd' ' out
nc -z 127.0.0.1 7002; echo "nc $?"; lsof -v 2>&1 | grep -c revision; ip -o link show lo | cut -d' ' -f1,2; ss -ltn | wc -l
rm -rf -- *
