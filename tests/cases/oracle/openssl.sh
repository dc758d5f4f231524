# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# limit: 90
# openssl and ssh-keygen: digests, ciphers, keys, a certificate authority, TLS between s_server and s_client (and curl), signatures; certificates of ssh.
set -u
export HOME=/work RANDFILE=/work/rnd
seq 1 5000 >data; openssl dgst -sha256 data; openssl dgst -sha3-512 -r data | cut -c1-40; openssl dgst -hmac key -md5 data
openssl enc -aes-256-cbc -pbkdf2 -iter 1000 -pass pass:x -in data -out data.enc; openssl enc -d -aes-256-cbc -pbkdf2 -iter 1000 -pass pass:x -in data.enc | cmp - data && echo decrypted
openssl enc -d -aes-256-cbc -pbkdf2 -iter 1000 -pass pass:wrong -in data.enc 2>&1 | grep -ac 'bad decrypt'; openssl enc -chacha20 -K "$(printf %064d 1)" -iv "$(printf %032d 2)" -in data | openssl sha256
echo secret >pass; openssl enc -aes-128-cbc -pbkdf2 -pass file:pass -in data -a | cut -c1-10 | head -n 1; openssl rand -hex 16 | wc -c; openssl rand 100000 | wc -c
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out ca.key 2>/dev/null; openssl req -x509 -new -key ca.key -subj /CN=ca -days 30 -out ca.pem -addext basicConstraints=critical,CA:true
openssl ecparam -genkey -name prime256v1 -noout -out server.key; openssl req -new -key server.key -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -out server.csr
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -copy_extensions copy -out server.pem 2>&1 | grep -v subject=; openssl verify -CAfile ca.pem server.pem; openssl x509 -in server.pem -noout -subject -issuer -ext subjectAltName
openssl dgst -sha256 -sign server.key -out sig data; openssl dgst -sha256 -verify <(openssl pkey -in server.key -pubout) -signature sig data; echo x >>data; openssl dgst -sha256 -verify <(openssl pkey -in server.key -pubout) -signature sig data 2>/dev/null
openssl pkcs12 -export -inkey server.key -in server.pem -passout pass:p -out p12; openssl pkcs12 -in p12 -passin pass:p -nokeys 2>/dev/null | grep -c BEGIN; stat -c %a ca.key server.key p12
openssl s_server -accept 127.0.0.1:4433 -cert server.pem -key server.key -WWW -quiet >server.out 2>&1 &
until echo | openssl s_client -connect 127.0.0.1:4433 >/dev/null 2>&1; do sleep 0.05; done
for v in tls1_2 tls1_3; do echo Q | openssl s_client -$v -connect 127.0.0.1:4433 -CAfile ca.pem -servername localhost -verify_return_error 2>&1 | grep -oE '(Verify return code|New, ).*' | sort -u; done
curl -s --cacert ca.pem https://localhost:4433/data | tail -n 2; curl -s https://localhost:4433/data; echo "curl $?"; curl -s --tlsv1.3 -o got --cacert ca.pem https://127.0.0.1:4433/data; cmp got data && echo 'same over TLS'
kill $!; wait 2>/dev/null
openssl s_server -unix /work/sock -cert server.pem -key server.key -rev -quiet >/dev/null 2>&1 & until [ -S sock ]; do sleep 0.02; done
(echo drawer; echo CLOSE) | openssl s_client -unix /work/sock -quiet 2>/dev/null; kill $!; wait 2>/dev/null
openssl speed -seconds 1 -bytes 1024 -evp sha256 2>/dev/null | grep -c ^sha256; openssl version -d; openssl prime 97; openssl s_client -connect 127.0.0.1:1 2>&1 | grep -c 'refused'
for t in ed25519 ecdsa rsa; do ssh-keygen -q -t $t -N "pass $t" -C comment -f k.$t; done; ls k.*; stat -c '%a %n' k.ed25519*; ssh-keygen -y -P 'pass rsa' -f k.rsa | cut -d' ' -f1,3; ssh-keygen -y -P wrong -f k.rsa 2>&1; echo "keygen $?"
ssh-keygen -p -P 'pass ecdsa' -N '' -f k.ecdsa; ssh-keygen -l -f k.ed25519.pub | cut -d' ' -f1,3-; ssh-keygen -s k.ecdsa -I id -n user -V +1d k.rsa.pub 2>&1 | cut -d' ' -f1-4; ssh-keygen -L -f k.rsa-cert.pub | grep -v SHA256: | grep -cE 'user|id'
ssh-keygen -Y sign -f k.ecdsa -n file data 2>/dev/null; echo "user $(cut -d' ' -f1,2 k.ecdsa.pub)" >allowed; ssh-keygen -Y verify -f allowed -I user -n file -s data.sig <data | cut -d' ' -f1-7
ssh-keygen -H -F none -f allowed; echo "keygen $?"; eval "$(ssh-agent -s)" >/dev/null; ssh-add -q k.ecdsa; ssh-add -l | wc -l; ssh-add -D 2>&1; ssh-agent -k | wc -l; ssh -o BatchMode=yes -p 1 127.0.0.1 true; echo "ssh $?"
rm -rf .ssh; ls; rm -f -- *
