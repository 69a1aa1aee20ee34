package demo

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/browser"
	"hotcell/internal/sensitive"
	"hotcell/test/acme"
	"hotcell/test/acme/portal"
)

// website shows tier 2: an agent's browser that signs in to a portal with a
// one-time code, fetches an invoice and files it elsewhere; and pages that want
// the password.
func (s *show) website(ctx context.Context) error {
	s.title("Logins: a browser that signs in, and a password that nobody has")
	if browser.Program() == "" {
		s.say("  --   there is no Chromium on this machine: apt-get install chromium-headless-shell")
		return nil
	}
	site := s.company.Base("portal")
	password, code := sensitive.New([]byte(s.company.PortalPassword)), sensitive.New([]byte(acme.PortalSecret))
	made, err := s.client.CreateLogin(ctx, client.LoginDraft{Site: site, Username: "ada", Name: "portal", Password: password, OTP: code})
	if err != nil {
		return err
	}
	s.check(made.Login.Password && made.Login.OTP, "ada saves her login of "+made.Login.Host+": user name, password, one-time codes")
	files, err := s.client.PutFiles(ctx, errand())
	if err != nil {
		return err
	}
	u, err := url.Parse(site)
	if err != nil {
		return fmt.Errorf("reading the portal's address: %w", err)
	}
	port, _ := strconv.Atoi(u.Port())
	work := hotcell.Work{Command: fmt.Sprintf("python3 errand.py %s %s", site, s.company.Base("attacker")), Files: &files}
	// The worst case: the attacker can be reached.
	for _, name := range portal.Sites {
		work.Allow = append(work.Allow, hotcell.Allow{Host: portal.Host(name), Port: port, Protocol: hotcell.ProtocolHTTPS})
	}
	assignment, err := s.client.CreateAssignment(ctx, "invoices", work)
	if err != nil {
		return err
	}
	if _, err := s.client.Attach(ctx, assignment.ID, made.ID, hotcell.InjectLogin); err != nil {
		return err
	}
	log, j, err := s.runOf(ctx, assignment.ID)
	if err != nil {
		return err
	}
	work1, tried, _ := strings.Cut(log, "and now what it may not:")
	s.quote(work1)
	s.check(j.State == hotcell.JobSucceeded && strings.Contains(work1, "signed_in: signed in as ada"), "the browser signs in, with a code made in the vault ("+string(j.State)+j.Reason+")")
	s.check(strings.Contains(work1, "['invoice-2026-11.pdf']"), "it downloads the invoice to /job/out")
	s.check(s.company.Portal.Uploads["invoice-2026-11.pdf"] == portal.Invoice, "it files it in the archive")
	s.say("  and pages that want the password:")
	for part := range strings.SplitSeq(tried, "TRIED ") {
		if what, got, found := strings.Cut(part, ":"); found {
			s.check(portal.Holds(got, s.company.PortalPassword) == "", what+": nothing")
		}
	}
	arrived := s.company.Portal.Arrived(portal.Foreign()...)
	s.check(portal.Holds(fmt.Sprint(arrived), s.company.PortalPassword) == "", fmt.Sprintf("what the attacker got: %d requests, no password", len(arrived)))
	s.clean("the agent's log", log)
	return nil
}

// errand is the folder of the agent's work.
func errand() io.Reader {
	var out bytes.Buffer
	text, _ := files.ReadFile("files/errand.py")
	w := tar.NewWriter(&out)
	_ = w.WriteHeader(&tar.Header{Name: "errand.py", Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg})
	_, _ = w.Write(text)
	_ = w.Close()
	return &out
}
