package test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hotcell"
	"hotcell/internal/cell/browser"
	"hotcell/test/acme"
)

// visitor is a person's browser.
func visitor(t *testing.T) context.Context {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(browser.Program()))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // a person's browser is no root's
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	allocator, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	page, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	return page
}

// TestAPersonAnswersInABrowser is the whole way of a password: typed into the page
// of a link, sealed there, opened by the vault, put into one sign-in.
func TestAPersonAnswersInABrowser(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	d.OK("assignments", "detach", "books", "portal")
	d.OK("logins", "delete", "--yes", "portal")
	d.agent()
	said := make(chan string, 1)
	go func() {
		text, _ := d.call("browser_sign_in", "url", d.Base("portal")+"/login-code", "why", "<b>to fetch</b> the invoice")
		said <- text
	}()
	var list []hotcell.Request
	eventually(t, "a login is asked for", func() bool {
		return json.Unmarshal([]byte(d.OK("requests", "list", "-o", "json")), &list) == nil && len(list) == 1
	})
	if shown := d.OK("requests", "list"); !strings.Contains(shown, "a login for portal.acme.test:") {
		t.Errorf("it is listed as\n%s", shown)
	}
	link := d.OK("requests", "link", string(list[0].ID))
	page := visitor(t)
	if err := chromedp.Do(page, chromedp.Navigate(link), chromedp.Click(chromedp.CSS("button")), chromedp.WaitVisible(chromedp.CSS("#said.bad"))); err != nil {
		t.Fatal(err)
	}
	text, err := chromedp.Run(page, chromedp.Text(chromedp.CSS("main")))
	if err != nil || !strings.Contains(text, "<b>to fetch</b> the invoice") || !strings.Contains(text, "portal.acme.test:") || !strings.Contains(text, "books") {
		t.Errorf("the page says %s, %v", text, err)
	}
	if picture := os.Getenv("HOTCELL_TEST_PICTURE"); picture != "" {
		png, err := chromedp.Run(page, chromedp.FullScreenshot(100))
		if err != nil || os.WriteFile(picture, png, 0o600) != nil {
			t.Error(err)
		}
	}
	err = chromedp.Do(page, chromedp.SendKeys(chromedp.CSS("#username"), "ada"), chromedp.SendKeys(chromedp.CSS("#password"), d.PortalPassword),
		chromedp.SendKeys(chromedp.CSS("#otp"), acme.PortalSecret), chromedp.Click(chromedp.CSS("button")), chromedp.WaitVisible(chromedp.CSS("#said.good")))
	if err != nil {
		t.Fatal(err)
	}
	if text := <-said; !strings.Contains(text, "signed_in") {
		t.Error(text)
	}
	if err := chromedp.Do(page, chromedp.Navigate(link)); err != nil {
		t.Fatal(err)
	}
	if text, err := chromedp.Run(page, chromedp.Text(chromedp.CSS("main"))); err != nil || !strings.Contains(text, "it is over") {
		t.Errorf("the link leads on: %s, %v", text, err)
	}
	d.searched("a login that was given in a browser")
	d.Canaries(d.PortalPassword, acme.PortalSecret)
}
