package cell_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"hotcell/internal/line/cellrpc"
)

// echoing is a far side that says who it is and gives back what it gets.
func echoing(target string, c net.Conn) {
	_, _ = fmt.Fprintf(c, "this is %s\n", target)
	_, _ = io.Copy(c, c)
}

func TestNamesAndAddresses(t *testing.T) {
	t.Parallel()
	// The shell's own clients: getent by the C library, python by hand where it is there.
	f := &fake{connect: echoing, spec: cellrpc.Spec{
		Names:     []cellrpc.Name{{Host: "api.acme.test", Ports: []int{443, 8443}}, {Host: "db.acme.test", Ports: []int{5432}}, {Host: "single", Ports: []int{80}}},
		Addresses: []cellrpc.Name{{Host: "203.0.113.7", Ports: []int{443}}, {Host: "2001:db8::7", Ports: []int{443}}},
		Localhost: []int{5433},
		Command:   "./probe " + dialCommand + ` api.acme.test:443 API.acme.test:8443 db.acme.test:5432 single:80 203.0.113.7:443 [2001:db8::7]:443 localhost:5433 127.0.0.1:5433`,
		Files:     true,
	}, files: probeFolder(t)}
	f.spec.Command += `
getent ahosts api.acme.test | awk '{print $1}' | sort -u
getent hosts single | awk '{print $1}'
getent ahostsv6 db.acme.test | awk '{print $1}' | sort -u
for name in api.acme.test.evil.example evil.example acme.test x.api.acme.test evil.example; do getent hosts $name && echo RESOLVED $name; done
getent hosts localhost >/dev/null && echo localhost stands
./probe ` + dialCommand + ` api.acme.test:80 127.64.0.2:5432 203.0.113.7:80 203.0.113.8:443`
	exit := run(t, f)
	if exit.Code != 0 && exit.Code != 1 {
		t.Errorf("got %+v: %s", exit, f.log("stderr"))
	}
	has(t, f.stdout(),
		"api.acme.test:443 answers this is api.acme.test:443 and hello\n", "API.acme.test:8443 answers this is api.acme.test:8443 and hello\n",
		"db.acme.test:5432 answers this is db.acme.test:5432", "single:80 answers this is single:80",
		"203.0.113.7:443 answers this is 203.0.113.7:443", "[2001:db8::7]:443 answers this is [2001:db8::7]:443",
		"localhost:5433 answers this is localhost:5433", "127.0.0.1:5433 answers this is localhost:5433",
		"127.64.0.2\n127.64.0.4\n", "localhost stands",
		"api.acme.test:80 refused", "127.64.0.2:5432 refused", "203.0.113.7:80 refused", "203.0.113.8:443 refused")
	hasNot(t, f.stdout(), "RESOLVED")
	slices.Sort(f.refused)
	if want := []string{"203.0.113.7:80", "203.0.113.8:443", "acme.test", "api.acme.test.evil.example", "evil.example", "x.api.acme.test"}; !slices.Equal(f.refused, want) {
		t.Errorf("the gateway was told of %q", f.refused)
	}
}

// A connection that the gateway refuses ends as a reset, not as an empty answer.
func TestRefusedConnectionIsReset(t *testing.T) {
	t.Parallel()
	f := &fake{spec: cellrpc.Spec{
		Names:   []cellrpc.Name{{Host: "api.acme.test", Ports: []int{443}}},
		Command: "./probe " + dialCommand + " api.acme.test:443", Files: true,
	}, files: probeFolder(t)}
	run(t, f)
	has(t, f.stdout(), "api.acme.test:443 reset")
}

