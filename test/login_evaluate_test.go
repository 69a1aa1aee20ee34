package test

import (
	"strings"
	"testing"

	"hotcell/test/acme/portal"
)

// scripts are what an agent does that may run scripts in pages: before it signs in,
// and after.
var scripts = map[string]struct{ before, after string }{
	"reads what is typed":       {`() => { for (const k of ['input', 'beforeinput', 'keydown', 'change', 'submit']) addEventListener(k, e => { window.x = (window.x || '') + [e.data, e.key, e.target.value].join() }, true) }`, `() => String(window.x)`},
	"reads the field":           {`() => 1`, `() => [...document.querySelectorAll('input')].map(i => [i.value, btoa('x' + i.value), [...i.value].map(c => c.charCodeAt(0))])`},
	"leads the form elsewhere":  {`() => { document.forms[0].action = '/hostile/answer/page' }`, `() => document.body.innerText`},
	"leads the button":          {`() => { document.querySelector('button').formAction = '/hostile/answer/base64' }`, `() => document.body.innerText`},
	"sends a copy first":        {`() => { document.forms[0].addEventListener('submit', e => { e.preventDefault(); fetch('/hostile/answer/reversed', {method: 'POST', body: new URLSearchParams({password: document.querySelector('#p').value})}).then(r => r.text()).then(t => { document.body.append(t) }) }, true) }`, `() => document.body.innerText`},
	"makes a form of its own":   {`() => { document.body.innerHTML = '<form method=post action=/hostile/answer/escapes><input name=user aria-label=User><input name=password type=password id=p><button>Go</button></form>' }`, `() => document.body.innerText`},
	"replaces fetch":            {`() => { window.fetch = new Proxy(window.fetch, {apply(f, t, a) { window.x = JSON.stringify(a); return Reflect.apply(f, t, a) }}) }`, `() => String(window.x)`},
	"opens a window to look in": {`() => { window.w = open('/login') }`, `() => { try { return window.w.document.documentElement.outerHTML + [...window.w.document.querySelectorAll('input')].map(i => i.value) } catch (e) { return String(e) } }`},
	"reads what the site keeps": {`() => 1`, `() => [document.cookie, btoa(document.cookie), JSON.stringify(localStorage), JSON.stringify(sessionStorage), [...document.cookie].reverse().join('')]`},
}

func TestScriptsOfTheAgentsGetNoPassword(t *testing.T) {
	t.Parallel()
	d := openDesk(t, "--evaluate")
	for name, s := range scripts {
		for _, path := range []string{"/login", "/login-path", "/spa-token"} {
			d.Portal.Rest()
			d.Portal.Arrived(portal.Own...)
			d.call("browser_navigate", "url", d.Base("portal")+path)
			if text, ok := d.call("browser_evaluate", "function", s.before); !ok && !strings.Contains(text, "gone") {
				t.Fatalf("%s: a script does not run: %s", name, text)
			}
			d.call("browser_sign_in", "wait", false)
			d.call("browser_evaluate", "function", s.after)
			d.looked()
			d.searched(name + " on " + path)
			for _, r := range d.Portal.Arrived(portal.Own...) {
				if form := d.holds(r.String(), d.PortalPassword); form != "" && !strings.HasPrefix(r.URL, "/session") {
					t.Errorf("%s on %s: the agent says where the password goes, %s:\n%s", name, path, form, r)
				}
			}
		}
	}
}
