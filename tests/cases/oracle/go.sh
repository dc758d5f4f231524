# SPDX-License-Identifier: GPL-2.0-only
# view: fuse
# root: programs
# variants: root
# limit: 180
# In one variant, because compiling takes as long as all others together.  Go: the compiler, and a program with goroutines, network polling, child processes, signals, files, HTTP, timers; one that ends in a panic; a test.
set -u
export GOCACHE=/work/cache GOPATH=/work/path GOFLAGS=-mod=mod GO111MODULE=on GOTOOLCHAIN=local CGO_ENABLED=0 HOME=/work
mkdir p; cd p; printf 'module example\n\ngo 1.19\n' >go.mod
cat >main.go <<'END'
package main

import (
	"bufio"; "bytes"; "compress/gzip"; "context"; "crypto/sha256"; "errors"; "fmt"; "io"; "io/fs"; "net"; "net/http"; "os"; "os/exec"; "os/signal"; "path/filepath"; "runtime"; "sort"; "strings"; "sync"; "sync/atomic"; "syscall"; "time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func goroutines() {
	var n int64
	var wait sync.WaitGroup
	for i := 0; i < 200; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			for k := 0; k < 1000; k++ {
				atomic.AddInt64(&n, 1)
			}
			name := fmt.Sprintf("f%d", i)
			if os.WriteFile(name, bytes.Repeat([]byte("x"), i), 0o644) != nil || len(must(os.ReadFile(name))) != i {
				fmt.Println("bad", name)
			}
			os.Remove(name)
		}(i)
	}
	wait.Wait()
	stop := make(chan bool)
	go func() { // does not yield: only a signal takes the processor from it
		for x := 0; ; x++ {
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	runtime.GC()
	time.Sleep(30 * time.Millisecond)
	close(stop)
	fmt.Println(n, runtime.NumCPU() > 0)
}

func files() {
	os.MkdirAll("d/e", 0o755)
	for i := 0; i < 20; i++ {
		os.WriteFile(fmt.Sprintf("d/e/%02d", i), []byte("data"), 0o600)
	}
	count := 0
	filepath.WalkDir("d", func(p string, e fs.DirEntry, err error) error { count++; return err })
	_, err := os.Open("none")
	fmt.Println(count, errors.Is(err, fs.ErrNotExist), err)
	f := must(os.Create("z.gz"))
	z := gzip.NewWriter(f)
	fmt.Fprint(z, strings.Repeat("line\n", 50000))
	z.Close()
	f.Seek(0, io.SeekStart)
	lines := 0
	for s := bufio.NewScanner(must(gzip.NewReader(f))); s.Scan(); lines++ {
	}
	out := must(os.Create("copy"))
	f.Seek(0, io.SeekStart)
	size := must(io.Copy(out, f)) // copy_file_range
	fmt.Println(lines, size == must(f.Stat()).Size(), f.Chmod(0o640), must(f.Stat()).Mode(), os.Rename("copy", "d/copied"), os.Symlink("copied", "d/link"), must(os.Readlink("d/link")))
	must(0, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	data := must(syscall.Mmap(int(f.Fd()), 0, 10, syscall.PROT_READ, syscall.MAP_SHARED))
	fmt.Printf("%x\n", data[:2])
	syscall.Munmap(data)
	f.Close()
	out.Close()
	t := must(os.CreateTemp("", "t"))
	fmt.Println(filepath.Dir(t.Name()), os.Remove(t.Name()), os.RemoveAll("d"), os.Remove("z.gz"), must(os.Getwd()), must(os.Hostname()), os.Getuid(), filepath.Base(must(os.Executable())))
}

func children() {
	fmt.Println(strings.TrimSpace(string(must(exec.Command("sh", "-c", "echo out; echo $ADDED").CombinedOutput()))))
	c := exec.Command("tr", "a-z", "A-Z")
	c.Stdin = strings.NewReader(strings.Repeat("text ", 30000))
	fmt.Println(len(must(c.Output())))
	c = exec.Command("sh", "-c", "exit 7")
	fmt.Println(c.Run(), c.ProcessState.ExitCode())
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	fmt.Println(exec.CommandContext(short, "sleep", "30").Run())
	fmt.Println(exec.Command("/none").Run())
	_, err := exec.LookPath("nothing-like-it")
	fmt.Println(err)
	r, w, _ := os.Pipe()
	c = exec.Command("sh", "-c", "cat <&3; pwd")
	c.ExtraFiles, c.Dir, c.Stdout, c.SysProcAttr = []*os.File{r}, "/usr", os.Stdout, &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	fmt.Println(c.Start())
	r.Close()
	fmt.Fprintln(w, "through three")
	w.Close()
	fmt.Println(c.Wait())
	var group sync.WaitGroup
	for i := 0; i < 12; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			if got := string(must(exec.Command("echo", fmt.Sprint(i)).Output())); got != fmt.Sprintln(i) {
				fmt.Println("bad", got)
			}
		}(i)
	}
	group.Wait()
}

