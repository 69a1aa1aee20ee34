package demo

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cell/browser"
	"hotcell/internal/value/sensitive"
	"hotcell/test/acme"
	"hotcell/test/acme/portal"
)

// noChromium is what is said where there is none.
const noChromium = "  --   there is no Chromium on this machine, so %s: scripts/install.sh brings it (apt-get install chromium-headless-shell)"

// website shows tier 2: an agent's browser that signs in to a portal with a
// one-time code, fetches an invoice and files it at another site; and pages that want
// the password.
func (s *show) website(ctx context.Context) error {
	s.title("Logins: a browser that signs in, and a password that nobody has")
	if browser.Program() == "" {
		s.say(noChromium, "this part is skipped, and shows nothing")
		return nil
	}
	c := s.company
	tries := passwordTries(c)
	files, err := s.client.PutFiles(ctx, errand(tries))
	if err != nil {
		return err
	}
	work := hotcell.Work{Command: fmt.Sprintf("python3 errand.py %s %s", c.Base("portal"), c.Base("archive")), Files: &files}
	// The worst case: the attackers can be reached.
	for _, site := range append(portal.Foreign(), portal.Own...) {
		u, err := url.Parse(c.Base(site))
		if err != nil {
			return fmt.Errorf("reading a site's address: %w", err)
		}
		if port, _ := strconv.Atoi(u.Port()); u.Scheme == "https" {
			work.Allow = append(work.Allow, hotcell.Allow{Host: u.Hostname(), Port: port, Protocol: hotcell.ProtocolHTTPS})
		}
	}
	assignment, err := s.client.CreateAssignment(ctx, "invoices", work)
	if err != nil {
		return err
	}
	for _, l := range []struct{ site, password, otp string }{{"portal", c.PortalPassword, acme.PortalSecret}, {"archive", c.Portal.ArchivePassword, ""}} {
		draft := client.LoginDraft{Site: c.Base(l.site) + "/login", Username: "ada", Name: l.site, Password: sensitive.New([]byte(l.password))}
		if l.otp != "" {
			draft.OTP = sensitive.New([]byte(l.otp))
		}
		made, err := s.client.CreateLogin(ctx, draft)
		if err != nil {
			return err
		}
		s.check(made.Login.Password && made.Login.OTP == (l.otp != ""), "ada saves her login of "+made.Login.Host)
		if _, err := s.client.Attach(ctx, assignment.ID, made.ID, hotcell.InjectLogin); err != nil {
			return err
		}
	}
	yes := s.saysYes(ctx)
	log, j, err := s.runOf(ctx, assignment.ID)
	agreed := yes()
	if err != nil {
		return err
	}
	s.check(len(agreed) > 2, fmt.Sprintf("ada was asked %d times by which request a login is sent, and said yes even to those of the hostile pages: the first was %s", len(agreed), strings.Join(agreed[:min(1, len(agreed))], "")))
	s.websiteJudged(log, j, tries)
	return nil
}

