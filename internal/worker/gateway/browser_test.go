package gateway_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/guard"
	"hotcell/internal/worker/gateway"
)

// browsers stand for cells with browsers: each has its line to the gateway, and
// answers what it is asked.
type browsers struct {
	folder string
	calls  []string

	mu   sync.Mutex
	line string
	kill func()
	n    int
}

func (b *browsers) Tools(evaluate bool) []vaultrpc.Tool {
	out := []vaultrpc.Tool{{Name: "browser_snapshot", Input: json.RawMessage(`{"type":"object"}`)}}
	if evaluate {
		out = append(out, vaultrpc.Tool{Name: "browser_evaluate", Input: json.RawMessage(`{"type":"object"}`)})
	}
	return out
}

func (b *browsers) Start(_ context.Context, _ hotcell.Job, serve func(net.Listener)) (*gateway.Browser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	b.line = filepath.Join(b.folder, fmt.Sprint("browser", b.n))
	theirs, err := net.Listen("unix", b.line)
	if err != nil {
		return nil, err
	}
	own := b.line + "-calls"
	ours, err := net.Listen("unix", own)
	if err != nil {
		return nil, err
	}
	go serve(theirs)
	go func() {
		_ = http.Serve(ours, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var call cellrpc.Call
			_ = json.NewDecoder(r.Body).Decode(&call)
			b.mu.Lock()
			b.calls = append(b.calls, call.Tool)
			b.mu.Unlock()
			_ = json.NewEncoder(w).Encode(cellrpc.CallAnswer{Text: "done"})
		}))
	}()
	ended, once := make(chan struct{}), sync.Once{}
	b.kill = func() { once.Do(func() { _ = ours.Close(); _ = theirs.Close(); close(ended) }) }
	return &gateway.Browser{
		Dial: func(ctx context.Context) (net.Conn, error) { return (&net.Dialer{}).DialContext(ctx, "unix", own) },
		Kill: b.kill, Ended: ended, Why: func() string { return "" },
	}, nil
}

// desk is a job whose browser runs, before a site that answers with what it got.
type desk struct {
	*site
	t     *testing.T
	rooms *browsers
	agent *mcp.ClientSession
}

func openDesk(t *testing.T, uses ...hotcell.Use) *desk {
	t.Helper()
	d := &desk{t: t, rooms: &browsers{folder: t.TempDir()}}
	d.site = openSiteWith(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == "moved" {
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
		_, _ = fmt.Fprintf(w, "%s %s", r.Host, body)
	}, func(w *world, c *gateway.Config) {
		w.allow = append(w.allow, hotcell.Allow{Host: "www.example.com", Port: 443, Protocol: hotcell.ProtocolHTTPS}, hotcell.Allow{Host: "other.test", Port: 443, Protocol: hotcell.ProtocolHTTPS})
		w.token = []byte("t")
		c.Browsers, c.Job.Work.Browser = d.rooms, true
	}, uses...)
	d.agent = d.world.agent(t, nil)
	d.browse()
	return d
}

// browse has the browser do something: it is started where there is none.
func (d *desk) browse() {
	d.t.Helper()
	if out, err := d.agent.CallTool(d.t.Context(), &mcp.CallToolParams{Name: "browser_snapshot"}); err != nil || out.IsError {
		d.t.Fatalf("%+v, %v", out, err)
	}
}

