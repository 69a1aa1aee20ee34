package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/jpeg"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"hotcell"
	api "hotcell/client"
	"hotcell/internal/cell/browser"
	"hotcell/test/acme"
	"hotcell/test/acme/portal"
)

// errand is what an agent in a cell does with its browser: by a message at a time,
// as anybody can who speaks HTTP.
const errand = `import json, os, sys, urllib.request
def call(tool, **arguments):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}).encode()
    request = urllib.request.Request(os.environ["HOTCELL_MCP_URL"], body, {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"})
    text = urllib.request.urlopen(request).read().decode()
    result = json.loads(text[text.index("{"):])["result"]
    print(tool, "failed" if result.get("isError") else "ok", result["content"][0]["text"].split("\n")[0][:200])
    return result["content"][0]["text"]
def ref(snapshot, words):
    return [l.split("[ref=")[1].split("]")[0] for l in snapshot.splitlines() if words in l and "[ref=" in l][0]
page = call("browser_sign_in", url=sys.argv[1] + "/login-code")
call("browser_click", ref=ref(page, "Invoice"))
print("files", os.listdir("/job/out"))
open("/job/report.txt", "w").write("a report of the job's own")
call("browser_navigate", url=sys.argv[1] + "/archive")
call("browser_file_upload", paths=["/job/report.txt"])
page = call("browser_click", ref=ref(call("browser_snapshot"), "Upload"))
print("filed", "Filed report.txt" in page)
os.symlink("/etc/passwd", "/job/link")
for bad in ["/etc/passwd", "/proc/1/environ", "/job/../etc/passwd", "/job/link", "/job"]:
    call("browser_file_upload", paths=[bad])
`

// signsIn is the beginning of the errand.
func signsIn() string {
	before, _, _ := strings.Cut(errand, "call(\"browser_click\"")
	return before
}

func TestAJobInACellHasABrowser(t *testing.T) {
	t.Parallel()
	if browser.Program() == "" {
		t.Skip("there is no chromium-headless-shell on this machine: scripts/install.sh brings it")
	}
	a := openAcme(t, "")
	agrees(t, a)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "errand.py"), []byte(errand), 0o600); err != nil {
		t.Fatal(err)
	}
	a.OK("logins", "create", a.Base("portal")+"/login", "--username", "ada", "--name", "portal", "--password-file", file(t, "p", a.PortalPassword), "--otp-file", file(t, "o", acme.PortalSecret))
	a.OK("assignments", "create", "books", "--command", "python3 errand.py "+a.Base("portal"), "--files", folder)
	a.OK("assignments", "attach", "books", "portal")
	r := a.Server.Run("run", "books")
	for _, want := range []string{"browser_sign_in ok signed_in", "browser_click ok", "files ['invoice-2026-11.pdf']", "filed True"} {
		if !strings.Contains(r.Out, want) {
			t.Errorf("the job does not say %q", want)
		}
	}
	if strings.Count(r.Out, "browser_file_upload failed") != 5 || r.Code != 0 {
		t.Errorf("what may not be uploaded:\n%s%s", r.Out, r.Err)
	}
	if a.Portal.Upload("report.txt") != "a report of the job's own" {
		t.Errorf("the archive has %q", a.Portal.Upload("report.txt"))
	}
	var jobs []hotcell.Job
	if err := json.Unmarshal([]byte(a.OK("jobs", "list", "-o", "json")), &jobs); err != nil || len(jobs) != 1 {
		t.Fatalf("%v, %v", jobs, err)
	}
	out := t.TempDir()
	a.OK("jobs", "out", string(jobs[0].ID), "-d", out)
	if text, err := os.ReadFile(filepath.Join(out, "invoice-2026-11.pdf")); err != nil || string(text) != portal.Invoice {
		t.Errorf("the output has %q, %v", text, err)
	}
	log := a.OK("audit", "list", "--job", string(jobs[0].ID))
	for _, kind := range []string{"browser.start", "browser.call", "login.use"} {
		if !strings.Contains(log, kind) {
			t.Errorf("the audit log has no %s:\n%s", kind, log)
		}
	}
	a.Canaries(a.PortalPassword, acme.PortalSecret)
}

