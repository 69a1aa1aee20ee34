package test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/test/acme"
	"hotcell/test/acme/portal"
)

// shards is how many desks the attacks are tried at, at once: most of the time pages
// are waited for.
const shards = 3

// TestNoPageGetsThePassword tries a third of the attacks on each run of the tests, others
// each time, and all where claims are shown at their full figures.
func TestNoPageGetsThePassword(t *testing.T) {
	t.Parallel()
	sampled := some(3)
	for shard := range shards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			d := openDesk(t)
			attacks := d.Portal.Attacks()
			if len(attacks) < 100 {
				t.Fatalf("there are %d attacks", len(attacks))
			}
			for i, a := range attacks {
				if i%shards != shard || !sampled(a.Name) {
					continue
				}
				began := time.Now()
				d.attacked(a)
				t.Logf("%s took %s", a.Name, time.Since(began).Round(time.Millisecond))
			}
			d.seesWhatIsPainted()
			d.Canaries(d.PortalPassword, acme.PortalSecret)
		})
	}
}

// seesWhatIsPainted fails where what a page paints cannot be read in a picture.
func (d *desk) seesWhatIsPainted() {
	d.t.Helper()
	d.call("browser_navigate", "url", d.Base("portal")+"/painting")
	for range 20 { // a page may be loaded and not painted yet
		if d.call("browser_take_screenshot"); d.painted == portal.Painting {
			return
		}
	}
	d.t.Errorf("of no picture could be read what a page paints, the last has %q", d.painted)
}

// attacked signs in on a hostile page, looks at all that can be looked at after, and
// judges what arrived.
func (d *desk) attacked(a portal.Attack) {
	d.t.Helper()
	d.Portal.Rest()
	d.Portal.Arrived(portal.Own...)
	text, ok := d.call("browser_sign_in", "url", d.Base(a.Site)+a.Path, "wait", a.Site == "portal")
	says := func(begin string) bool { return strings.HasPrefix(text, begin) }
	if !slices.ContainsFunc(strings.Split(a.Says, "|"), says) || ok != says("signed_in") {
		d.t.Errorf("%s: sign-in says %q, and should say %q", a.Name, text, a.Says)
	}
	d.looked()
	d.searched(a.Name)
	d.arrived(a)
	d.call("browser_navigate", "url", d.Base("portal")+"/nothing")
	d.searched(a.Name + ", after it")
}

// looked has the agent look in all the ways that it has: what a page kept, it may show
// later.
func (d *desk) looked() {
	d.read()
	d.call("browser_take_screenshot")
}

func (d *desk) read() {
	for range 4 {
		if text, _ := d.call("browser_snapshot"); !strings.Contains(text, "A dialog is open") {
			break
		}
		d.call("browser_handle_dialog", "accept", true)
	}
	d.call("browser_console_messages")
	d.call("browser_network_requests", "includeStatic", true)
	d.call("browser_tabs", "action", "list")
}

// arrived judges what came to the sites that the login is for: the password once, in
// one request's body, where the attack is one that must bring it there, and never
// else.
func (d *desk) arrived(a portal.Attack) {
	d.t.Helper()
	got := 0
	for _, r := range d.Portal.Arrived(portal.Own...) {
		if form := d.holds(r.URL+"\n"+r.Head, d.PortalPassword); form != "" {
			d.t.Errorf("%s: the password came in an address or a header, %s:\n%s", a.Name, form, r)
		}
		if d.holds(r.Body, d.PortalPassword) == "" {
			continue
		}
		got++
		if r.Method != http.MethodPost && r.Method != http.MethodPut {
			d.t.Errorf("%s: the password came by %s:\n%s", a.Name, r.Method, r)
		}
		if n := portal.Count(r.Body, d.PortalPassword); n != 1 {
			d.t.Errorf("%s: the password came %d times in one body:\n%s", a.Name, n, r)
		}
	}
	if got > 1 || a.Gets == portal.Once && got == 0 || a.Gets == portal.Never && got == 1 {
		d.t.Errorf("%s: %d requests had the password", a.Name, got)
	}
}

// A page of the login's own site does not say where the password goes.
func TestOnlyTheLearnedRequestHasThePassword(t *testing.T) {
	t.Parallel()
	d := openAlone(t)
	for path := range portal.Elsewhere {
		d.Portal.Rest()
		d.Portal.Arrived(portal.Own...)
		if text, ok := d.call("browser_sign_in", "url", d.Base("portal")+path, "wait", false); ok {
			t.Errorf("%s: %s", path, text)
		}
		d.arrived(portal.Attack{Name: path, Gets: portal.Never})
		d.searched(path)
	}
	if text, ok := d.call("browser_sign_in", "url", d.Base("portal")+"/login", "wait", false); !ok {
		t.Errorf("the page that was learned: %s", text)
	}
}
