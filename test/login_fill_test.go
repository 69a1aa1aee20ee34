package test

import (
	"context"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"hotcell/test/acme"
	"hotcell/test/acme/portal"
)

// openFill is a desk whose browser may have the password of the portal.
func openFill(t *testing.T) *desk {
	t.Helper()
	d := openDesk(t, "--fill")
	d.OK("assignments", "detach", "books", "sso")
	d.agent()
	return d
}

func TestFillModeIsForSitesThatCompute(t *testing.T) {
	t.Parallel()
	d := openFill(t)
	for _, path := range []string{"/hash", "/login-code", "/boxes"} {
		d.Portal.Rest()
		if text, ok := d.call("browser_sign_in", "url", d.Base("portal")+path); !ok || !strings.Contains(text, "Welcome, Ada") {
			t.Errorf("%s: %s", path, text)
		}
		d.looked()
		d.searched(path)
	}
	// What would carry the body elsewhere does not leave.
	for _, name := range []string{
		"redirect-307", "redirect-308", "redirect-307-port", "redirect-307-http", "action-elsewhere", "action-http", "action-sub-domain", "action-parent-domain", "action-changed",
		"action-changed-to-port", "action-changed-to-http", "get-form-elsewhere", "formaction-of-a-hidden-button", "formaction-of-a-picture", "gone-when-typed",
	} {
		d.call("browser_sign_in", "url", d.Base("portal")+"/hostile/"+name)
		d.searched(name)
	}
	d.Canaries(d.PortalPassword, acme.PortalSecret)
}

func TestWhatAPageKeepsInFillModeNoAgentGets(t *testing.T) {
	t.Parallel()
	d := openFill(t)
	for _, path := range d.Portal.InFillMode() {
		d.Portal.Rest()
		d.call("browser_sign_in", "url", d.Base("portal")+path)
		d.grasped()
		d.searched(path)
		d.call("browser_navigate", "url", d.Base("portal")+"/nothing")
	}
}

// grasped has the agent do what hands can do on the page as it is.
func (d *desk) grasped() {
	d.read()
	page, _ := d.call("browser_snapshot")
	if ref := found(page, `"Show"`); ref != "" {
		d.call("browser_click", "ref", ref)
		d.read()
		page, _ = d.call("browser_snapshot")
	}
	secret, plain := found(page, `"Password"`), found(page, `"Note"`)
	if plain == "" {
		plain = found(page, `"User name"`)
	}
	if secret == "" || plain == "" {
		return
	}
	for _, key := range []string{"c", "x"} {
		d.call("browser_click", "ref", secret)
		d.call("browser_press_key", "key", "Control+a")
		d.call("browser_press_key", "key", "Control+"+key)
		d.call("browser_click", "ref", plain)
		d.call("browser_press_key", "key", "Control+v")
		d.read()
	}
	d.call("browser_drag", "startRef", secret, "endRef", plain)
	d.call("browser_click", "ref", secret, "doubleClick", true)
	d.call("browser_drag", "startRef", secret, "endRef", plain)
	d.read()
}

// found is the ref of what a snapshot names, or "".
func found(snapshot, name string) string {
	for line := range strings.Lines(snapshot) {
		if _, after, found := strings.Cut(line, "[ref="); found && strings.Contains(line, name) {
			id, _, _ := strings.Cut(after, "]")
			return id
		}
	}
	return ""
}

func TestACallThatIsGivenUpLeavesNothing(t *testing.T) {
	t.Parallel()
	d := openFill(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = d.session.CallTool(ctx, &mcp.CallToolParams{Name: "browser_sign_in", Arguments: map[string]any{"url": d.Base("portal") + portal.Slow}})
	}()
	eventually(t, "the form is sent", func() bool {
		for _, r := range d.Portal.Arrived("portal") {
			if r.URL == "/hostile/slow" {
				return true
			}
		}
		return false
	})
	cancel()
	<-ended
	d.grasped()
	d.searched("a call that is given up")
}

func TestTheAgentsHandsGetNoPassword(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	for _, name := range []string{"never", "copies", "drag", "paste", "turned"} {
		d.Portal.Rest()
		d.call("browser_sign_in", "url", d.Base("portal")+"/hostile/"+name)
		d.grasped()
		d.searched(name)
	}
	// An attacker's window leads the portal's page away while it is filled in.
	for _, wait := range []string{"100", "500", "1500"} {
		d.Portal.Rest()
		d.Portal.Arrived("portal")
		d.end()
		d.agent()
		d.call("browser_navigate", "url", d.Base("attacker")+"/window")
		page, _ := d.call("browser_snapshot")
		if text, ok := d.call("browser_click", "ref", refOf(t, page, "Open the portal")); !ok {
			t.Fatal(text)
		}
		d.call("browser_tabs", "action", "select", "index", 0)
		page, _ = d.call("browser_snapshot")
		d.call("browser_click", "ref", refOf(t, page, "Wait "+wait))
		if text, ok := d.call("browser_tabs", "action", "select", "index", 1); !ok {
			t.Errorf("no window was opened: %s", text)
		}
		d.call("browser_sign_in", "wait", false)
		d.looked()
		d.searched("an attacker's window, " + wait)
		d.arrived(portal.Attack{Name: "an attacker's window, " + wait, Gets: portal.Perhaps})
	}
}