func TestAPersonAnswersARequestForALogin(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	d.OK("assignments", "detach", "books", "portal")
	d.agent()
	said := make(chan string, 1)
	go func() {
		text, _ := d.call("browser_sign_in", "url", d.Base("portal")+"/login", "why", "to fetch the invoice")
		said <- text
	}()
	var id string
	eventually(t, "a login is asked for", func() bool {
		var list []hotcell.Request
		if json.Unmarshal([]byte(d.OK("requests", "list", "-o", "json")), &list) != nil || len(list) == 0 {
			return false
		}
		id = string(list[0].ID)
		return list[0].Kind == hotcell.RequestLogin && list[0].State == hotcell.RequestPending
	})
	if shown := d.OK("requests", "show", id); !strings.Contains(shown, "a login for portal.acme.test:") || !strings.Contains(shown, "to fetch the invoice") || !strings.Contains(shown, "--login") {
		t.Errorf("it is shown as\n%s", shown)
	}
	d.OK("requests", "approve", id, "--login", "portal", "--standing")
	if text := <-said; !strings.Contains(text, "signed_in") {
		t.Error(text)
	}
	if shown := d.OK("assignments", "show", "books"); !strings.Contains(shown, "portal") {
		t.Errorf("the assignment is\n%s", shown)
	}
	d.searched("a login that was asked for")
}

// TestBrowsersLeaveNothing looks after each job for what its cells were made of: all of
// their processes (bubblewrap, the first process inside, Chromium's many) are in control
// groups of the job's name and below the server, and have uids of the job's.
func TestBrowsersLeaveNothing(t *testing.T) { //nolint:paralleltest // whatever is left in /tmp after it is its own
	if browser.Program() == "" {
		t.Skip("there is no chromium-headless-shell on this machine: scripts/install.sh brings it")
	}
	a := openAcme(t, "")
	agrees(t, a)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "errand.py"), []byte(strings.Replace(signsIn(), "/login-code", "/login", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	a.OK("logins", "create", a.Base("portal")+"/login", "--username", "ada", "--name", "portal", "--password-file", file(t, "p", a.PortalPassword), "--otp-file", file(t, "o", acme.PortalSecret))
	a.OK("assignments", "create", "books", "--command", "python3 errand.py "+a.Base("portal"), "--files", folder)
	a.OK("assignments", "attach", "books", "portal")
	server := a.Server.PID()
	parts := below(running(t), server)
	before := traces{below: len(parts), files: shared(t), data: filesIn(t, a.Data)}
	for n := range 20 {
		a.Portal.Rest()
		id := a.OK("run", "books", "--detach")
		seen := map[string]bool{}
		uids := map[int]bool{}
		eventually(t, "the job ends", func() bool {
			for _, p := range below(running(t), server) {
				// One that the worker has just forked is still of the worker's uid.
				if strings.Contains(p.groups, id+"-browser") {
					seen[p.name] = true
					uids[p.uid] = !slices.ContainsFunc(parts, func(part process) bool { return part.uid == p.uid })
				}
			}
			return job(t, a.Server, id).State.Final()
		})
		if r := a.Server.Run("jobs", "logs", id); !strings.Contains(r.Out, "signed_in") {
			t.Fatalf("job %d: %+v", n+1, r)
		}
		if n == 0 && (len(seen) < 2 || !strings.Contains(strings.Join(slices.Collect(maps.Keys(seen)), " "), "chrom")) {
			t.Fatalf("of its browser's processes were seen %v: what is left could not be", seen)
		}
		before.gone(t, a, id, uids)
		if t.Failed() {
			t.Fatalf("after job %d", n+1)
		}
	}
}

// traces are what there is without a job.
type traces struct {
	below       int
	files, data []string
}

// gone fails where a job has left something.
func (b *traces) gone(t *testing.T, a *firm, id string, uids map[int]bool) {
	t.Helper()
	var left []process
	defer func() {
		if t.Failed() {
			t.Logf("of the job are left %+v", left)
		}
	}()
	eventually(t, "no process of the job is left", func() bool {
		all := running(t)
		left = within(all, id)
		for _, p := range below(all, a.Server.PID()) {
			// A server that is not root's has one uid for all.
			if uids[p.uid] && p.uid != os.Getuid() {
				left = append(left, p)
			}
		}
		return len(left) == 0 && len(below(all, a.Server.PID())) <= b.below
	})
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/*/*" + id + "*")
	more, _ := filepath.Glob("/sys/fs/cgroup/*/*" + id + "*")
	if groups = append(groups, more...); len(groups) > 0 {
		t.Errorf("control groups are left: %v", groups)
	}
	for _, name := range shared(t) {
		if !slices.Contains(b.files, name) && mine(name, uids) {
			t.Errorf("a file is left: %s", name)
		}
	}
	for _, name := range filesIn(t, a.Data) {
		if !slices.Contains(b.data, name) && strings.Contains(name, "profile") {
			t.Errorf("a file is left: %s", name)
		}
	}
}

// shared are the files where all programs leave theirs.
func shared(t *testing.T) []string { return append(filesIn(t, "/tmp"), filesIn(t, "/dev/shm")...) }

// filesIn are the names in a folder.
func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, filepath.Join(dir, e.Name()))
	}
	return names
}

