package test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell"
	"hotcell/internal/cell/browser"
	"hotcell/test/acme"
	"hotcell/test/acme/portal"
)

// desk is the company with its portal, a server, and an agent elsewhere whose job
// has a browser.
type desk struct {
	*firm
	*judge
	t       testing.TB
	session *mcp.ClientSession
	// job is the agent's.
	job hotcell.JobID

	mu sync.Mutex
	// heard is every byte that the agent got, with what was painted for it.
	heard strings.Builder
	// painted is what could be read in the last picture.
	painted string
}

// port is where the company's services are.
func servicePort(a *firm) string {
	u, _ := url.Parse(a.Base("portal"))
	return u.Port()
}

// openDesk makes a login of the portal, attached to an assignment that may reach
// all of its sites, hostile ones too.
func openDesk(t testing.TB, attach ...string) *desk {
	t.Helper()
	d := openAlone(t, attach...)
	agrees(t, d.firm)
	return d
}

// openAlone is the same where no person says yes to anything but the ways in that are
// known from the logins' own addresses.
func openAlone(t testing.TB, attach ...string) *desk {
	t.Helper()
	if browser.Program() == "" {
		t.Skip("there is no chromium-headless-shell on this machine: scripts/install.sh brings it")
	}
	d := &desk{firm: openAcme(t, ""), t: t, judge: startJudge(t)}
	port := servicePort(d.firm)
	for _, site := range []string{"portal", "sso"} {
		r := d.RunWith(d.PortalPassword+"\n", "logins", "create", d.Base(site)+starts[site], "--username", "ada", "--name", site, "--password-file", "-")
		if r.Code != 0 || !strings.Contains(r.Err, "created the login") {
			t.Fatalf("%+v", r)
		}
		if r := d.RunWith(acme.PortalSecret+"\n", "logins", "set", site, "--otp-file", "-"); r.Code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	work := []string{"assignments", "create", "books", "--command", "true"}
	for _, site := range portal.Sites {
		work = append(work, "--allow", portal.Host(site)+":"+port)
	}
	other, _ := url.Parse(d.Base("port"))
	plain, _ := url.Parse(d.Base("plain"))
	d.OK(append(work, "--allow", other.Host, "--allow", plain.Host+"/tcp")...)
	d.OK(append([]string{"assignments", "attach", "books", "portal"}, attach...)...)
	d.OK(append([]string{"assignments", "attach", "books", "sso"}, attach...)...)
	d.agent()
	test := []string{"logins", "test", "portal", "sso", "--yes"}
	if slices.Contains(attach, "--fill") {
		test = append(test, "--fill")
	}
	d.OK(test...)
	return d
}

// starts are the pages that the logins of sites begin on.
var starts = map[string]string{"portal": "/login", "sso": "/authorize"}

// agrees has a person say yes to whatever way in a job asks about: what is safe then
// is safe with any. A login for a site that is not the portal, as after a page has gone
// there, they refuse.
func agrees(t testing.TB, d *firm) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			asked, _ := d.Client.Requests(ctx, hotcell.RequestPending, "") // none while the server starts
			for _, q := range asked {
				elsewhere := q.Kind == hotcell.RequestLogin && q.Allow.Host != "portal.acme.test"
				if q.Kind == hotcell.RequestWay || elsewhere {
					_, _ = d.Client.DecideRequest(ctx, q.ID, !elsewhere, false, "")
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
}

// agent begins an external job and connects its agent.
func (d *desk) agent() {
	d.t.Helper()
	var made struct {
		ID         hotcell.JobID
		Token, URL string
	}
	if err := json.Unmarshal([]byte(d.OK("jobs", "create", "books", "--external", "-o", "json")), &made); err != nil {
		d.t.Fatal(err)
	}
	by := &http.Client{Transport: carrier{&http.Transport{}, made.Token}}
	s, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil).Connect(d.t.Context(), &mcp.StreamableClientTransport{Endpoint: made.URL, HTTPClient: by, MaxRetries: -1}, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.session, d.job = s, made.ID
	d.t.Cleanup(func() { _ = s.Close() })
}

// call calls a tool, and remembers what came back.
func (d *desk) call(tool string, pairs ...any) (string, bool) {
	d.t.Helper()
	in := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		in[pairs[i].(string)] = pairs[i+1]
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), 3*time.Minute)
	defer cancel()
	r, err := d.session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: in})
	if err != nil {
		d.t.Fatalf("%s: %v", tool, err)
	}
	var text, heard strings.Builder
	for _, c := range r.Content {
		switch one := c.(type) {
		case *mcp.TextContent:
			text.WriteString(one.Text)
			heard.WriteString(one.Text + "\n")
		case *mcp.ImageContent:
			d.painted = d.judge.judge(portal.Case{Picture: one.Data}).Painted
			heard.WriteString(d.painted + "\n")
		default:
			d.t.Errorf("%s: an answer with a %T", tool, c)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard.WriteString(heard.String())
	return text.String(), !r.IsError
}

// searched fails where the password, or what a site gave the browser to be known by,
// is in what the agent got, or at a stranger's.
func (d *desk) searched(name string) {
	d.t.Helper()
	d.mu.Lock()
	heard := d.heard.String()
	d.heard.Reset()
	d.mu.Unlock()
	values := append(d.Portal.Issued(), d.PortalPassword, d.Portal.ArchivePassword)
	if form := d.holds(heard, values...); form != "" {
		d.t.Errorf("%s: the agent got a password, or what a site knows the browser by, %s:\n%s", name, form, heard)
	}
	d.foreign(name)
}

// foreign fails where one of them is at a site that is not its own.
func (d *desk) foreign(name string) {
	d.t.Helper()
	for _, request := range d.Portal.Arrived(portal.Foreign()...) {
		if form := d.holds(request.String(), d.PortalPassword); form != "" {
			d.t.Errorf("%s: an attacker got the password, %s:\n%s", name, form, request)
		}
		if request.Site == "plain" {
			d.t.Errorf("%s: something went out without TLS:\n%s", name, request)
		}
		// A site may have its own sibling know who is signed in.
		if strings.HasSuffix(portal.Host(request.Site), ".acme.test") {
			continue
		}
		if form := d.holds(request.String(), d.Portal.Issued()...); form != "" {
			d.t.Errorf("%s: an attacker got a session, %s:\n%s", name, form, request)
		}
	}
}

func TestSignsInToEveryHonestPage(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for _, name := range slices.Sorted(maps.Keys(portal.Honest)) {
		d.Portal.Rest()
		began := time.Now()
		// Of a page that leads to another host, that host's login is the one.
		text, ok := d.call("browser_navigate", "url", d.Base("portal")+portal.Honest[name])
		if !ok {
			t.Errorf("%s: %s", name, text)
			continue
		}
		if text, ok = d.call("browser_sign_in"); !ok || !strings.Contains(text, "signed_in") || !strings.Contains(text, "Welcome, Ada") {
			t.Errorf("%s (%s): %s", name, time.Since(began), text)
		}
		d.call("browser_console_messages")
		d.call("browser_network_requests", "includeStatic", true)
		d.call("browser_take_screenshot")
		d.searched(name)
	}
	d.Canaries(d.PortalPassword, acme.PortalSecret)
}

func TestWhatASiteIsKnownByStaysWithIt(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for _, a := range portal.After {
		d.Portal.Rest()
		d.call("browser_navigate", "url", d.Base("portal")+a.Path)
		if text, ok := d.call("browser_sign_in"); !ok {
			t.Errorf("%s: %s", a.Name, text)
			continue
		}
		text, ok := d.call("browser_navigate", "url", d.Base(a.Site)+a.Next)
		if ok && !strings.Contains(text, a.Says) {
			text, ok = d.call("browser_wait_for", "text", a.Says, "time", 5)
		}
		if !ok || !strings.Contains(text, a.Says) {
			t.Errorf("%s: %s", a.Name, text)
		}
		d.looked()
		d.searched(a.Name)
	}
}

func TestASiteThatTakesNoMoreTries(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	if r := d.RunWith("not the password\n", "logins", "set", "portal", "--password-file", "-"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	d.agent()
	for n, want := range []string{"wrong_credentials", "wrong_credentials", "wrong_credentials", "rate_limited", "rate_limited"} {
		if text, ok := d.call("browser_sign_in", "url", d.Base("portal")+"/limit"); ok || !strings.HasPrefix(text, want) {
			t.Errorf("try %d: %s", n+1, text)
		}
	}
}

func TestSaysWhyASignInEnded(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for path, want := range portal.Broken {
		d.Portal.Rest()
		if text, ok := d.call("browser_sign_in", "url", d.Base("portal")+path); ok || !strings.Contains(text, want) {
			t.Errorf("%s: %s", path, text)
		}
		d.searched(path)
	}
	if r := d.RunWith("not the password\n", "logins", "set", "portal", "--password-file", "-"); r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	d.agent() // a job has the values of its start
	if text, ok := d.call("browser_sign_in", "url", d.Base("portal")+"/login"); ok || !strings.Contains(text, "wrong_credentials") {
		t.Errorf("a wrong password: %s", text)
	}
}

func TestAFileGoesFromOneSiteToAnother(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	if text, ok := d.call("browser_sign_in", "url", d.Base("portal")+"/login-code"); !ok {
		t.Fatal(text)
	}
	text, _ := d.call("browser_snapshot")
	if text, ok := d.call("browser_click", "ref", refOf(t, text, "Invoice INV")); !ok || !strings.Contains(text, "invoice-2026-11.pdf") {
		t.Fatalf("%s", text)
	}
	d.call("browser_navigate", "url", d.Base("portal")+"/archive")
	if text, ok := d.call("browser_file_upload", "paths", []string{"invoice-2026-11.pdf"}); !ok {
		t.Fatal(text)
	}
	text, _ = d.call("browser_snapshot")
	if text, ok := d.call("browser_click", "ref", refOf(t, text, "Upload")); !ok || !strings.Contains(text, "Filed invoice-2026-11.pdf") {
		t.Error(text)
	}
	if d.Portal.Upload("invoice-2026-11.pdf") != portal.Invoice {
		t.Errorf("the archive has %q", d.Portal.Upload("invoice-2026-11.pdf"))
	}
}

// refOf is the ref of the first line of a snapshot that says something.
func refOf(t testing.TB, snapshot, text string) string {
	t.Helper()
	ref := found(snapshot, text)
	if ref == "" {
		t.Fatalf("nothing says %q in\n%s", text, snapshot)
	}
	return ref
}
