package browser_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hotcell/internal/cell/browser"
	"hotcell/internal/line/cellrpc"
)

// frame is what a person sees.
func (w *world) frame() (v cellrpc.View) {
	w.t.Helper()
	enough := errors.New("enough")
	for range 50 {
		if err := w.driver.View(w.t.Context(), func(one cellrpc.View) error { v = one; return enough }); !errors.Is(err, enough) {
			w.t.Fatal(err)
		}
		if v.Tab != "" {
			return v
		}
	}
	w.t.Fatal("there is nothing to see")
	return v
}

// hand does what a person does who sees the page.
func (w *world) hand(gestures ...cellrpc.Hand) {
	w.t.Helper()
	for _, g := range gestures {
		if err := w.driver.Handle(w.t.Context(), g); err != nil {
			w.t.Fatalf("%s: %v", g.Kind, err)
		}
	}
}

const typedByAPerson = "wh4t-a-person-types"

func TestWhatAPersonTypesIsNotForTheAgent(t *testing.T) {
	t.Parallel()
	mirror := `<p id=out></p><script>document.addEventListener('input', e => { const p = [...document.querySelectorAll('input')].map(i => i.value).join(''); document.title = btoa(p); out.textContent = 'it is ' + p })</script>`
	for name, c := range map[string]struct {
		html  string
		keys  []cellrpc.Hand
		value string
	}{
		"at once":        {`<input type=password autofocus>`, []cellrpc.Hand{{Kind: "type", Text: typedByAPerson}}, typedByAPerson},
		"key by key":     {`<input type=password autofocus>`, keysOf(typedByAPerson), typedByAPerson},
		"field of text":  {`<label>Passwort <input autofocus></label>`, keysOf(typedByAPerson), typedByAPerson},
		"a code":         {`<label>Verification code <input autofocus></label>`, []cellrpc.Hand{{Kind: "type", Text: "112211"}}, "112211"},
		"boxes":          {`<input maxlength=1 autofocus><input maxlength=1><input maxlength=1><input maxlength=1><script>oninput = e => e.target.nextElementSibling?.focus()</script>`, keysOf("9182"), "9182"},
		"sent by Enter":  {`<form onsubmit="const p = this.p; p.remove(); return false"><input type=password name=p autofocus></form>`, []cellrpc.Hand{{Kind: "type", Text: typedByAPerson}, {Kind: "press", Text: "Enter"}}, typedByAPerson},
		"then corrected": {`<input type=password autofocus>`, append(keysOf(typedByAPerson+"x"), cellrpc.Hand{Kind: "press", Text: "Backspace"}), typedByAPerson},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.ok("browser_navigate", "url", w.page("/", c.html+mirror))
			w.hand(cellrpc.Hand{Kind: "take"})
			w.frame()
			w.hand(c.keys...)
			w.hand(cellrpc.Hand{Kind: "give"})
			s := w.ok("browser_snapshot") + w.ok("browser_tabs", "action", "list")
			if strings.Contains(s, c.value) || !strings.Contains(s, "it is") {
				t.Errorf("%s", s)
			}
			if len(c.value) > 6 && w.told(c.value) != "127.0.0.1" {
				t.Error("the gateway does not know of it")
			}
		})
	}
}

func keysOf(text string) (out []cellrpc.Hand) {
	for _, r := range text {
		out = append(out, cellrpc.Hand{Kind: "press", Text: string(r)})
	}
	return out
}

// TestAGestureIsForThePageThatWasSeen: a page that has another come up, or goes to
// another site, gets nothing of what was meant for it.
func TestAGestureIsForThePageThatWasSeen(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.page("/evil", `<input id=e autofocus>`)
	w.ok("browser_navigate", "url", w.page("/", `<button id=b onclick="window.open('`+w.elsewhere("/evil")+`')" style="position:fixed;left:0;top:0;width:100px;height:100px">x</button>`))
	w.hand(cellrpc.Hand{Kind: "take"})
	v := w.frame()
	w.hand(cellrpc.Hand{Kind: "click", X: 50, Y: 50, Tab: v.Tab, Origin: v.Origin})
	await(t, func() bool { return len(w.frame().Tabs) == 2 })
	if now := w.frame(); now.Tab != v.Tab {
		t.Fatalf("the page that came up is what is typed into: %+v", now)
	}
	w.hand(cellrpc.Hand{Kind: "navigate", Text: w.elsewhere("/evil")})
	await(t, func() bool { return w.frame().Origin != v.Origin })
	for _, kind := range []string{"type", "press", "click", "drag", "scroll"} {
		if err := w.driver.Handle(t.Context(), cellrpc.Hand{Kind: kind, Text: "x", Tab: v.Tab, Origin: v.Origin}); err == nil || !strings.Contains(err.Error(), "another page") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	now := w.frame()
	for _, one := range now.Tabs {
		if one.ID != now.Tab {
			w.hand(cellrpc.Hand{Kind: "tab", Tab: one.ID})
		}
	}
	if chosen := w.frame(); chosen.Tab == v.Tab {
		t.Error("a tab cannot be chosen")
	}
	if err := w.driver.Handle(t.Context(), cellrpc.Hand{Kind: "type", Text: "x", Tab: now.Tab, Origin: now.Origin}); err == nil {
		t.Error("what was meant for another tab is typed")
	}
	w.hand(cellrpc.Hand{Kind: "give"})
	if s := w.ok("browser_snapshot"); strings.Contains(s, ": x") {
		t.Error(s)
	}
}

func await(t *testing.T, so func() bool) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); !so(); {
		if time.Now().After(until) {
			t.Fatal("it does not come to that")
		}
	}
}

