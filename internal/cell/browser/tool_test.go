package browser_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"hotcell/internal/cell/browser"
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

// Tools are known by the names of today, and by those of before.
func TestNamesOfParameters(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	home := w.page("/", `<title>Shop</title><label>Name <input></label><label>Other <input></label><div id=a draggable=true role=button>From</div><div id=b role=button>To</div>
		<script>console.debug('small'); console.info('usual'); console.warn('odd'); console.error('bad')</script>`)
	s := w.ok("browser_navigate", "url", home)
	if !strings.Contains(s, "- Page URL: "+home) || !strings.Contains(s, "- Page Title: Shop") {
		t.Error(s)
	}
	s = w.ok("browser_type", "target", w.ref(s, `"Name"`), "element", "the name", "text", "Ada")
	s = w.ok("browser_fill_form", "fields", []map[string]string{{"target": w.ref(s, `"Other"`), "element": "other", "value": "Bob"}})
	if !strings.Contains(s, "Ada") || !strings.Contains(s, "Bob") {
		t.Error(s)
	}
	w.ok("browser_drag", "startElement", "from", "startTarget", w.ref(s, `"From"`), "endElement", "to", "endTarget", w.ref(s, `"To"`))
	if out := w.call("browser_click"); !out.Error || !strings.Contains(out.Text, "target") {
		t.Error(out.Text)
	}
	for level, want := range map[string]string{"error": "bad", "warning": "bad odd", "": "bad odd usual", "debug": "bad odd usual small"} {
		s = w.ok("browser_console_messages", "level", level)
		for _, word := range []string{"bad", "odd", "usual", "small"} {
			if strings.Contains(s, word) != strings.Contains(want, word) {
				t.Errorf("level %q: %s", level, s)
			}
		}
	}
	w.ok("browser_navigate", "url", w.page("/next", "<p>You are there"))
	if s = w.ok("browser_console_messages"); strings.Contains(s, "bad") {
		t.Errorf("of the page before: %s", s)
	}
	if s = w.ok("browser_console_messages", "all", true); !strings.Contains(s, "bad") {
		t.Errorf("all: %s", s)
	}
	if s = w.ok("browser_network_requests", "static", true, "filter", "/next$"); !strings.Contains(s, "/next") || strings.Contains(s, home+" ") {
		t.Errorf("filtered: %s", s)
	}
	if s = w.ok("browser_snapshot", "filename", "page.md"); strings.Contains(s, "You are there") || !strings.Contains(s, "/job/out/page.md") || !strings.Contains(w.kept["page.md"], "You are there") {
		t.Errorf("kept: %s %q", s, w.kept)
	}
}

// A long page is read in parts.
func TestALongPage(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	home := w.page("/", `<ul id=l aria-label=All></ul><section aria-label=Foot><p>The end</p><button>Last</button></section><script>for (let i = 0; i < 3000; i++) { const e = document.createElement('li'); e.textContent = 'This is line ' + i + ' of the page'; l.append(e) }</script>`)
	s := w.ok("browser_navigate", "url", home)
	if strings.Contains(s, "The end") || !strings.Contains(s, "offset") {
		t.Fatalf("%d bytes, %s", len(s), s[len(s)-300:])
	}
	read := s
	for range 20 {
		_, after, more := strings.Cut(s, "offset ")
		if !more {
			break
		}
		at, _, _ := strings.Cut(after, ",")
		n, err := strconv.Atoi(at)
		must(t, err)
		s = w.ok("browser_snapshot", "offset", n)
		read += s
	}
	for _, line := range []string{"line 0 of", "line 1500 of", "line 2999 of", "The end"} {
		if strings.Count(read, line) != 1 {
			t.Errorf("%q was read %d times", line, strings.Count(read, line))
		}
	}
	// What is not shown has its name nevertheless.
	foot := w.ref(s, `"Foot"`)
	if s = w.ok("browser_snapshot", "target", foot); !strings.Contains(s, "The end") || strings.Contains(s, "line 2") {
		t.Errorf("a part: %.500s", s)
	}
	w.ok("browser_click", "target", w.ref(s, `"Last"`))
	if s = w.ok("browser_snapshot", "depth", 1); strings.Contains(s, "line 2") || !strings.Contains(s, `"All"`) {
		t.Errorf("its top: %.500s", s)
	}
}

func TestKeysAndOverlays(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	home := w.page("/", `<p id=o>none</p><script>onkeydown = e => o.textContent = 'key ' + e.key</script><button onclick="o.textContent = 'bought'">Buy</button><label>Agree <input type=checkbox style="opacity:0"></label>
		<div id=c style="position:fixed;inset:0;background:#fff8">We use cookies <button onclick="c.remove()">Accept</button></div>`)
	s := w.ok("browser_navigate", "url", home)
	for _, key := range []string{"F1", "F12", "Insert"} {
		if s = w.ok("browser_press_key", "key", key); !strings.Contains(s, "key "+key) {
			t.Errorf("%s: %s", key, s)
		}
	}
	if out := w.call("browser_click", "target", w.ref(s, `"Buy"`)); !out.Error || !strings.Contains(out.Text, "We use cookies") {
		t.Error(out.Text)
	}
	s = w.ok("browser_click", "target", w.ref(w.ok("browser_snapshot"), `"Accept"`))
	if s = w.ok("browser_click", "target", w.ref(s, `"Buy"`)); !strings.Contains(s, "bought") {
		t.Error(s)
	}
}

// A field for files that a script makes is in no page.
func TestFilesThatAScriptAsksFor(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.files["/job/a.txt"] = "hello"
	home := w.page("/", `<p id=o>none</p><button onclick="const i = document.createElement('input'); i.type = 'file'; i.onchange = async () => o.textContent = 'got ' + await i.files[0].text(); i.click()">Attach</button>`)
	s := w.ok("browser_navigate", "url", home)
	if s = w.ok("browser_click", "target", w.ref(s, `"Attach"`)); !strings.Contains(s, "browser_file_upload") {
		t.Errorf("nothing says that files are asked for: %s", s)
	}
	if s = w.ok("browser_file_upload"); strings.Contains(s, "asks for files") {
		t.Errorf("it was cancelled: %s", s)
	}
	if out := w.call("browser_file_upload", "paths", []string{"/job/a.txt"}); !out.Error {
		t.Error(out.Text)
	}
	w.ok("browser_click", "target", w.ref(w.ok("browser_snapshot"), `"Attach"`))
	if s = w.ok("browser_file_upload", "paths", []string{"/job/a.txt"}); !strings.Contains(s, "got hello") {
		t.Error(s)
	}
}

// A slow download is waited for once.
func TestASlowDownload(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	end := make(chan struct{})
	w.mux.HandleFunc("GET /big", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Disposition", `attachment; filename=big.bin`)
		_, _ = rw.Write(make([]byte, 100_000))
		_ = http.NewResponseController(rw).Flush()
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	s := w.ok("browser_navigate", "url", w.page("/", `<a href=/big>Big</a>`))
	if s = w.ok("browser_click", "target", w.ref(s, `"Big"`)); !strings.Contains(s, "big.bin is under way") {
		t.Error(s)
	}
	// Were each of them to wait anew, the test would not end.
	for range 40 {
		if s = w.ok("browser_snapshot"); !strings.Contains(s, "under way") {
			t.Error(s)
		}
	}
	close(end)
}
