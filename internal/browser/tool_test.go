package browser_test

import (
	"net/http"
	"strings"
	"testing"

	"hotcell/internal/browser"
)

func TestAPageIsReadAndActedOn(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	home := w.page("/", `<title>Shop</title><h1>Hello</h1><a href="/next">Next page</a>
		<label>Name <input id=name></label><label>Colour <select><option>red<option>blue</select></label><label><input type=checkbox> Agree</label>
		<button onclick="document.querySelector('#out').textContent='Dear '+document.querySelector('#name').value">Greet</button><p id=out></p>`)
	w.page("/next", "<title>Second</title><p>You are there")
	s := w.ok("browser_navigate", "url", home)
	for _, want := range []string{`heading "Hello"`, `link "Next page"`, `/url: ` + w.server.URL + "/next", `textbox "Name"`, `combobox "Colour"`, `checkbox "Agree"`, `button "Greet"`, "Title: Shop"} {
		if !strings.Contains(s, want) {
			t.Errorf("the snapshot has no %q:\n%s", want, s)
		}
	}
	s = w.ok("browser_type", "ref", w.ref(s, `"Name"`), "text", "Ada")
	s = w.ok("browser_click", "ref", w.ref(s, `"Greet"`))
	if !strings.Contains(s, "Dear Ada") {
		t.Errorf("no greeting:\n%s", s)
	}
	s = w.ok("browser_select_option", "ref", w.ref(s, `"Colour"`), "values", []string{"blue"})
	s = w.ok("browser_fill_form", "fields", []map[string]string{{"ref": w.ref(s, `"Agree"`), "type": "checkbox", "value": "true"}, {"ref": w.ref(s, `"Name"`), "value": "Bob"}})
	if !strings.Contains(s, "[checked]") || !strings.Contains(s, "Bob") || !strings.Contains(s, "blue") {
		t.Errorf("the form:\n%s", s)
	}
	s = w.ok("browser_click", "ref", w.ref(s, `"Next page"`))
	if !strings.Contains(s, "You are there") {
		t.Errorf("the second page:\n%s", s)
	}
	if s = w.ok("browser_navigate_back"); !strings.Contains(s, "Hello") {
		t.Errorf("back:\n%s", s)
	}
	if out := w.call("browser_take_screenshot"); out.Error || len(out.Picture) < 1000 || out.Type != "image/png" {
		t.Errorf("a picture of %d bytes, %s", len(out.Picture), out.Text)
	}
	if s = w.ok("browser_tabs", "action", "new", "url", home+"next"); !strings.Contains(s, "You are there") {
		t.Errorf("a new tab:\n%s", s)
	}
	if s = w.ok("browser_tabs", "action", "list"); strings.Count(s, "- ") < 2 {
		t.Errorf("tabs: %s", s)
	}
	if s = w.ok("browser_network_requests"); !strings.Contains(s, "[GET] "+home+"next => [200]") {
		t.Errorf("requests: %s", s)
	}
}

func TestWhatIsNotOpened(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	for _, address := range []string{"file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "view-source:https://a.example", "chrome://version", "about:blank", "https://ada:pw@a.example/", "ftp://a.example"} {
		if out := w.call("browser_navigate", "url", address); !out.Error {
			t.Errorf("%s: %s", address, out.Text)
		}
	}
	if out := w.call("browser_evaluate", "function", "() => 1"); !out.Error || !strings.Contains(out.Text, "no tool") {
		t.Errorf("%+v", out)
	}
}

func TestFieldsForSecretsAreNotForAgents(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	home := w.page("/", `<label>Password <input type=password id=p value="shown-in-clear-7"></label><label>Code <input autocomplete=one-time-code value=271828></label>
		<button onclick="p.type='text'">Show</button>`)
	s := w.ok("browser_navigate", "url", home)
	if strings.Contains(s, "shown-in-clear") || strings.Contains(s, "271828") || strings.Contains(s, "•") {
		t.Errorf("what is in it is shown:\n%s", s)
	}
	if out := w.call("browser_type", "ref", w.ref(s, `"Password"`), "text", "x"); !out.Error || !strings.Contains(out.Text, "browser_sign_in") {
		t.Errorf("an agent types into it: %+v", out)
	}
	// Nor key by key: a key goes to what has the keyboard.
	w.ok("browser_press_key", "key", "Tab")
	for _, key := range []string{"x", "Backspace", "Control+a", "Control+z", "Delete"} {
		if out := w.call("browser_press_key", "key", key); !out.Error || !strings.Contains(out.Text, "browser_sign_in") {
			t.Errorf("an agent presses %s in it: %+v", key, out)
		}
	}
	for _, key := range []string{"Shift+Tab", "Tab", "Tab"} {
		w.ok("browser_press_key", "key", key)
	}
	s = w.ok("browser_click", "ref", w.ref(w.ok("browser_snapshot"), `"Show"`))
	w.ok("browser_press_key", "key", "Shift+Tab")
	w.ok("browser_press_key", "key", "Shift+Tab")
	if out := w.call("browser_press_key", "key", "x"); !out.Error {
		t.Error("an agent presses a key in what was a field for a secret")
	}
	if strings.Contains(s, "shown-in-clear") {
		t.Errorf("once it is no field for a secret any more:\n%s", s)
	}
}

