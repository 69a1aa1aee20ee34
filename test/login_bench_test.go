package test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hotcell/internal/browser"
)

// BenchmarkSignIn is a tab that is opened on a sign-in page and signed in, by an
// agent's two calls over MCP; and bare chromedp doing the same, with the password in
// its hand. The browser runs in both.
func BenchmarkSignIn(b *testing.B) {
	d := openDesk(b)
	d.call("browser_snapshot") // the browser is there
	var ours, bare []float64
	page := d.Base("portal") + "/login"
	other := bareBrowser(b)
	for b.Loop() {
		began := time.Now()
		d.call("browser_tabs", "action", "new", "url", page)
		text, ok := d.call("browser_sign_in")
		ours = append(ours, float64(time.Since(began).Microseconds())/1000)
		if !ok || !strings.Contains(text, "Welcome, Ada") {
			b.Fatal(text)
		}
		d.call("browser_close")
		began = time.Now()
		signInBare(other, b, page, d.PortalPassword)
		bare = append(bare, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(ours)
	slices.Sort(bare)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours[len(ours)/2], "p50-ms")
	b.ReportMetric(ours[len(ours)*99/100], "p99-ms")
	b.ReportMetric(bare[len(bare)/2], "bare-p50-ms")
}

// bareBrowser is a Chromium without a cell, a gateway or a vault.
func bareBrowser(b *testing.B) context.Context {
	b.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(browser.Program()), chromedp.NoSandbox,
		chromedp.Flag("host-resolver-rules", "MAP *.acme.test 127.0.0.1"), chromedp.Flag("ignore-certificate-errors", true))
	allocator, stop := chromedp.NewExecAllocator(b.Context(), options...)
	b.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	b.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		b.Fatal(err)
	}
	return ctx
}

func signInBare(on context.Context, b *testing.B, page, password string) {
	b.Helper()
	ctx, cancel := chromedp.NewContext(on, chromedp.WithNewBrowserContext())
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(page), chromedp.SendKeys(chromedp.CSS("[name=user]"), "ada"), chromedp.SendKeys(chromedp.CSS("#p"), password), chromedp.Click(chromedp.CSS("button")), chromedp.WaitVisible(chromedp.CSS("a[href='/invoice.pdf']"))); err != nil {
		b.Fatal(err)
	}
}