// Through the proxy's port, nothing but one CONNECT reaches the gateway.
func TestProxy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ request, want string }{
		"connect":        {"CONNECT api.acme.test:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: y\r\n\r\nping", "HTTP/1.1 200 Connection established\r\n\r\nthis is api.acme.test:443\nping"},
		"path":           {"POST /lease HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 403"},
		"absolute":       {"GET http://gateway/spec HTTP/1.1\r\nHost: gateway\r\n\r\n", "HTTP/1.1 403"},
		"lower case":     {"connect api.acme.test:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 403"},
		"no port's room": {"CONNECT a\rb:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 403"},
		"a path in it":   {"CONNECT /lease HTTP/1.1\r\n\r\n", "HTTP/1.1 403"},
		"tunnelled":      {"CONNECT a:1@b:2 HTTP/1.1\r\n\r\n", "HTTP/1.1 403"},
		"not HTTP":       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", "HTTP/1.1 403"},
		"endless":        {"CONNECT a:1 HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 4000), "HTTP/1.1 403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{connect: echoing, spec: cellrpc.Spec{Command: "./probe " + sayCommand + " 127.0.0.1:3128 < request", Files: true}}
			f.files = join(probeFolder(t), file(t, "request", c.request))
			exit := run(t, f)
			if exit.Code != 0 || !strings.HasPrefix(f.stdout(), c.want) {
				t.Errorf("got %+v and %q: %s", exit, f.stdout(), f.log("stderr"))
			}
			if f.leases != 1 || slices.Contains(f.calls[2:], "GET /spec") || len(f.targets) > 0 != (name == "connect") {
				t.Errorf("the gateway got %v and %q", f.calls, f.targets)
			}
		})
	}
}

// What the gateway answers to the head of a refused CONNECT is not followed by
// what the client sent after it.
func TestProxyDoesNotSmuggle(t *testing.T) {
	t.Parallel()
	f := &fake{spec: cellrpc.Spec{Command: "./probe " + sayCommand + " 127.0.0.1:3128 < request", Files: true}}
	f.files = join(probeFolder(t), file(t, "request", "CONNECT evil.example:443 HTTP/1.1\r\n\r\nPOST /lease HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\n\r\n{}"))
	run(t, f)
	has(t, f.stdout(), "HTTP/1.1 403", "refused by the test")
	if f.leases != 1 {
		t.Errorf("the lease was asked for %d times", f.leases)
	}
}

// A server within the job works, on a low port too.
func TestServerWithinTheJob(t *testing.T) {
	t.Parallel()
	f := &fake{spec: cellrpc.Spec{Command: "./probe " + serveCommand, Files: true}, files: probeFolder(t)}
	exit := run(t, f)
	if exit.Code != 0 {
		t.Errorf("got %+v: %s%s", exit, f.stdout(), f.log("stderr"))
	}
}

// The commands of the probe that speak on the network.
const (
	dialCommand  = "probe-dial"
	sayCommand   = "probe-say"
	serveCommand = "probe-serve"
)

// dialAll connects to each target and tells what came of it.
func dialAll(targets []string) int {
	for _, target := range targets {
		c, err := net.Dial("tcp", target)
		if err != nil {
			fmt.Println(target, why(err))
			continue
		}
		r := bufio.NewReader(c)
		line, err := r.ReadString('\n')
		if err != nil {
			fmt.Println(target, why(err))
			continue
		}
		_, _ = io.WriteString(c, "hello\n")
		back, _ := r.ReadString('\n')
		fmt.Printf("%s answers %s and %s", target, strings.TrimSpace(line), back)
		_ = c.Close()
	}
	return 0
}

func why(err error) string {
	for _, reason := range []string{"refused", "unreachable", "reset", "no such host"} {
		if strings.Contains(err.Error(), reason) {
			return reason
		}
	}
	return err.Error()
}

// say sends its input, half-closes, and prints what comes back.
func say(target string, in io.Reader, out io.Writer) int {
	c, err := net.Dial("tcp", target)
	if err != nil {
		return 1
	}
	_, _ = io.Copy(c, in)
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(out, c)
	return 0
}

// serve listens and connects to itself, and makes a pair of unix sockets.
func serve() int {
	l, err := net.Listen("tcp", "127.0.0.1:80")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	go func() {
		if c, err := l.Accept(); err == nil {
			echoing("itself", c)
		}
	}()
	u, err := net.Listen("unix", "/tmp/socket")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	_ = u.Close()
	return dialAll([]string{"127.0.0.1:80"})
}