func TestDialogsTabsAndDownloads(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.mux.HandleFunc("GET /invoice", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Disposition", `attachment; filename="../../invoice 7.pdf"`)
		_, _ = rw.Write([]byte("%PDF-1.4 invoice"))
	})
	w.mux.HandleFunc("POST /up", func(rw http.ResponseWriter, r *http.Request) {
		f, h, err := r.FormFile("f")
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		b := make([]byte, 100)
		n, _ := f.Read(b)
		_, _ = rw.Write([]byte("got " + h.Filename + ": " + string(b[:n])))
	})
	home := w.page("/", `<button onclick="document.title=prompt('who?')">Ask</button><a href=/invoice>Invoice</a><a href=/pop target=_blank>Pop</a>
		<form action=/up method=post enctype=multipart/form-data><input type=file name=f aria-label=File><button>Send</button></form>`)
	w.page("/pop", "<p>popped up")
	s := w.ok("browser_navigate", "url", home)
	asked := w.ok("browser_click", "ref", w.ref(s, `"Ask"`))
	if !strings.Contains(asked, "prompt: who?") {
		t.Errorf("no dialog:\n%s", asked)
	}
	if s = w.ok("browser_handle_dialog", "accept", true, "promptText", "me"); !strings.Contains(s, "Title: me") {
		t.Errorf("after the dialog:\n%s", s)
	}
	s = w.ok("browser_click", "ref", w.ref(s, `"Invoice"`))
	if !strings.Contains(s, "downloaded /job/out/") {
		t.Fatalf("no download:\n%s", s)
	}
	name := ""
	for n, text := range w.kept {
		if name = n; strings.ContainsAny(n, "/\\") || text != "%PDF-1.4 invoice" {
			t.Errorf("it is kept as %q: %q", n, text)
		}
	}
	if s = w.ok("browser_file_upload", "paths", []string{name}); strings.Contains(s, "error") {
		t.Error(s)
	}
	s = w.ok("browser_click", "ref", w.ref(w.ok("browser_snapshot"), `"Send"`))
	if !strings.Contains(s, "%PDF-1.4 invoice") {
		t.Errorf("the upload:\n%s", s)
	}
	s = w.ok("browser_navigate", "url", home)
	if s = w.ok("browser_click", "ref", w.ref(s, `"Pop"`)); !strings.Contains(s, "popped up") {
		s = w.ok("browser_snapshot")
	}
	if !strings.Contains(s, "popped up") {
		t.Errorf("the page that came up:\n%s", s)
	}
}

func TestAPageThatOpensOthersWithoutEnd(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	home := w.page("/", `<button onclick="for (let i = 0; i < 200; i++) open('/pop?' + i)">Open</button>`)
	w.page("/pop", "<p>popped up")
	s := w.ok("browser_navigate", "url", home)
	w.call("browser_click", "ref", w.ref(s, `"Open"`))
	if s = w.ok("browser_tabs", "action", "list"); strings.Count(s, "- ") > 40 {
		t.Errorf("%d tabs are open", strings.Count(s, "- "))
	}
	if s = w.ok("browser_tabs", "action", "new", "url", home); strings.Contains(s, "popped up") {
		t.Error(s)
	}
}

// TestScriptsOfTheAgentAreNotWhereTheDriverIs: what a script changes of its world
// is not the driver's.
func TestScriptsOfTheAgentAreNotWhereTheDriverIs(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *browser.Config) { c.Evaluate = true })
	s := w.ok("browser_navigate", "url", w.page("/", `<select aria-label=Colour><option>red<option>blue</select>`))
	w.ok("browser_evaluate", "function", `() => { Array.prototype.includes = () => { self.seen = true; return false } }`)
	if out := w.call("browser_select_option", "ref", w.ref(s, `"Colour"`), "values", []string{"blue"}); out.Error {
		t.Error(out.Text)
	}
	if got := w.ok("browser_evaluate", "function", "() => !!self.seen"); !strings.Contains(got, "false") {
		t.Error("it runs in the driver's world")
	}
}
