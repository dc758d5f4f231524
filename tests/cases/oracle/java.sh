# SPDX-License-Identifier: GPL-2.0-only
# root: programs
# limit: 120
# Java: the compiler, a program with threads, files, NIO sockets, HTTP, child processes, signals; a jar, and an uncaught exception.
set -u
mkdir p; cd p
cat >T.java <<'END'
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.nio.file.attribute.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;
import java.util.zip.*;

public class T {
    static void say(Object... what) { System.out.println(Arrays.stream(what).map(String::valueOf).collect(Collectors.joining(" "))); }

    static void threads() throws Exception {
        var count = new AtomicInteger();
        var pool = Executors.newFixedThreadPool(8);
        var all = new ArrayList<Future<Integer>>();
        for (int i = 0; i < 40; i++) {
            int n = i;
            all.add(pool.submit(() -> {
                Path p = Path.of("t" + n);
                Files.writeString(p, "x".repeat(n));
                count.addAndGet((int)Files.size(p));
                Files.delete(p);
                return n;
            }));
        }
        int sum = 0;
        for (var f : all)
            sum += f.get();
        pool.shutdown();
        say(sum, count, pool.awaitTermination(5, TimeUnit.SECONDS), IntStream.range(0, 100000).parallel().sum());
        var sleeper = new Thread(() -> { try { Thread.sleep(60000); } catch (InterruptedException e) { say("interrupted"); } });
        sleeper.start(); sleeper.interrupt(); sleeper.join();
        System.gc();
    }

