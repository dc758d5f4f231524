# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# limit: 60
# nginx with two workers: curl of files, ranges, keep-alive, wrk, a new configuration by SIGHUP, a graceful end.
set -u
mkdir www; echo '<h1>hello</h1>' >www/index.html; seq 1 2000 >www/numbers; head -c 3000000 /dev/zero | tr '\0' x >www/large
[ "$(awk '{ print $3 }' /proc/self/uid_map)" = 1 ] && user=root || user=www-data # where there is one id, workers keep it
configure() { # GENERATION
    cat >nginx.conf <<END
user $user; worker_processes 2; pid /work/nginx.pid; error_log /work/error.log notice;
events { worker_connections 64; }
http {
    access_log /work/access.log; types { text/html html; } default_type text/plain; add_header X-Generation $1; gzip on; gzip_min_length 100; gzip_types text/plain; client_max_body_size 8m;
    client_body_temp_path /work/body; proxy_temp_path /work/proxy; fastcgi_temp_path /work/fastcgi; uwsgi_temp_path /work/uwsgi; scgi_temp_path /work/scgi;
    proxy_cache_path /work/cache keys_zone=zone:1m;
    server {
        listen 127.0.0.1:8080; root /work/www;
        location /stored/ { proxy_pass http://127.0.0.1:8081/; proxy_cache zone; proxy_cache_valid 200 1h; add_header X-Stored \$upstream_cache_status; }
        location /upload/ { proxy_pass http://unix:/work/back.sock:/; }
        location /moved { return 301 /numbers; }
        location /listing/ { alias /work/www/; autoindex on; autoindex_format json; }
    }
    server { listen 127.0.0.1:8081; root /work/www; }
    server { listen unix:/work/back.sock; location / { proxy_pass http://127.0.0.1:8081/numbers?; proxy_method GET; } }
}
END
}
configure 1
nginx -t -c /work/nginx.conf 2>&1 | sed 's/.*: //'; nginx -c /work/nginx.conf; echo "started $?"
u=http://127.0.0.1:8080
curl -si $u/ | grep -vE '^(Date|Last-Modified|ETag)'
curl -s -o got $u/large; cmp got www/large && echo same; curl -s --compressed $u/numbers | cmp - www/numbers && echo unpacked
curl -s -r 10-29 -w ' %{http_code}\n' $u/numbers; curl -s -r -8 $u/numbers; curl -s -r 99999- -o /dev/null -w '%{http_code}\n' $u/numbers
curl -sI $u/numbers | grep -E '^(HTTP|Content-L|Accept)'; curl -s -o /dev/null -w '%{http_code} ' $u/none; curl -s -X POST -d x -o /dev/null -w '%{http_code}\n' $u/numbers
curl -s -o /dev/null -o /dev/null -o /dev/null -w '%{http_code} %{num_connects} %{size_download}\n' $u/ $u/numbers $u/large
curl -sL -w '%{num_redirects} %{url_effective}\n' -o /dev/null $u/moved; etag=$(curl -sI $u/numbers | sed -n 's/^ETag: \(.*\)\r/\1/p'); curl -s -H "If-None-Match: $etag" -o /dev/null -w '%{http_code}\n' $u/numbers
for i in 1 2; do curl -si $u/stored/numbers | grep -E '^(HTTP|X-Stored)'; done; find cache -type f | wc -l
curl -s -T www/large -o got -w '%{http_code} %{size_upload}\n' $u/upload/x; cmp got www/numbers && echo uploaded
curl -s $u/listing/ | tr -d '\n' | grep -o '"name":"[a-z.]*"' | sort
curl -s -Z --parallel-max 8 -o 'part.#1' "$u/numbers?[1-20]" 2>/dev/null; cat part.* | wc -l; rm part.*
wrk -t 2 -c 8 -d 1s $u/numbers >wrk.out; grep -cE 'Requests/sec: +[1-9]' wrk.out; grep -E 'Socket errors|Non-2xx' wrk.out; awk '/requests in/ { print ($1 > 20) }' wrk.out
configure 2; kill -HUP "$(cat nginx.pid)"; until curl -sI $u/ | grep -q 'X-Generation: 2'; do sleep 0.02; done; echo reloaded
mv access.log access.old; kill -USR1 "$(cat nginx.pid)"; until [ -e access.log ]; do sleep 0.02; done; curl -s -o /dev/null $u/numbers
pid=$(cat nginx.pid); nginx -c /work/nginx.conf -s quit 2>/dev/null; while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done; echo ended
grep -c 'GET /numbers HTTP/1.1" 200 8893 "-" "curl' access.log; curl -s $u/; echo "curl $?"
grep -E '\[(emerg|alert|crit|error)\]' error.log | grep -vE 'none|initgroups' | sed 's/.*: //'; ls; rm -rf -- *
