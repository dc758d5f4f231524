# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# limit: 90
# node: files and watching, child processes, workers, timers, streams, compression, cryptography, HTTP over TCP and unix sockets, UDP, dns, signals, a cluster.
set -u
cat >t.js <<'END'
const fs = require('fs'), fsp = fs.promises, cp = require('child_process'), http = require('http'), net = require('net'), dgram = require('dgram'), dns = require('dns'), os = require('os'),
    crypto = require('crypto'), zlib = require('zlib'), stream = require('stream'), path = require('path'), events = require('events'),
    { Worker, isMainThread, parentPort, workerData } = require('worker_threads'), { promisify } = require('util'), { setTimeout: after } = require('timers/promises');
if (!isMainThread) { // a worker: sums shared memory, looks at a file of its own
    const shared = new Int32Array(workerData.shared);
    for (let i = 0; i < 1000; i++) Atomics.add(shared, 0, 1);
    fs.writeFileSync('worker' + workerData.n, 'w');
    parentPort.postMessage(workerData.n);
    return;
}
const say = (...what) => console.log(...what);
async function files() {
    await fsp.mkdir('d/e/f', { recursive: true });
    await Promise.all([...Array(40).keys()].map(n => fsp.writeFile('d/f' + n, 'x'.repeat(n))));
    say((await fsp.readdir('d')).length, (await fsp.stat('d/f39')).size, fs.existsSync('d/none'));
    await fsp.rename('d/f1', 'd/e/moved'); await fsp.copyFile('d/f20', 'd/copied'); await fsp.symlink('copied', 'd/link'); await fsp.truncate('d/copied', 5); await fsp.appendFile('d/link', 'end');
    say(fs.readFileSync('d/copied', 'utf8'), fs.readlinkSync('d/link'), fs.realpathSync('d/link'), await fsp.access('d/none').catch(e => e.code));
    const handle = await fsp.open('d/h', 'w+'); await handle.write(Buffer.from('positioned'), 0, 10, 5); await handle.sync(); say((await handle.read(Buffer.alloc(15), 0, 15, 0)).bytesRead); await handle.close();
    await fsp.utimes('d/h', 1e9, 1e9); await fsp.chmod('d/h', 0o640); const s = await fsp.stat('d/h'); say(s.mtimeMs, (s.mode & 0o777).toString(8));
    const watched = new Promise(done => { const w = fs.watch('d', (what, name) => { w.close(); done([what, name]); }); });
    fs.writeFileSync('d/watched', 'x'); say(await watched);
    for (const name of ['gz', 'br']) {
        const [pack, unpack] = name == 'gz' ? [zlib.createGzip(), zlib.createGunzip()] : [zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } }), zlib.createBrotliDecompress()];
        await stream.promises.pipeline(fs.createReadStream('/usr/bin/perl', { end: 2e6 }), pack, fs.createWriteStream('packed'));
        const sum = crypto.createHash('sha256'); let size = 0;
        await stream.promises.pipeline(fs.createReadStream('packed'), unpack, new stream.Writable({ write(chunk, e, done) { size += chunk.length; sum.update(chunk); done(); } }));
        say(name, size, sum.digest('hex') == crypto.createHash('sha256').update(fs.readFileSync('/usr/bin/perl').subarray(0, 2000001)).digest('hex'));
    }
    await fsp.rm('d', { recursive: true }); fs.unlinkSync('packed');
}
async function children() {
    say(cp.execSync('echo shell | tr a-z A-Z').toString().trim(), cp.spawnSync('sh', ['-c', 'cat; exit 3'], { input: 'in' }).status, (await promisify(cp.execFile)('echo', ['file'])).stdout.trim());
    const child = cp.spawn('sh', ['-c', 'trap "echo caught; exit 7" TERM; echo ready; while :; do sleep 0.05; done'], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.once('data', () => child.kill('SIGTERM')); say(await events.once(child, 'exit'));
    const sleeper = cp.spawn('sleep', ['30']); sleeper.kill('SIGKILL'); say(await events.once(sleeper, 'exit')); say((await events.once(cp.spawn('/none'), 'error'))[0].code);
    const forked = cp.fork(__filename, ['child']); forked.send({ n: 20 }); say((await events.once(forked, 'message'))[0]); forked.disconnect(); say(await events.once(forked, 'exit'));
    const piped = cp.spawn('cat'); stream.Readable.from(['a'.repeat(300000)]).pipe(piped.stdin); let size = 0; for await (const chunk of piped.stdout) size += chunk.length; say('cat', size);
}
async function workers() {
    const shared = new SharedArrayBuffer(4), all = [...Array(4).keys()].map(n => new Worker(__filename, { workerData: { n, shared } }));
    say((await Promise.all(all.map(w => events.once(w, 'message')))).flat().sort(), new Int32Array(shared)[0]);
    await Promise.all(all.map(w => w.terminate())); say(fs.readdirSync('.').filter(n => n.startsWith('worker')).length); [0, 1, 2, 3].forEach(n => fs.unlinkSync('worker' + n));
}
async function network() {
    const server = http.createServer((q, a) => { let n = 0; q.on('data', d => n += d.length).on('end', () => { a.setHeader('X-Len', n); a.end(q.url.repeat(10)); }); });
    await new Promise(done => server.listen(0, '127.0.0.1', done));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 }), port = server.address().port;
    const ask = (url, body, how) => new Promise((done, bad) => { const q = http.request({ port, agent, host: '127.0.0.1', path: url, method: body ? 'POST' : 'GET', ...how }, a => { let t = ''; a.on('data', d => t += d).on('end', () => done([a.statusCode, t.length, a.headers['x-len']].join())); }); q.on('error', bad); q.end(body); });
    say(new Set(await Promise.all([...Array(60).keys()].map(n => ask('/x', n % 2 ? 'y'.repeat(100000) : undefined)))));
    agent.destroy(); server.close(); await events.once(server, 'close'); say(await ask('/', '', { agent: false }).catch(e => e.code));
    await new Promise(done => server.listen('/tmp/node.sock', done)); say(await ask('/unix', 'z', { socketPath: '/tmp/node.sock', agent: false })); server.close();
    const echo = net.createServer(c => c.pipe(c)).listen(0, 'localhost'); await events.once(echo, 'listening'); const c = net.connect(echo.address().port, 'localhost'); let got = 0;
    c.end(Buffer.alloc(500000)); for await (const d of c) got += d.length; say('echo', got); echo.close();
    const a = dgram.createSocket('udp4'), b = dgram.createSocket('udp4'); a.bind(0, '127.0.0.1'); await events.once(a, 'listening'); b.send('datagram', a.address().port, '127.0.0.1'); say((await events.once(a, 'message'))[0].toString()); a.close(); b.close();
    say(await promisify(dns.lookup)('localhost', { family: 4 }), await promisify(dns.lookup)('nowhere.invalid').catch(e => e.code), Object.keys(os.networkInterfaces()));
}
async function rest() {
    const order = []; setTimeout(() => order.push('timeout'), 1); setImmediate(() => order.push('immediate')); process.nextTick(() => order.push('tick')); await after(30); say(order.sort().join());
    process.once('SIGUSR2', s => order.push(s)); process.kill(process.pid, 'SIGUSR2'); await after(20); say(order.pop(), os.hostname(), process.cwd(), process.argv.length, process.umask().toString(8), path.basename(process.execPath), process.title);
    const { privateKey, publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }); const signed = crypto.sign('sha256', Buffer.from('x'), privateKey);
    say(crypto.verify('sha256', Buffer.from('x'), publicKey, signed), (await promisify(crypto.scrypt)('a', 'b', 16)).toString('hex'), (await promisify(crypto.randomBytes)(9)).length);
    const [u] = [process.memoryUsage(), process.resourceUsage()]; say(u.rss > 1e6, os.cpus().length > 0, os.totalmem() > 0, os.userInfo().username);
}
if (process.argv[2] == 'child') process.on('message', m => process.send({ doubled: 2 * m.n }));
else (async () => { for (const f of [files, children, workers, network, rest]) { say('--', f.name); await f(); } process.exitCode = 5; })();
END
node t.js; echo "node $?"
cat >c.js <<'END'
const cluster = require('cluster'), http = require('http');
if (cluster.isPrimary) {
    let up = 0, ended = 0;
    const next = async n => { if (n == 20) { for (const id in cluster.workers) cluster.workers[id].kill(); return; } http.get({ port: 8000, agent: false }, a => { let t = ''; a.on('data', d => t += d).on('end', () => { seen.add(t); next(n + 1); }); }); }, seen = new Set();
    for (let i = 0; i < 2; i++) cluster.fork({ N: i });
    cluster.on('listening', () => { if (++up == 2) next(0); }); cluster.on('exit', (w, code, signal) => { if (++ended == 2) console.log('cluster', [...seen].sort(), signal); });
} else http.createServer((q, a) => a.end('worker ' + process.env.N)).listen(8000);
END
node c.js; echo "cluster $?"
cat >esm.mjs <<'END'
import { createInterface } from 'node:readline/promises'; import { test } from 'node:test'; import assert from 'node:assert';
const lines = createInterface({ input: process.stdin }); let n = 0; for await (const line of lines) n += Number(line); console.log('lines', n); assert.equal(n, 5050);
END
seq 100 | node esm.mjs; node -e 'throw new Error("thrown")' 2>&1 | grep -c 'Error: thrown'; node -p '[1,2,3].map(x => x * 2).join()'; echo 'console.log("from stdin")' | node -; node --eval 'process.kill(process.pid, "SIGTERM")'; echo "signal $?"
rm t.js c.js esm.mjs