// mine says whether a file is a browser's: by its name, or by whose it is.
func mine(name string, uids map[int]bool) bool {
	info, err := os.Lstat(name)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	owned := ok && stat.Uid != uint32(os.Getuid()) && uids[int(stat.Uid)]
	base := strings.ToLower(filepath.Base(name))
	return owned || strings.Contains(base, "chrom") && !strings.Contains(base, "chromedp")
}

// A job without a login has a browser only where its assignment says so.
func TestABrowserWithoutALogin(t *testing.T) {
	t.Parallel()
	if browser.Program() == "" {
		t.Skip("there is no chromium-headless-shell on this machine: scripts/install.sh brings it")
	}
	d := &desk{firm: openAcme(t, ""), t: t, judge: startJudge(t)}
	work := []string{"--command", "true", "--allow", portal.Host("portal") + ":" + servicePort(d.firm)}
	d.OK(append([]string{"assignments", "create", "plain"}, work...)...)
	if r := d.Run("jobs", "create", "plain", "--external"); r.Code == 0 || !strings.Contains(r.Err, "--browser") {
		t.Errorf("an agent outside without any tool: %+v", r)
	}
	d.OK(append([]string{"assignments", "create", "books", "--browser"}, work...)...)
	d.agent()
	if text, ok := d.call("browser_navigate", "url", d.Base("portal")+"/login"); !ok || !strings.Contains(text, "Password") {
		t.Errorf("the page is %s", text)
	}
	if text, ok := d.call("browser_navigate", "url", d.Base("attacker")+"/"); ok {
		t.Errorf("another host: %s", text)
	}
	d.searched("a browser without a login")
}

func TestAPersonLooksAndTakesOver(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	if text, ok := d.call("browser_navigate", "url", d.Base("portal")+"/login"); !ok {
		t.Fatal(text)
	}
	id, by := d.job, d.Client
	for _, g := range []api.Gesture{{Kind: "click", X: 1, Y: 1}, {Kind: "give"}} {
		if err := by.Hand(t.Context(), id, g); (err == nil) != (g.Kind == "give") {
			t.Errorf("%s before it is taken: %v", g.Kind, err)
		}
	}
	frame := func() (f api.Frame) {
		enough := errors.New("enough")
		if err := by.Browser(t.Context(), id, func(one api.Frame) error { f = one; return enough }); !errors.Is(err, enough) {
			t.Fatal(err)
		}
		return f
	}
	first := frame()
	shown, err := jpeg.Decode(bytes.NewReader(first.Picture))
	if err != nil || shown.Bounds().Dx() < 1000 || !strings.Contains(first.URL, "/login") || first.Held {
		t.Fatalf("the first frame: %d bytes, %+v, %v", len(first.Picture), first.URL, err)
	}
	// What a person types into a field for a password is painted over, and nowhere else.
	const typed = "what-a-person-types-77"
	for _, g := range []api.Gesture{{Kind: "take"}, {Kind: "navigate", Text: d.Base("portal") + "/captcha"}} {
		if err := by.Hand(t.Context(), id, g); err != nil {
			t.Fatalf("%s: %v", g.Kind, err)
		}
	}
	eventually(t, "the view shows where the person went, and where their keys go", func() bool {
		f := frame()
		return f.Held && strings.Contains(f.URL, "/captcha") && f.Keys == f.Origin && f.Keys != ""
	})
	if err := by.Hand(t.Context(), id, api.Gesture{Kind: "type", Text: typed, Keys: "https://elsewhere.test"}); err == nil {
		t.Error("what was meant for another site is typed")
	}
	for _, g := range []api.Gesture{{Kind: "press", Text: "Tab"}, {Kind: "press", Text: "Tab"}, {Kind: "type", Text: typed}, {Kind: "give"}} {
		if err := by.Hand(t.Context(), id, g); err != nil {
			t.Fatalf("%s: %v", g.Kind, err)
		}
	}
	text, _ := d.call("browser_snapshot")
	if strings.Contains(text, typed) || !strings.Contains(text, "a field for a secret") {
		t.Errorf("the agent sees\n%s", text)
	}
	log := d.OK("audit", "list", "--job", string(id))
	for _, kind := range []string{"browser.view", "browser.take", "browser.give"} {
		if !strings.Contains(log, kind) {
			t.Errorf("the audit log has no %s", kind)
		}
	}
	d.Canaries(typed)
}
