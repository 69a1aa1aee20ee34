package test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hotcell/internal/cell/browser"
)

// samples is how often each is done in one run.
const samples = 7

// BenchmarkSignIn is a sign-in in a browser context that has seen nothing, by an
// agent's one call over MCP; and bare chromedp doing the same, with the password in its
// hand. Both have a fresh browser each time, which is there before: p50 is from its
// empty tab to the page behind the sign-in. From-nothing is with the browser's start,
// and memory is what its processes take then.
func BenchmarkSignIn(b *testing.B) {
	d := openDesk(b)
	d.end()
	page := d.Base("portal") + "/login"
	var ours, bare figures
	for b.Loop() {
		for range samples {
			ours.add(d.signIn(b, page))
			bare.add(signInBare(b, page, d.PortalPassword))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(ours.signed), "p50-ms")
	b.ReportMetric(slices.Max(ours.signed), "max-ms")
	b.ReportMetric(middle(bare.signed), "bare-p50-ms")
	b.ReportMetric(middle(ours.whole), "from-nothing-p50-ms")
	b.ReportMetric(middle(bare.whole), "bare-from-nothing-p50-ms")
	b.ReportMetric(middle(ours.memory), "memory-MiB")
	b.ReportMetric(middle(bare.memory), "bare-memory-MiB")
}

// figure is of one sign-in: in milliseconds, and in MiB.
type figure struct{ signed, whole, memory float64 }

type figures struct{ signed, whole, memory []float64 }

func (f *figures) add(one figure) {
	f.signed, f.whole, f.memory = append(f.signed, one.signed), append(f.whole, one.whole), append(f.memory, one.memory)
}

func middle(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

func since(t time.Time) float64 { return float64(time.Since(t).Microseconds()) / 1000 }

// signIn is one job's.
func (d *desk) signIn(b *testing.B, page string) (f figure) {
	b.Helper()
	d.agent()
	defer d.end()
	began := time.Now()
	if text, ok := d.call("browser_tabs", "action", "new"); !ok {
		b.Fatal(text)
	}
	empty := time.Now()
	text, ok := d.call("browser_sign_in", "url", page)
	f.signed, f.whole = since(empty), since(began)
	if !ok || !strings.Contains(text, "Welcome, Ada") {
		b.Fatal(text)
	}
	f.memory = memory(b, within(running(b), string(d.job)+"-browser"))
	return f
}

// end ends the agent's job, with its browser.
func (d *desk) end() {
	d.t.Helper()
	_ = d.session.Close()
	d.OK("jobs", "cancel", string(d.job))
	for range 600 {
		if len(within(running(d.t), string(d.job)+"-browser")) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	d.t.Fatalf("the browser of %s does not end", d.job)
}

// signInBare is the same in a Chromium without a cell, a gateway or a vault.
func signInBare(b *testing.B, page, password string) (f figure) {
	b.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(browser.Program()), chromedp.NoSandbox,
		chromedp.Flag("host-resolver-rules", "MAP *.acme.test 127.0.0.1"), chromedp.Flag("ignore-certificate-errors", true))
	began := time.Now()
	allocator, stop := chromedp.NewExecAllocator(b.Context(), options...)
	defer stop()
	on, cancel := chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(on); err != nil {
		b.Fatal(err)
	}
	ctx, leave := chromedp.NewContext(on, chromedp.WithNewBrowserContext())
	defer leave()
	if err := chromedp.Do(ctx); err != nil {
		b.Fatal(err)
	}
	empty := time.Now()
	if err := chromedp.Do(ctx, chromedp.Navigate(page), chromedp.SendKeys(chromedp.CSS("[name=user]"), "ada"), chromedp.SendKeys(chromedp.CSS("#p"), password), chromedp.Click(chromedp.CSS("button")), chromedp.WaitVisible(chromedp.CSS("a[href='/invoice.pdf']"))); err != nil {
		b.Fatal(err)
	}
	f.signed, f.whole = since(empty), since(began)
	all, pid := running(b), pidOf(on)
	f.memory = memory(b, append(below(all, pid), all[pid]))
	return f
}

func pidOf(on context.Context) int { return chromedp.FromContext(on).Browser.Process().Pid }