    static void files() throws Exception {
        Files.createDirectories(Path.of("d/e"));
        for (int i = 0; i < 20; i++)
            Files.write(Path.of("d/e/" + i), new byte[i]);
        try (var walk = Files.walk(Path.of("d"))) { say(walk.count()); }
        Files.move(Path.of("d/e/1"), Path.of("d/moved")); Files.copy(Path.of("d/e/9"), Path.of("d/copied")); Files.createSymbolicLink(Path.of("d/link"), Path.of("copied"));
        Files.setPosixFilePermissions(Path.of("d/copied"), PosixFilePermissions.fromString("rw-r-----")); Files.setLastModifiedTime(Path.of("d/copied"), FileTime.fromMillis(1000000000000L));
        say(PosixFilePermissions.toString(Files.getPosixFilePermissions(Path.of("d/link"))), Files.getLastModifiedTime(Path.of("d/link")), Files.readSymbolicLink(Path.of("d/link")), Files.exists(Path.of("d/none")));
        try (var f = FileChannel.open(Path.of("d/map"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE); var lock = f.lock()) {
            f.write(ByteBuffer.wrap(new byte[] {77}), 5000); f.write(ByteBuffer.allocate(1), 8191);
            var one = ByteBuffer.allocate(1); f.read(one, 5000); say(one.get(0), f.size(), lock.isValid());
            say(f.transferTo(0, 8192, FileChannel.open(Path.of("d/transferred"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)));
        }
        try (var watcher = FileSystems.getDefault().newWatchService()) {
            Path.of("d").register(watcher, StandardWatchEventKinds.ENTRY_CREATE);
            Files.createFile(Path.of("d/new"));
            var key = watcher.poll(10, TimeUnit.SECONDS); say(key.pollEvents().get(0).context());
        }
        try (var z = new ZipOutputStream(new FileOutputStream("d/z.zip"))) { for (int i = 0; i < 5; i++) { z.putNextEntry(new ZipEntry("e" + i)); z.write(new byte[10000]); } }
        try (var z = new ZipFile("d/z.zip")) { say(z.size(), z.getInputStream(z.getEntry("e3")).readAllBytes().length); }
        var out = new RandomAccessFile("d/r", "rw"); out.setLength(100); out.seek(50); out.writeUTF("random"); out.seek(50); say(out.readUTF(), out.length()); out.close();
        try { new FileInputStream("none"); } catch (FileNotFoundException e) { say(e.getMessage()); }
        try (var walk = Files.walk(Path.of("d"))) { walk.sorted(Comparator.reverseOrder()).forEach(p -> p.toFile().delete()); }
        say(new File("d").exists(), new File(".").getCanonicalPath(), System.getProperty("user.dir"), System.getProperty("user.name"));
    }

    static void children() throws Exception {
        var p = new ProcessBuilder("sh", "-c", "cat; echo error >&2; exit 4").redirectErrorStream(true).start();
        p.getOutputStream().write("in\n".getBytes()); p.getOutputStream().close();
        say(new String(p.getInputStream().readAllBytes()).replace('\n', ' '), p.waitFor());
        var sleep = new ProcessBuilder("sleep", "60").start(); say(sleep.isAlive(), sleep.waitFor(20, TimeUnit.MILLISECONDS)); sleep.destroy(); say(sleep.waitFor());
        say(new ProcessBuilder("pwd").directory(new File("/usr")).inheritIO().start().waitFor(), new ProcessBuilder("true").redirectOutput(new File("redirected")).start().onExit().get().exitValue(), new File("redirected").delete());
        try { new ProcessBuilder("/none").start(); } catch (IOException e) { say(e.getMessage()); }
        say(ProcessBuilder.startPipeline(List.of(new ProcessBuilder("seq", "1000"), new ProcessBuilder("grep", "7"), new ProcessBuilder("wc", "-l").redirectOutput(ProcessBuilder.Redirect.INHERIT))).get(2).waitFor());
        say(ProcessHandle.current().pid() > 0, ProcessHandle.current().info().command().get().endsWith("/java"));
    }

    static void network() throws Exception {
        var server = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
        server.configureBlocking(false);
        var selector = Selector.open(); server.register(selector, SelectionKey.OP_ACCEPT);
        var over = new AtomicBoolean();
        var loop = new Thread(() -> {
            try {
                var buffer = ByteBuffer.allocate(65536);
                while (!over.get()) {
                    selector.select();
                    for (var key : selector.selectedKeys()) {
                        if (key.isAcceptable()) { var c = server.accept(); c.configureBlocking(false); c.register(selector, SelectionKey.OP_READ); }
                        else { var c = (SocketChannel)key.channel(); buffer.clear(); if (c.read(buffer) < 0) c.close(); else { buffer.flip(); while (buffer.hasRemaining()) c.write(buffer); } }
                    }
                    selector.selectedKeys().clear();
                }
            } catch (IOException e) { say(e); }
        });
        loop.start();
        int port = ((InetSocketAddress)server.getLocalAddress()).getPort();
        var total = new AtomicLong();
        var clients = IntStream.range(0, 10).mapToObj(i -> new Thread(() -> {
            try (var s = new Socket("127.0.0.1", port)) {
                for (int k = 0; k < 20; k++) { s.getOutputStream().write(new byte[1000]); total.addAndGet(s.getInputStream().readNBytes(1000).length); }
            } catch (IOException e) { say(e); }
        })).toList();
        for (var c : clients) c.start();
        for (var c : clients) c.join();
        over.set(true); selector.wakeup(); loop.join(); selector.close(); server.close();
        try { new Socket("127.0.0.1", port); } catch (ConnectException e) { say(total, e.getMessage()); }
        var http = com.sun.net.httpserver.HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        http.createContext("/", x -> { byte[] body = x.getRequestBody().readAllBytes(); x.sendResponseHeaders(200, 0); try (var o = x.getResponseBody()) { o.write((x.getRequestURI() + " " + body.length).getBytes()); } });
        http.setExecutor(Executors.newCachedThreadPool()); http.start();
        var client = HttpClient.newHttpClient();
        var asked = IntStream.range(0, 10).mapToObj(i -> client.sendAsync(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + http.getAddress().getPort() + "/" + i % 2)).timeout(Duration.ofSeconds(20)).POST(HttpRequest.BodyPublishers.ofString("b".repeat(20000))).build(), HttpResponse.BodyHandlers.ofString())).toList();
        var seen = new TreeSet<String>(); for (var a : asked) seen.add(a.get().statusCode() + " " + a.get().body()); say(seen); http.stop(0); ((ExecutorService)http.getExecutor()).shutdown();
        var unix = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of("sock"));
        var c = SocketChannel.open(UnixDomainSocketAddress.of("sock")); c.write(StandardCharsets.UTF_8.encode("unix")); c.close(); var b = ByteBuffer.allocate(10); unix.accept().read(b); say(new String(b.array(), 0, b.position())); unix.close(); Files.delete(Path.of("sock"));
        var a = new DatagramSocket(0, InetAddress.getLoopbackAddress()); a.send(new DatagramPacket("datagram".getBytes(), 8, a.getLocalSocketAddress())); var got = new DatagramPacket(new byte[20], 20); a.receive(got); say(got.getLength()); a.setSoTimeout(20); try { a.receive(got); } catch (SocketTimeoutException e) { say(e.getMessage()); }
        say(InetAddress.getByName("localhost"), NetworkInterface.getByName("lo").isUp()); try { InetAddress.getByName("nowhere.invalid"); } catch (UnknownHostException e) { say("unknown"); }
    }

    public static void main(String[] args) throws Exception {
        threads(); files(); children(); network();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> say("hook")));
        if (args.length == 1) throw new IllegalStateException("thrown");
        if (args.length == 2) new ProcessBuilder("kill", String.valueOf(ProcessHandle.current().pid())).start().waitFor();
        if (args.length == 2) Thread.sleep(60000);
        System.exit(6);
    }
}
END
javac -Xlint:all T.java; echo "javac $?"; ls | wc -l; java -cp . T; echo "java $?"; jar cfe t.jar T *.class && java -Xmx64m -XX:+UseParallelGC -jar t.jar x 2>&1 | tail -n 4; java -cp . T x y >/dev/null 2>&1; echo "killed $?"
cat >Bad.java <<<'class Bad { int x = "no"; }'; javac Bad.java 2>&1 | tail -n 1; printf 'class S { public static void main(String[] a) throws Exception { System.out.println(new java.io.BufferedReader(new java.io.InputStreamReader(System.in)).readLine()); } }' >S.java; echo line | java S.java
cd ..; rm -rf p