// saysYes has ada say yes to every way in that a job asks about, until what it returns
// is called, which says what they were.
func (s *show) saysYes(ctx context.Context) (stop func() []string) {
	ctx, cancel := context.WithCancel(ctx)
	said := make(chan []string, 1)
	go func() {
		var all []string
		for ctx.Err() == nil {
			asked, _ := s.client.Requests(ctx, hotcell.RequestPending, "")
			for _, q := range asked {
				if q.Way == nil {
					continue
				}
				if _, err := s.client.DecideRequest(ctx, q.ID, true, false, ""); err == nil {
					all = append(all, q.Way.Step.Method+" https://"+q.Allow.Host+q.Way.Step.Path+" with the password in "+strconv.Quote(q.Way.Step.Password))
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(lookTime):
			}
		}
		said <- all
	}()
	return func() []string { cancel(); return <-said }
}

// lookTime is how often ada looks whether she is asked.
const lookTime = 50 * time.Millisecond

// websiteJudged looks at what came of it.
func (s *show) websiteJudged(log string, j hotcell.Job, tries []browserTry) {
	c := s.company
	meant, tried, _ := strings.Cut(log, "and now what it may not:")
	s.quote(meant)
	s.check(j.State == hotcell.JobSucceeded && strings.Contains(meant, "sign in: signed_in: signed in as ada"), "the browser signs in, with a code made in the vault ("+string(j.State)+j.Reason+")")
	s.check(strings.Contains(meant, "['invoice-2026-11.pdf']"), "it downloads the invoice to /job/out")
	s.check(strings.Contains(meant, "archive: signed_in: signed in as ada") && c.Portal.Upload("invoice-2026-11.pdf") == portal.Invoice, "it signs in to the archive, another site with another password, and files it there")
	s.say("  and then it wants the password:")
	all := []try{{"its own hands, by copying the field", "Password"}}
	for _, t := range tries {
		all = append(all, t.try)
	}
	s.tried(tried, all)
	s.check(len(all) >= 10, fmt.Sprintf("it tried %d ways", len(all)))
	arrived := c.Portal.Arrived(portal.Foreign()...)
	s.check(len(arrived) > 10, fmt.Sprintf("its attackers were asked %d times, so they could be reached", len(arrived)))
	in, once := portal.Judging(c.PortalPassword, c.Portal.ArchivePassword, acme.PortalSecret), 0
	s.check(in.Find(fmt.Sprint(arrived)) == "", "no password in what they got")
	sessions := portal.Judging(c.Portal.Issued()...)
	for _, r := range arrived {
		// Cookies know no ports, and may be for a whole domain: that is the site's own matter.
		if !strings.HasSuffix(portal.Host(r.Site), ".acme.test") && sessions.Find(r.String()) != "" {
			s.leaked++
			s.check(false, "a session was sent to "+r.Site)
		}
	}
	for _, r := range c.Portal.Arrived("portal") {
		if form := in.Find(r.URL + r.Head); form != "" {
			s.leaked++
			s.check(false, "the password is in an address or a header, "+form)
		}
		if r.Body != "" && in.Find(r.Body) != "" {
			once++
		}
	}
	s.check(once >= 5, fmt.Sprintf("the portal itself got it in the body of %d requests, one a sign-in, and in no address and no header", once))
	s.clean("the agent's log", log)
}

// browserTry is one call of a tool.
type browserTry struct {
	try
	tool      string
	arguments map[string]any
}

// passwordTries are what the agent tries with its browser.
func passwordTries(c *acme.Company) (out []browserTry) {
	for _, t := range []struct{ what, site, path, says string }{
		{"a page that sends away what is typed", "portal", "/hostile/script-input", "signed_in"},
		{"a page that turns the field to text", "portal", "/hostile/turned", "signed_in"},
		{"a page that keeps it in its storage", "portal", "/hostile/storage", "signed_in"},
		{"a form that sends elsewhere", "portal", "/hostile/action-elsewhere", "unknown_form"},
		{"a redirect that carries the body elsewhere", "portal", "/hostile/redirect-307", ""},
		{"a site that repeats the password", "portal", "/hostile/echo-page", "signed_in"},
		{"a site that repeats it in base64", "portal", "/hostile/echo-base64", "signed_in"},
		{"a page that sends it in a header, too", "portal", "/hostile/header-basic", "signed_in"},
		{"a page that writes it to its console", "portal", "/hostile/console", "signed_in"},
		{"a service worker that reads it", "portal", "/hostile/worker", "signed_in"},
		{"a site that looks alike", "xn--prtal-jye", "/login", "no login of this job is for"},
		{"the attacker's own site", "attacker", "/login", "no login of this job is for"},
		{"another port of the same host", "port", "/login", "no login of this job is for"},
	} {
		out = append(out, browserTry{try{t.what, t.says}, "browser_sign_in", map[string]any{"url": c.Base(t.site) + t.path, "wait": t.site == "portal"}})
	}
	return append(out,
		browserTry{try{"scripts of its own in the page", "ERROR"}, "browser_evaluate", map[string]any{"function": "() => document.cookie"}},
		browserTry{try{"the browser's own files", "ERROR"}, "browser_navigate", map[string]any{"url": "file:///proc/self/environ"}},
		browserTry{try{"the browser's own pages", "ERROR"}, "browser_navigate", map[string]any{"url": "chrome://settings/passwords"}},
	)
}

// errand is the folder of the agent's work.
func errand(tries []browserTry) io.Reader {
	type call struct {
		What      string         `json:"what"`
		Tool      string         `json:"tool"`
		Arguments map[string]any `json:"arguments"`
	}
	var calls []call
	for _, t := range tries {
		calls = append(calls, call{t.what, t.tool, t.arguments})
	}
	list, _ := json.Marshal(calls)
	program, _ := files.ReadFile("files/errand.py")
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, text := range map[string][]byte{"errand.py": program, "tries.json": list} {
		_ = w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg})
		_, _ = w.Write(text)
	}
	_ = w.Close()
	return &out
}