func TestAPersonScrollsAndDrags(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.ok("browser_navigate", "url", w.page("/", `<div style="height:5000px;width:5000px"></div><script>
		let from; onmousedown = e => { from = e.clientX }; onmouseup = e => { document.title += ' dragged ' + (e.clientX - from) }
		onscroll = () => { document.title = scrollX + ',' + scrollY }</script>`))
	w.hand(cellrpc.Hand{Kind: "take"})
	w.frame()
	w.hand(cellrpc.Hand{Kind: "scroll", X: 10, Y: 10, DX: 300, DY: 900})
	await(t, func() bool { return w.frame().Title == "300,900" })
	w.hand(cellrpc.Hand{Kind: "scroll", X: 10, Y: 10, DY: -500})
	await(t, func() bool { return w.frame().Title == "300,400" })
	w.hand(cellrpc.Hand{Kind: "drag", X: 100, Y: 100, ToX: 150, ToY: 100})
	await(t, func() bool { return strings.HasSuffix(w.frame().Title, "dragged 50") })
	w.hand(cellrpc.Hand{Kind: "give"})
}

// TestAnAgentThatWaitsDoesNotKeepAPerson: it is told, and goes on after.
func TestAnAgentThatWaitsDoesNotKeepAPerson(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.ok("browser_navigate", "url", w.page("/", `<p>hello`))
	for _, wait := range []string{`{"time":120}`, `{"text":"never","time":200}`} {
		said := make(chan cellrpc.CallAnswer, 2)
		for range 2 {
			go func() {
				said <- w.driver.Call(context.WithoutCancel(t.Context()), cellrpc.Call{Tool: "browser_wait_for", Arguments: []byte(wait)})
			}()
		}
		for told := 0; told < 2; {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			if err := w.driver.Handle(ctx, cellrpc.Hand{Kind: "take"}); err != nil {
				t.Fatal(err)
			}
			cancel()
			w.frame()
			w.hand(cellrpc.Hand{Kind: "give"})
			select {
			case out := <-said:
				if told++; !out.Error || !strings.Contains(out.Text, "a person") {
					t.Errorf("%s", out.Text)
				}
			default:
			}
		}
	}
}

// TestNothingIsTypedWhereScriptsOfTheAgentRun: one of them would read it.
func TestNothingIsTypedWhereScriptsOfTheAgentRun(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *browser.Config) { c.Evaluate = true })
	w.ok("browser_navigate", "url", w.page("/", `<input type=password autofocus>`))
	w.hand(cellrpc.Hand{Kind: "take"})
	w.frame()
	w.hand(cellrpc.Hand{Kind: "type", Text: typedByAPerson}, cellrpc.Hand{Kind: "give"})
	if got := w.ok("browser_evaluate", "function", "() => document.querySelector('input').value.length"); !strings.Contains(got, "0") {
		t.Errorf("a script reads what a person typed before: %s", got)
	}
	w.hand(cellrpc.Hand{Kind: "take"})
	w.frame()
	for _, g := range []cellrpc.Hand{{Kind: "type", Text: "abc"}, {Kind: "press", Text: "a"}} {
		if err := w.driver.Handle(t.Context(), g); err == nil || !strings.Contains(err.Error(), "scripts") {
			t.Errorf("%s: %v", g.Kind, err)
		}
	}
	w.hand(cellrpc.Hand{Kind: "press", Text: "Tab"}, cellrpc.Hand{Kind: "give"})
}

func TestAPersonAnswersADialog(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.ok("browser_navigate", "url", w.page("/", `<button autofocus onclick="document.title = confirm('really?')">x</button>`))
	w.hand(cellrpc.Hand{Kind: "take"})
	w.frame()
	w.hand(cellrpc.Hand{Kind: "press", Text: "Enter"})
	await(t, func() bool { return strings.Contains(w.frame().Dialog, "really?") })
	w.hand(cellrpc.Hand{Kind: "accept"})
	await(t, func() bool { return w.frame().Title == "true" })
	w.hand(cellrpc.Hand{Kind: "give"})
}
