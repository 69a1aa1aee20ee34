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

	"hotcell/internal/browser"
	"hotcell/test/acme"
	"hotcell/test/acme/portal"
)

// desk is the company with its portal, a server, and an agent elsewhere whose job
// has a browser.
type desk struct {
	*firm
	t       testing.TB
	session *mcp.ClientSession

	mu sync.Mutex
	// heard is every byte that the agent got.
	heard strings.Builder
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
	if browser.Program() == "" {
		t.Skip("there is no chromium-headless-shell on this machine: scripts/install.sh brings it")
	}
	d := &desk{firm: openAcme(t, ""), t: t}
	port := servicePort(d.firm)
	for _, site := range []string{"portal", "sso"} {
		r := d.RunWith(d.PortalPassword+"\n", "logins", "create", d.Base(site), "--username", "ada", "--name", site, "--password-file", "-")
		if r.Code != 0 || !strings.Contains(r.Err, "created the login") {
			t.Fatalf("%+v", r)
		}
		if r := d.RunWith(acme.PortalSecret+"\n", "logins", "set", site, "--otp-file", "-"); r.Code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	work := []string{"assignments", "create", "books", "--command", "true"}
	for _, site := range portal.Sites {
		work = append(work, "--allow", site+".acme.test:"+port)
	}
	other, _ := url.Parse(d.Base("port"))
	d.OK(append(work, "--allow", other.Host)...)
	d.OK(append([]string{"assignments", "attach", "books", "portal"}, attach...)...)
	d.OK(append([]string{"assignments", "attach", "books", "sso"}, attach...)...)
	d.agent()
	return d
}

// agent begins an external job and connects its agent.
func (d *desk) agent() {
	d.t.Helper()
	var made struct{ Token, URL string }
	if err := json.Unmarshal([]byte(d.OK("jobs", "create", "books", "--external", "-o", "json")), &made); err != nil {
		d.t.Fatal(err)
	}
	by := &http.Client{Transport: carrier{&http.Transport{}, made.Token}}
	s, err := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil).Connect(d.t.Context(), &mcp.StreamableClientTransport{Endpoint: made.URL, HTTPClient: by, MaxRetries: -1}, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.session = s
	d.t.Cleanup(func() { _ = s.Close() })
}

// call calls a tool, and remembers what came back.
func (d *desk) call(tool string, pairs ...any) (string, bool) {
	d.t.Helper()
	in := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		in[pairs[i].(string)] = pairs[i+1]
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), 90*time.Second)
	defer cancel()
	r, err := d.session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: in})
	if err != nil {
		d.t.Fatalf("%s: %v", tool, err)
	}
	var text strings.Builder
	for _, c := range r.Content {
		if one, ok := c.(*mcp.TextContent); ok {
			text.WriteString(one.Text)
		}
	}
	d.mu.Lock()
	d.heard.WriteString(told(r))
	d.mu.Unlock()
	return text.String(), !r.IsError
}

// searched fails where the password is in what the agent got, or at a site that is
// not its own.
func (d *desk) searched(name string) {
	d.t.Helper()
	d.mu.Lock()
	heard := d.heard.String()
	d.heard.Reset()
	d.mu.Unlock()
	if form := portal.Holds(heard, d.PortalPassword); form != "" {
		d.t.Errorf("%s: the agent got the password, %s", name, form)
	}
	for _, request := range d.Portal.Arrived(portal.Foreign()...) {
		if form := portal.Holds(request, d.PortalPassword); form != "" {
			d.t.Errorf("%s: an attacker got the password, %s:\n%s", name, form, request)
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

func TestFillModeIsForSitesThatCompute(t *testing.T) {
	t.Parallel()
	d := openDesk(t, "--fill")
	d.OK("assignments", "detach", "books", "sso")
	d.agent()
	for _, path := range []string{"/hash", "/login-code", "/boxes"} {
		d.Portal.Rest()
		if text, ok := d.call("browser_sign_in", "url", d.Base("portal")+path); !ok || !strings.Contains(text, "Welcome, Ada") {
			t.Errorf("%s: %s", path, text)
		}
		d.call("browser_snapshot")
		d.searched(path)
	}
	// A redirect that would carry the body elsewhere does not leave.
	for _, path := range []string{"/hostile/redirect-307", "/hostile/action-elsewhere", "/hostile/redirect-307-port", "/hostile/get-form-elsewhere", "/hostile/action-sub-domain"} {
		if text, ok := d.call("browser_sign_in", "url", d.Base("portal")+path); ok {
			t.Errorf("%s: signed in: %s", path, text)
		}
		d.searched(path)
	}
	// What the page shows of it, no agent gets.
	for _, path := range []string{"/hostile/title", "/hostile/console", "/hostile/attribute", "/hostile/echo-page", "/hostile/turned", "/hostile/storage"} {
		d.Portal.Rest()
		d.call("browser_sign_in", "url", d.Base("portal")+path)
		for _, tool := range []string{"browser_snapshot", "browser_console_messages", "browser_network_requests", "browser_tabs"} {
			d.call(tool, "action", "list")
		}
		d.mu.Lock()
		if form := portal.Holds(d.heard.String(), d.PortalPassword); form != "" {
			t.Errorf("%s: the agent got the password, %s", path, form)
		}
		d.heard.Reset()
		d.mu.Unlock()
	}
}

func TestNoPageGetsThePassword(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	attacks := d.Portal.Attacks()
	if len(attacks) < 40 {
		t.Fatalf("there are %d attacks", len(attacks))
	}
	signed := 0
	for _, a := range attacks {
		d.Portal.Rest()
		text, ok := d.call("browser_sign_in", "url", d.Base(a.Site)+a.Path, "wait", false)
		if ok && !a.Served {
			t.Errorf("%s: signed in there: %s", a.Name, text)
		}
		if ok {
			signed++
		}
		// What a page kept, it may show later.
		for range 2 {
			if text, _ := d.call("browser_snapshot"); strings.Contains(text, "A dialog is open") {
				d.call("browser_handle_dialog", "accept", true)
			}
		}
		d.call("browser_console_messages")
		d.call("browser_network_requests", "includeStatic", true)
		d.call("browser_tabs", "action", "list")
		d.searched(a.Name)
		d.call("browser_navigate", "url", d.Base("portal")+"/nothing")
		d.searched(a.Name + ", after it")
	}
	if signed < 10 {
		t.Errorf("only %d of %d attacks got as far as a sign-in: the others show little", signed, len(attacks))
	}
	t.Logf("%d attacks, %d of them on a sign-in that went through", len(attacks), signed)
	d.Canaries(d.PortalPassword, acme.PortalSecret)
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
	if d.Portal.Uploads["invoice-2026-11.pdf"] != portal.Invoice {
		t.Errorf("the archive has %q", d.Portal.Uploads)
	}
}

// refOf is the ref of the first line of a snapshot that says something.
func refOf(t testing.TB, snapshot, text string) string {
	t.Helper()
	for line := range strings.Lines(snapshot) {
		if _, after, found := strings.Cut(line, "[ref="); found && strings.Contains(line, text) {
			id, _, _ := strings.Cut(after, "]")
			return id
		}
	}
	t.Fatalf("nothing says %q in\n%s", text, snapshot)
	return ""
}
