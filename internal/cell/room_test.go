package cell_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/internal/cell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/socketpair"
)

// chromium is the browser itself, without Debian's script around it.
const chromium = "/usr/lib/chromium/chromium-headless-shell"

// browse is the init of a browser's cell that says what its browser is.
func browse() int {
	ctx := context.Background()
	room, err := cell.EnterRoom(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /call", func(w http.ResponseWriter, r *http.Request) {
		script, _ := io.ReadAll(r.Body)
		if bytes.HasPrefix(script, []byte("#!")) {
			b, err := room.Launch([]string{"/bin/sh", "-c", string(script)}, []string{"PATH=/usr/bin:/bin"})
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			<-b.Ended
			_, _ = io.WriteString(w, b.Said())
			return
		}
		text, err := launch(room, string(script))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, text)
	})
	_ = (&http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}).Serve(room.Calls)
	return 0
}

// launch starts a Chromium with its own confinement on, opens a page, and says
// what its processes are confined by.
func launch(room *cell.Room, url string) (string, error) {
	b, err := room.Launch([]string{
		chromium, "--remote-debugging-pipe", "--user-data-dir=/tmp/profile", "--no-first-run", "--disable-gpu",
		"--disable-crash-reporter", "--disable-breakpad", "--disable-background-networking", "about:blank",
	}, []string{"HOME=/home/job", "PATH=/usr/bin:/bin", "LANG=C.UTF-8"})
	if err != nil {
		return "", err
	}
	answers := make(chan string, 100)
	go func() {
		d := make([]byte, 0, 1<<20)
		for b1 := make([]byte, 64<<10); ; {
			n, err := b.From.Read(b1)
			d = append(d, b1[:n]...)
			for {
				at := bytes.IndexByte(d, 0)
				if at < 0 {
					break
				}
				answers <- string(d[:at])
				d = d[at+1:]
			}
			if err != nil {
				close(answers)
				return
			}
		}
	}()
	fmt.Fprintf(b.To, `{"id":1,"method":"Target.createTarget","params":{"url":%q}}`+"\x00", url)
	if answer, open := <-answers; !open || !strings.Contains(answer, "targetId") {
		<-b.Ended
		return "", fmt.Errorf("no browser: %s: %s", answer, b.Said())
	}
	// A renderer confines itself once it has started.
	for range 200 {
		text := renderers()
		if strings.Contains(text, "Seccomp:\t2") && !strings.Contains(text, "Seccomp:\t0") {
			return text, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return renderers(), nil
}

// renderers says what they are confined by.
func renderers() string {
	var out strings.Builder
	files, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, name := range files {
		text, _ := os.ReadFile(name)
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline"))
		if !bytes.Contains(line, []byte("--type=renderer")) {
			continue
		}
		for l := range strings.Lines(string(text)) {
			if strings.HasPrefix(l, "Seccomp:") || strings.HasPrefix(l, "NSpid:") || strings.HasPrefix(l, "Uid:") || strings.HasPrefix(l, "CapEff:") {
				out.WriteString(l)
			}
		}
		user, _ := os.Readlink(filepath.Join(filepath.Dir(name), "ns/user"))
		net, _ := os.Readlink(filepath.Join(filepath.Dir(name), "ns/net"))
		own, _ := os.Readlink("/proc/self/ns/net")
		fmt.Fprintf(&out, "user %s\nnet %s the cell's %s\n", user, net, own)
	}
	return out.String()
}

// room starts a browser's cell, and returns how to ask it.
func room(t *testing.T) func(string) string {
	t.Helper()
	dial, listen, err := socketpair.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listen.Close(); _ = dial.Close() })
	f := &fake{}
	f.spec.Job = "job_test"
	r := start(t, f, func(c *cell.Config) { c.Calls, c.Disk = listen, 256<<20 })
	dialer, err := socketpair.NewDialer(dial)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx) }}}
	return func(what string) string {
		answer, err := client.Post("http://browser/call", "text/plain", strings.NewReader(what))
		if err != nil {
			t.Fatalf("%v: %s", err, r.stderr)
		}
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", text, r.stderr)
		}
		return string(text)
	}
}

func TestABrowserIsConfinedTwice(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(chromium); err != nil {
		t.Skip("there is no ", chromium)
	}
	out := room(t)("data:text/html,hello")
	if !strings.Contains(out, "Seccomp:\t2") || strings.Contains(out, "Seccomp:\t0") || strings.Contains(out, "CapEff:\t00000000000000ff") {
		t.Errorf("its renderers are not behind a filter, or have rights:\n%s", out)
	}
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		// Within the cell's, they are in namespaces of pids and of networks of their own.
		if fields[0] == "NSpid:" && len(fields) != 4 || fields[0] == "net" && fields[1] == fields[len(fields)-1] {
			t.Errorf("its renderers are in the cell's own namespaces: %s", line)
		}
	}
}

func TestABrowsersProfileGivesNoMoreThanItsNamespaces(t *testing.T) {
	t.Parallel()
	out := room(t)("#!\nid -u; unshare -U true && echo user; for n in -m -i -u -C; do unshare $n true 2>/dev/null && echo has $n; unshare -U $n true 2>/dev/null && echo has -U $n; done; " +
		"unshare -n true 2>/dev/null && echo has -n; mount -t tmpfs x /tmp 2>/dev/null && echo mounts; cat /proc/1/environ 2>/dev/null && echo sees; touch /usr/x /etc/x 2>/dev/null && echo writes; echo done")
	if want := "1000\nuser\ndone\n"; out != want {
		t.Errorf("what runs as a browser does says:\n%s\nwant:\n%s", out, want)
	}
}

func browserSpec(spec cellrpc.Spec) []byte {
	text, _ := json.Marshal(cellrpc.BrowserSpec{Spec: spec})
	return text
}
