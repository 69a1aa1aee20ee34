package test

import (
	"embed"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
)

// react are the production builds of React 18.3.1 and its DOM, as published (MIT, see
// the licence beside them).
//
//go:embed testdata/react
var react embed.FS

const reactPage = `<!doctype html><title>Portal</title><div id=root></div><script src=/react/react.production.min.js></script><script src=/react/react-dom.production.min.js></script><script>
	const e = React.createElement
	function Login() {
		const [user, setUser] = React.useState(''), [password, setPassword] = React.useState(''), [problem, setProblem] = React.useState('')
		const send = async event => { event.preventDefault()
			const r = await fetch('/session', {method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({user, password})})
			if (r.ok) location = '/account'; else setProblem('Wrong user name or password') }
		return e('form', {onSubmit: send}, e('h1', null, 'Portal'), e('label', null, 'Email', e('input', {value: user, onChange: x => setUser(x.target.value)})),
			e('label', null, 'Password', e('input', {type: 'password', value: password, onChange: x => setPassword(x.target.value)})),
			problem && e('p', {role: 'alert'}, problem), e('button', {disabled: !user || password.length < 8}, 'Sign in')) }
	setTimeout(() => ReactDOM.createRoot(document.getElementById('root')).render(e(Login)), 100)</script>`

func TestSignsInToAPageOfReact(t *testing.T) {
	t.Parallel()
	for mode, open := range map[string]func(*testing.T) *desk{"wire": func(t *testing.T) *desk { t.Helper(); return openDesk(t) }, "fill": openFill} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			d.Portal.Handle("GET /react", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, reactPage) })
			d.Portal.Handle("GET /react/", http.StripPrefix("/react/", http.FileServerFS(subOf(t, react, "testdata/react"))).ServeHTTP)
			if text, ok := d.call("browser_sign_in", "url", d.Base("portal")+"/react"); !ok || !strings.Contains(text, "Welcome, Ada") {
				t.Error(text)
			}
			d.looked()
			d.searched("react")
		})
	}
}

func subOf(t *testing.T, of fs.FS, dir string) fs.FS {
	t.Helper()
	sub, err := fs.Sub(of, dir)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}
