package browser_test

import (
	"strings"
	"testing"

	"hotcell/internal/browser"
)

const plainForm = `<form method=post action=/session><input name=user aria-label=User><input type=password name=password id=p><button>Sign in</button></form>`

func TestNothingIsFilledInWhereScriptsOfTheAgentRun(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *browser.Config) { c.Evaluate = true })
	w.logins[0].Fill = true
	w.accept("/session", "/account")
	w.page("/account", account)
	w.ok("browser_navigate", "url", w.page("/login", plainForm))
	w.ok("browser_evaluate", "function", `() => document.addEventListener('input', e => { if (e.target.type == 'password') self.got = [...e.target.value].map(c => c.charCodeAt(0)).join() }, true)`)
	if out := w.call("browser_sign_in"); !out.Error || !strings.Contains(out.Text, "--evaluate") {
		t.Errorf("%s", out.Text)
	}
	if got := w.ok("browser_evaluate", "function", "() => self.got || 'nothing'"); !strings.Contains(got, "nothing") {
		t.Errorf("a script has %s", got)
	}
}