func signals() {
	got := make(chan os.Signal, 4)
	signal.Notify(got, syscall.SIGUSR1, syscall.SIGHUP)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-got)
	exec.Command("sh", "-c", "kill -HUP $PPID").Run()
	fmt.Println(<-got)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	syscall.Kill(os.Getpid(), syscall.SIGINT)
	<-ctx.Done()
	stop()
	ticker, ticks := time.NewTicker(5*time.Millisecond), 0
	for range ticker.C {
		if ticks++; ticks == 5 {
			break
		}
	}
	fmt.Println("ticked")
}

func network() {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	var group sync.WaitGroup
	var total int64
	for i := 0; i < 20; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			c := must(net.Dial("tcp", l.Addr().String()))
			go func() { c.Write(make([]byte, 100000)); c.(*net.TCPConn).CloseWrite() }()
			atomic.AddInt64(&total, must(io.Copy(io.Discard, c)))
			c.Close()
		}()
	}
	group.Wait()
	c := must(net.Dial("tcp", l.Addr().String()))
	c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	fmt.Println(total, errors.Is(err, os.ErrDeadlineExceeded))
	l.Close()
	_, err = net.DialTimeout("tcp", l.Addr().String(), time.Second)
	fmt.Println(errors.Is(err, syscall.ECONNREFUSED))
	h := must(net.Listen("tcp", "localhost:0"))
	go http.Serve(h, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		sum := sha256.New()
		n := must(io.Copy(sum, q.Body))
		fmt.Fprintf(w, "%s %d %x", q.URL.Path, n, sum.Sum(nil)[:4])
	}))
	answers := map[string]int{}
	var lock sync.Mutex
	for i := 0; i < 30; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			a := must(http.Post("http://"+h.Addr().String()+fmt.Sprint("/", i%3), "text/plain", bytes.NewReader(make([]byte, 50000))))
			text := string(must(io.ReadAll(a.Body)))
			a.Body.Close()
			lock.Lock()
			answers[text]++
			lock.Unlock()
		}(i)
	}
	group.Wait()
	var said []string
	for text, n := range answers {
		said = append(said, fmt.Sprint(text, " ", n))
	}
	sort.Strings(said)
	fmt.Println(said)
	u := must(net.ListenUnix("unix", &net.UnixAddr{Name: "sock", Net: "unix"}))
	go func() { c := must(net.Dial("unix", "sock")); c.Write([]byte("unix")); c.Close() }()
	fmt.Println(string(must(io.ReadAll(must(u.Accept())))))
	u.Close()
	p := must(net.ListenPacket("udp", "127.0.0.1:0"))
	must(must(net.Dial("udp", p.LocalAddr().String())).Write([]byte("datagram")))
	b := make([]byte, 20)
	n, _, _ := p.ReadFrom(b)
	fmt.Println(string(b[:n]), must(net.LookupHost("localhost")))
	for _, i := range must(net.Interfaces()) {
		fmt.Println(i.Name, i.Flags&net.FlagUp != 0)
	}
}

func main() {
	os.Setenv("ADDED", "to the environment")
	for _, f := range []func(){goroutines, files, children, signals, network} {
		f()
	}
	if len(os.Args) > 1 {
		var none *int
		defer fmt.Println("deferred")
		*none = 1
	}
	os.Exit(3)
}
END
cat >main_test.go <<'END'
package main

import ("testing"; "os")

func TestTemp(t *testing.T) {
	for i := 0; i < 4; i++ {
		t.Run("parallel", func(t *testing.T) { t.Parallel(); if os.WriteFile(t.TempDir()+"/x", nil, 0o600) != nil { t.Fail() } })
	}
}
END
go build -o prog .; echo "build $?"; ./prog; echo "prog $?"; ./prog x 2>&1 | grep -E '^(panic|deferred|\[signal)'; go test . 2>&1 | awk '{ print $1, $2 }'; gofmt -l . | wc -l; go env GOOS GOARCH
cd ..; chmod -R u+w p cache path 2>/dev/null; rm -rf p cache path .config