// tell is what the browser's cell says to its gateway.
func (d *desk) tell(method, path string, body io.Reader) (int, string) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, "http://gateway"+path, body)
	must(d.t, err)
	d.rooms.mu.Lock()
	line := d.rooms.line
	d.rooms.mu.Unlock()
	by := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", line)
	}}}
	answer, err := by.Do(r)
	must(d.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

// session tells of what a site gave.
func (d *desk) session(host string, values ...string) {
	d.t.Helper()
	b := guard.NewBuilder()
	for _, value := range values {
		must(d.t, b.Add(guard.Label{ID: "session", Name: "session of " + host}, []byte(value)))
	}
	prints, err := b.Fingerprints().MarshalBinary()
	must(d.t, err)
	body, _ := json.Marshal(cellrpc.Session{Origin: cellrpc.Origin{Host: host, Port: 443}, Prints: prints})
	if status, text := d.tell("POST", cellrpc.PathSession, bytes.NewReader(body)); status != http.StatusNoContent {
		d.t.Fatalf("%d %s", status, text)
	}
}

// send sends a request to a host, by the browser or by the job's own cell.
func (d *desk) send(browser bool, host, body string, headers ...string) (int, string) {
	d.t.Helper()
	line := d.line
	if browser {
		d.rooms.mu.Lock()
		line = d.rooms.line
		d.rooms.mu.Unlock()
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{ServerName: host, RootCAs: d.roots}}
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return tunnel(line, host+":443")
	}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, "https://"+host+"/", strings.NewReader(body))
	must(d.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := (&http.Client{Transport: transport}).Do(r)
	must(d.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tunnel opens a connection out on a line.
func tunnel(line, target string) (net.Conn, error) {
	c, err := net.Dial("unix", line)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target); err != nil {
		return nil, err
	}
	head := make([]byte, len("HTTP/1.1 200 OK\r\n\r\n"))
	if _, err := io.ReadFull(c, head); err != nil || !strings.Contains(string(head), " 200 ") {
		return nil, fmt.Errorf("it is not let out: %s %w", head, err)
	}
	return c, nil
}

func TestASessionGoesToItsOwnSiteOnly(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	const ours, theirs, later = "jwt-4f8a0c12e97b31d5", "jwt-99aa77bb55cc33dd", "jwt-00ff11ee22dd33cc"
	d.session("www.example.com", ours)
	d.session("other.test", theirs)
	for _, c := range []struct {
		browser     bool
		host, value string
		fails       bool
	}{
		{true, "example.com", ours, false}, {true, "www.example.com", ours, false}, {true, "example.com", theirs, true}, {true, "www.example.com", theirs, true},
		{false, "example.com", ours, true}, {false, "www.example.com", ours, false}, {false, "example.com", theirs, true},
	} {
		for where, send := range map[string]func(string) (int, string){
			"cookie": func(v string) (int, string) { return d.send(c.browser, c.host, "x", "Cookie", "sid="+v) },
			"bearer": func(v string) (int, string) { return d.send(c.browser, c.host, "x", "Authorization", "Bearer "+v) },
			"body":   func(v string) (int, string) { return d.send(c.browser, c.host, `{"token":"`+v+`"}`) },
		} {
			status, text := send(c.value)
			if (status == http.StatusForbidden) != c.fails {
				t.Errorf("%+v, %s: %d %s", c, where, status, text)
			}
			if c.fails && (!strings.Contains(text, "a value of session of ") || !strings.Contains(text, c.host)) {
				t.Errorf("%+v, %s: it is not said what is refused and why: %s", c, where, text)
			}
		}
	}
	// What a browser before this one was given is still good there.
	d.rooms.kill()
	d.browse()
	d.session("other.test", later)
	for _, value := range []string{theirs, later} {
		if status, _ := d.send(true, "example.com", value); status != http.StatusForbidden {
			t.Errorf("%s leaves for another site", value)
		}
	}
}

func TestADownloadIsGuarded(t *testing.T) {
	t.Parallel()
	d := openDesk(t, hotcell.Use{Attachment: "att_a", Credential: "log_a", As: hotcell.InjectLogin, Name: "portal", Login: &hotcell.Login{Host: "example.com", Port: 443}})
	const session = "jwt-4f8a0c12e97b31d5"
	d.session("example.com", session)
	came := make(chan string, 1)
	go func() {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gateway"+cellrpc.PathErrand, nil)
		answer, err := d.lined().Do(r)
		if err != nil {
			came <- err.Error()
			return
		}
		head := answer.Header.Get(cellrpc.HeaderErrand)
		content, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		var e cellrpc.Errand
		_ = json.Unmarshal([]byte(head), &e)
		said, _ := json.Marshal(cellrpc.ErrandDone{ID: e.ID, Path: "/job/out/" + e.Path})
		back, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gateway"+cellrpc.PathErrand, nil)
		back.Header.Set(cellrpc.HeaderErrand, string(said))
		if answer, err := d.lined().Do(back); err == nil {
			_ = answer.Body.Close()
		}
		came <- e.Path + "\n" + string(content)
	}()
	status, text := d.tell("PUT", cellrpc.PathFile+"?name="+payload+"-"+session+".txt", strings.NewReader("a "+payload+" b "+session+" c"))
	got := <-came
	if status != http.StatusOK || !strings.Contains(got, "a [hotcell:") {
		t.Fatalf("%d %s %s", status, text, got)
	}
	for _, value := range []string{payload, session} {
		if strings.Contains(got+text, value) {
			t.Errorf("%s is in %s, %s", value, got, text)
		}
	}
}

// TestNoScriptRunsOnceALoginForbidsIt: the browser was started when it might.
func TestNoScriptRunsOnceALoginForbidsIt(t *testing.T) {
	t.Parallel()
	use := func(id string, narrowing hotcell.Narrowing) hotcell.Use {
		return hotcell.Use{Attachment: hotcell.AttachmentID("att_" + id), Credential: hotcell.CredentialID("log_" + id), As: hotcell.InjectLogin, Name: id, Login: &hotcell.Login{Host: "example.com", Port: 443}, Narrowing: narrowing}
	}
	d := openDesk(t, use("a", hotcell.Narrowing{Evaluate: true}))
	run := func() bool {
		out, err := d.agent.CallTool(t.Context(), &mcp.CallToolParams{Name: "browser_evaluate"})
		return err == nil && !out.IsError
	}
	if !run() {
		t.Fatal("a script that may run does not")
	}
	d.world.mu.Lock()
	d.uses, d.newer, d.count = append(d.uses, use("b", hotcell.Narrowing{})), []string{payload}, 1
	d.world.mu.Unlock()
	must(t, d.gateway.Widened(t.Context()))
	if run() {
		t.Error("a script runs")
	}
	if d.rooms.calls[len(d.rooms.calls)-1] != "browser_evaluate" || strings.Count(strings.Join(d.rooms.calls, " "), "evaluate") != 1 {
		t.Errorf("the browser was asked for %v", d.rooms.calls)
	}
}

// arm has the browser's cell arm stand-ins.
func (d *desk) arm(r cellrpc.ArmRequest) {
	d.t.Helper()
	body, _ := json.Marshal(r)
	if status, text := d.tell("POST", cellrpc.PathArm, bytes.NewReader(body)); status != http.StatusOK {
		d.t.Fatalf("%d %s", status, text)
	}
}

func portal() hotcell.Use {
	return hotcell.Use{Attachment: "att_a", Credential: "log_a", As: hotcell.InjectLogin, Name: "portal", Login: &hotcell.Login{Host: "example.com", Port: 443}, Narrowing: hotcell.Narrowing{Fill: true}}
}

// TestAStandInIsForOneRequest: a second one with it goes as it is.
func TestAStandInIsForOneRequest(t *testing.T) {
	t.Parallel()
	d := openDesk(t, portal())
	const word, kind = "Hc7_standinstandin01", "application/x-www-form-urlencoded"
	d.world.steps = []hotcell.WayStep{{Method: "POST", Path: "/", Kind: kind, Password: "p"}, {Method: "POST", Path: "/", Kind: kind, Code: []string{"a", "b", "c", "d", "e", "f"}}}
	d.arm(cellrpc.ArmRequest{Use: "att_a", Origin: cellrpc.Origin{Host: "example.com", Port: 443}, Password: word, Code: "918273"})
	for i, c := range []struct{ host, body, want string }{
		{"www.example.com", "p=" + word, "www.example.com p=" + word},
		{"example.com", "p=1", "example.com p=1"},
		{"example.com", "p=" + word, "by the vault"},
		{"example.com", "p=" + word, "example.com p=" + word},
		{"example.com", "a=9&b=1&c=8&d=2&e=7&f=3", "by the vault"},
		{"example.com", "code=918273", "example.com code=918273"},
	} {
		if status, text := d.send(true, c.host, c.body, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"); status != http.StatusOK || text != c.want {
			t.Errorf("%d: %d %s", i, status, text)
		}
	}
	// Another request with it is kept back, and the right one goes after it.
	d.arm(cellrpc.ArmRequest{Use: "att_a", Origin: cellrpc.Origin{Host: "example.com", Port: 443}, Password: word})
	for _, body := range []string{"q=" + word, "p=" + word + "&action=comment", "p=" + word + "x", "p=" + word + "&p=" + word} {
		if status, text := d.send(true, "example.com", body, "Content-Type", kind, "Sec-Fetch-Site", "same-origin"); status != http.StatusForbidden || !strings.Contains(text, "kept back") {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	if _, text := d.send(true, "example.com", "p="+word, "Content-Type", kind, "Sec-Fetch-Site", "same-origin"); text != "by the vault" {
		t.Errorf("the one: %s", text)
	}
	d.arm(cellrpc.ArmRequest{Use: "att_a", Origin: cellrpc.Origin{Host: "example.com", Port: 443}, Password: word, Learn: true})
	if status, text := d.send(true, "example.com", "p="+word, "Content-Type", kind, "Sec-Fetch-Site", "same-origin"); status != http.StatusForbidden {
		t.Errorf("while it is learned: %s", text)
	}
	if _, text := d.send(false, "example.com", "p="+word); text != "example.com p="+word {
		t.Errorf("of the job's own cell: %s", text)
	}
}

// TestBodiesStayAtHomeWhileAFormIsFilledIn: in whatever form a value is in them.
func TestBodiesStayAtHomeWhileAFormIsFilledIn(t *testing.T) {
	t.Parallel()
	d := openDesk(t, portal())
	fill := func() {
		body, _ := json.Marshal(cellrpc.FillRequest{Use: "att_a", Origin: cellrpc.Origin{Host: "example.com", Port: 443}, Password: true})
		if status, text := d.tell("POST", cellrpc.PathFill, bytes.NewReader(body)); status != http.StatusOK {
			t.Fatalf("%d %s", status, text)
		}
	}
	elsewhere := func() int {
		status, _ := d.send(true, "www.example.com", "hash=of-it")
		return status
	}
	fill()
	if elsewhere() != http.StatusForbidden {
		t.Error("a body leaves for another site")
	}
	if status, _ := d.send(false, "www.example.com", "x"); status != http.StatusOK {
		t.Error("the job's own cell may not send")
	}
	d.send(true, "example.com", "beacon", "Sec-Fetch-Dest", "empty")
	if elsewhere() != http.StatusForbidden {
		t.Error("a body leaves for another site after a script has sent something")
	}
	d.send(true, "example.com", "moved", "Sec-Fetch-Dest", "document")
	if elsewhere() != http.StatusForbidden {
		t.Error("a body leaves for another site to which the page sends the browser")
	}
	d.send(true, "example.com", "hash=of-it", "Sec-Fetch-Dest", "document")
	if elsewhere() != http.StatusOK {
		t.Error("once the page has gone on, nothing may leave")
	}
	fill()
	if status, _ := d.tell("POST", cellrpc.PathFilled, strings.NewReader(`{"host":"example.com","port":443}`)); status != http.StatusNoContent || elsewhere() != http.StatusOK {
		t.Error("once the form is empty, nothing may leave")
	}
}

// TestACodeOfALaterPage: one that was sent is looked for in what follows.
func TestACodeOfALaterPage(t *testing.T) {
	t.Parallel()
	d := openDesk(t, portal())
	b := guard.NewBuilder()
	must(t, b.Add(guard.Label{ID: "log_a", Name: "portal"}, []byte("314159")))
	prints, err := b.Fingerprints().MarshalBinary()
	must(t, err)
	d.world.mu.Lock()
	d.world.forward = func() *http.Response {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{vaultrpc.HeaderSpent: {base64.StdEncoding.EncodeToString(prints)}}, Body: io.NopCloser(strings.NewReader("ok"))}
	}
	d.world.mu.Unlock()
	d.world.steps = []hotcell.WayStep{{Method: "POST", Path: "/", Kind: "application/x-www-form-urlencoded", Code: []string{"code"}}}
	d.arm(cellrpc.ArmRequest{Use: "att_a", Origin: cellrpc.Origin{Host: "example.com", Port: 443}, Code: "918273"})
	if _, text := d.send(true, "example.com", "code=918273", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"); text != "ok" {
		t.Fatal(text)
	}
	if _, text := d.send(true, "www.example.com", "your code 314159"); strings.Contains(text, "314159") {
		t.Error(text)
	}
	if _, text := d.send(false, "www.example.com", "a number 314159"); !strings.Contains(text, "314159") {
		t.Errorf("what the job's cell gets is touched: %s", text)
	}
}
