package browser_test

import (
	"bytes"
	"fmt"
	"image"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"hotcell/internal/line/cellrpc"
)

// at is a style that puts something where a test clicks: in a box of its own number.
func at(number int) string {
	return fmt.Sprintf("position:fixed;left:10px;top:%dpx;width:300px;height:40px;border:0", 10+number*60)
}

// clickOn clicks in the middle of such a box.
func clickOn(number int) cellrpc.Hand {
	return cellrpc.Hand{Kind: "click", X: 100, Y: float64(30 + number*60)}
}

// try does what a person does, and stops where it is refused.
func (w *world) try(gestures ...cellrpc.Hand) error {
	w.t.Helper()
	for _, g := range gestures {
		if err := w.driver.Handle(w.t.Context(), g); err != nil {
			return fmt.Errorf("%s %q: %w", g.Kind, g.Text, err)
		}
	}
	return nil
}

// catch is what pages tell the server of, at a path.
type catch struct {
	mu    sync.Mutex
	lines []string
}

func (w *world) collect(path string) *catch {
	c := &catch{}
	w.mux.HandleFunc("GET "+path, func(_ http.ResponseWriter, r *http.Request) {
		text, _ := url.PathUnescape(r.URL.RawQuery)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.lines = append(c.lines, text)
	})
	return c
}

func (c *catch) all() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines, "\n")
}

func (c *catch) has(line string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.lines, line)
}

func (c *catch) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = nil
}

// painted says whether a place of a picture is painted over.
func painted(t *testing.T, picture []byte, x, y int) bool {
	t.Helper()
	decoded, _, err := image.Decode(bytes.NewReader(picture))
	must(t, err)
	r, g, b, _ := decoded.At(x, y).RGBA()
	return r>>8 == 0x33 && g>>8 == 0x33 && b>>8 == 0x33
}

// value is what is in the page's element p, which tells it by its title.
func (w *world) value() string { return w.frame().Title }

const told = `<script>document.addEventListener('input', () => { document.title = 'p:' + p.value + p.textContent })</script>`

// TestAFrameGetsNothingOfWhatAPersonTypes: one that takes the keyboard all the time, or
// at the click, or with the first key. The page's field gets it, or nobody does.
func TestAFrameGetsNothingOfWhatAPersonTypes(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]cellrpc.Hand{
		"at once":    {{Kind: "type", Text: typedByAPerson}},
		"key by key": keysOf(typedByAPerson),
	} {
		for kind, field := range map[string]string{
			"password": `<input id=p type=password style="` + at(0) + `">`,
			"text":     `<input id=p style="` + at(0) + `">`,
			"editor":   `<div id=p contenteditable style="` + at(0) + `"></div>`,
		} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				w, f := open(t, nil), openThief(t)
				w.ok("browser_navigate", "url", w.page("/", field+`<iframe style="`+at(2)+`" src="`+f.URL+`/"></iframe>`+told))
				w.hand(cellrpc.Hand{Kind: "take"})
				w.frame()
				refused := 0
				for range 5 {
					if err := w.try(append([]cellrpc.Hand{clickOn(0)}, keys...)...); err != nil {
						if refused++; !strings.Contains(err.Error(), "click") || !strings.Contains(err.Error(), "nothing is typed") {
							t.Error(err)
						}
					}
				}
				w.hand(cellrpc.Hand{Kind: "give"})
				s := w.ok("browser_snapshot") + w.ok("browser_console_messages")
				if strings.Contains(s, typedByAPerson) {
					t.Errorf("the agent sees it: %s", s)
				}
				if got := f.stole(); got != "" {
					t.Errorf("another site got %q (refused %d times)", got, refused)
				}
			})
		}
	}
}

// TestAFrameThatTakesTheKeyboardOnce: between the click and the keys, after the first
// key, from within a frame of a frame. It is refused, said whose it is, and goes on
// after another click.
func TestAFrameThatTakesTheKeyboardOnce(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	evil := `<input id=i><script>onmessage = () => { i.focus(); parent.postMessage('took', '*') }; i.onkeydown = e => fetch('/got?' + e.key); i.oninput = () => fetch('/got?' + i.value)</script>`
	got := w.collect("/got")
	w.page("/evil", evil)
	w.page("/outer", `<iframe src="`+w.elsewhere("/evil")+`"></iframe><script>onmessage = e => e.data === 'took' ? parent.postMessage('took', '*') : document.querySelector('iframe').contentWindow.postMessage(1, '*')</script>`)
	page := func(src, when string) string {
		return `<input id=p style="` + at(0) + `"><iframe id=fr style="` + at(2) + `" src="` + src + `"></iframe>
			<script>let taken = ''; onmessage = () => { taken = ' taken'; document.title = 'p:' + p.value + taken }; const steal = () => fr.contentWindow.postMessage(1, '*'); ` + when + `
			p.addEventListener('input', () => { document.title = 'p:' + p.value + taken })</script>`
	}
	for name, c := range map[string]struct {
		html   string
		before []cellrpc.Hand
		value  string
	}{
		"after the click":      {page(w.elsewhere("/evil"), `p.onfocus = () => setTimeout(steal, 1)`), nil, ""},
		"after the first key":  {page(w.elsewhere("/evil"), `p.oninput = () => setTimeout(steal, 1)`), []cellrpc.Hand{{Kind: "press", Text: "w"}}, "w"},
		"a frame in a frame":   {page("/outer", `p.onfocus = () => setTimeout(steal, 1)`), nil, ""},
		"a frame of a sandbox": {strings.Replace(page("/evil", `p.onfocus = () => setTimeout(steal, 1)`), "<iframe", `<iframe sandbox="allow-scripts"`, 1), nil, ""},
	} {
		path := "/" + strings.ReplaceAll(name, " ", "-")
		w.ok("browser_navigate", "url", w.page(path, c.html))
		w.hand(cellrpc.Hand{Kind: "take"})
		w.frame()
		_ = w.try(append([]cellrpc.Hand{clickOn(0)}, c.before...)...)
		await(t, func() bool { return strings.Contains(w.value(), "taken") })
		if keys := w.frame().Keys; keys != "" {
			t.Errorf("%s: the view says that keys go to %q", name, keys)
		}
		for _, g := range []cellrpc.Hand{{Kind: "type", Text: typedByAPerson}, {Kind: "press", Text: "a"}, {Kind: "press", Text: "Enter"}, {Kind: "press", Text: "Shift+A"}, {Kind: "press", Text: "ArrowDown"}, {Kind: "type", Text: "x", Keys: w.frame().Origin}} {
			if err := w.try(g); err == nil || !strings.Contains(err.Error(), "nothing is typed") {
				t.Errorf("%s: %s %q: %v", name, g.Kind, g.Text, err)
			}
		}
		w.hand(cellrpc.Hand{Kind: "give"})
		if all := got.all(); all != "" {
			t.Fatalf("%s: another site got %q", name, all)
		}
	}
}

// TestAFieldIsSwappedUnderThePointer: for another field, for a frame, at whatever event
// of the mouse. What was not hit gets nothing.
func TestAFieldIsSwappedUnderThePointer(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	got := w.collect("/got")
	w.page("/evil", `<body style="margin:0"><input id=i style="width:300px;height:40px"><script>i.oninput = () => fetch('/got?' + i.value)</script>`)
	const other = `<input id=o style="width:300px;height:40px" oninput="fetch('/got?' + this.value)">`
	frame := `<iframe id=fr style="` + at(0) + `;z-index:-1" src="` + w.elsewhere("/evil") + `"></iframe>`
	for name, html := range map[string]string{
		"another field, pressed":   `<div style="` + at(0) + `"><input id=p style="width:300px;height:40px"></div><script>onmousedown = () => { p.outerHTML = ` + "`" + other + "`" + `; setTimeout(() => o.focus()) }</script>`,
		"another field, released":  `<input id=p style="` + at(0) + `"><div style="` + at(2) + `">` + other + `</div><script>onmouseup = () => o.focus()</script>`,
		"another field, clicked":   `<input id=p style="` + at(0) + `"><div style="` + at(2) + `">` + other + `</div><script>onclick = () => o.focus()</script>`,
		"another field, later":     `<input id=p style="` + at(0) + `"><div style="` + at(2) + `">` + other + `</div><script>p.onfocus = () => setInterval(() => { o.focus(); document.title = 'moved' }, 1)</script>`,
		"another field, in a root": `<input id=p style="` + at(0) + `"><div id=h></div><script>const r = h.attachShadow({mode: 'closed'}); r.innerHTML = ` + "`" + other + "`" + `; onclick = () => r.firstChild.focus()</script>`,
		"a frame over it, faint":   `<input id=p style="` + at(0) + `">` + strings.Replace(frame, "z-index:-1", "opacity:0.0", 1),
		"a frame, moved":           frame + `<input id=p style="` + at(0) + `"><script>onmousemove = () => { p.style.left = '500px' }</script>`,
		"a frame, pressed":         frame + `<input id=p style="` + at(0) + `"><script>onmousedown = e => { e.preventDefault(); p.style.left = '500px'; fr.focus() }</script>`,
	} {
		w.ok("browser_navigate", "url", w.page("/"+strings.NewReplacer(" ", "-", ",", "").Replace(name), html))
		w.hand(cellrpc.Hand{Kind: "take"})
		w.frame()
		w.hand(clickOn(0))
		w.frame()
		if strings.HasSuffix(name, "later") {
			await(t, func() bool { return w.value() == "moved" })
		}
		if err := w.try(cellrpc.Hand{Kind: "type", Text: typedByAPerson}); err == nil || !strings.Contains(err.Error(), "nothing is typed") {
			t.Errorf("%s: %v", name, err)
		}
		w.hand(cellrpc.Hand{Kind: "give"})
		if s := w.ok("browser_snapshot"); strings.Contains(s, typedByAPerson) {
			t.Errorf("%s: %s", name, s)
		}
		if all := got.all(); all != "" {
			t.Fatalf("%s: what was not clicked got %q", name, all)
		}
	}
}

// TestNothingIsPasted: it would go to what has the focus, whatever was looked at before.
func TestNothingIsPasted(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.ok("browser_navigate", "url", w.page("/", `<input autofocus>`))
	w.hand(cellrpc.Hand{Kind: "take"})
	w.frame()
	for _, key := range []string{"Control+v", "Control+V", "Meta+v", "ControlOrMeta+v", "Control+Shift+v", "Shift+Control+V", "Shift+Insert", "Alt+Shift+Insert"} {
		if err := w.try(cellrpc.Hand{Kind: "press", Text: key}); err == nil || !strings.Contains(err.Error(), "pasted") {
			t.Errorf("%s: %v", key, err)
		}
	}
	w.hand(cellrpc.Hand{Kind: "press", Text: "v"}, cellrpc.Hand{Kind: "press", Text: "Shift+V"}, cellrpc.Hand{Kind: "press", Text: "Insert"}, cellrpc.Hand{Kind: "give"})
}

// TestAPersonTypesWhereTheyClick: through frames, roots and scrolled pages; what keys
// do in a page, they do.
func TestAPersonTypesWhereTheyClick(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	got := w.collect("/got")
	const tell = ` oninput="fetch('/got?' + (this.value || this.textContent))"`
	field := `<input style="width:200px;height:30px"` + tell + `>`
	w.page("/inner", `<body style="margin:0">`+field)
	w.page("/deep", `<body style="margin:0"><div style="height:1000px"></div>`+field+`<script>scrollTo(0, 1000)</script>`)
	own := `<iframe style="` + at(0) + `" src="/inner"></iframe>`
	theirs := `<iframe style="` + at(0) + `;border:5px solid;padding:3px" src="` + w.elsewhere("/inner") + `"></iframe>`
	for name, c := range map[string]struct {
		html string
		keys []cellrpc.Hand
		want string
	}{
		"a field":                  {`<input style="` + at(0) + `"` + tell + `>`, keysOf("abc"), "abc"},
		"at the cursor":            {`<input value=xy style="` + at(0) + `"` + tell + `>`, append([]cellrpc.Hand{{Kind: "press", Text: "Home"}}, keysOf("a b")...), "a bxy"},
		"corrected":                {`<input style="` + at(0) + `"` + tell + `>`, append(keysOf("abc"), cellrpc.Hand{Kind: "press", Text: "Backspace"}), "ab"},
		"all of it replaced":       {`<input value=xy style="` + at(0) + `"` + tell + `>`, []cellrpc.Hand{{Kind: "press", Text: "Control+a"}, {Kind: "type", Text: "new"}}, "new"},
		"an editor":                {`<div contenteditable style="` + at(0) + `"` + tell + `><p>-</p></div>`, keysOf("ü€"), "-ü€"},
		"by its label":             {`<label style="` + at(0) + `">Name <input` + tell + `></label>`, []cellrpc.Hand{{Kind: "type", Text: "ada"}}, "ada"},
		"a closed root":            {`<div id=h style="` + at(0) + `"></div><script>h.attachShadow({mode: 'closed'}).innerHTML = ` + "`" + field + "`" + `</script>`, keysOf("abc"), "abc"},
		"a scrolled page":          {`<div style="height:3000px"></div><script>scrollTo(0, 1500)</script><input style="position:absolute;left:10px;top:1510px;width:300px;height:40px"` + tell + `>`, keysOf("abc"), "abc"},
		"the next by Tab":          {`<input style="` + at(0) + `"><input` + tell + `>`, append([]cellrpc.Hand{{Kind: "press", Text: "Tab"}}, keysOf("abc")...), "abc"},
		"a frame of the page":      {own, keysOf("abc"), "abc"},
		"a frame of another":       {theirs, keysOf("abc"), "abc"},
		"a frame that is scrolled": {`<iframe style="` + at(0) + `" src="` + w.elsewhere("/deep") + `"></iframe>`, keysOf("abc"), "abc"},
		"a frame that is turned":   {strings.Replace(theirs, `" src`, `;transform:rotate(2deg) scale(1.1)" src`, 1), keysOf("abc"), "abc"},
		"a page that listens":      {`<div style="` + at(0) + `">x</div><script>let all = ''; onkeydown = e => fetch('/got?' + (all += e.key))</script>`, keysOf("abc"), "abc"},
		"a day":                    {`<input type=date style="` + at(0) + `" oninput="fetch('/got?' + this.value)">`, []cellrpc.Hand{{Kind: "type", Text: "2026-11-30"}}, "2026-11-30"},
		"a box that gets another":  {`<div id=d style="` + at(0) + `"><input></div><script>let all = ''; d.oninput = e => { all += e.target.value; d.innerHTML = '<input>'; d.firstChild.focus(); fetch('/got?' + all) }</script>`, keysOf("abc"), "abc"},
		"a box by Space":           {`<input type=checkbox style="` + at(0) + `" onchange="fetch('/got?' + this.checked)">`, []cellrpc.Hand{{Kind: "press", Text: "Space"}}, "false"},
		"sent by Enter":            {`<form onsubmit="fetch('/got?' + this.q.value); return false"><input name=q style="` + at(0) + `"></form>`, append(keysOf("abc"), cellrpc.Hand{Kind: "press", Text: "Enter"}), "abc"},
		"what a page opens for it": {`<div style="` + at(0) + `" onclick="this.innerHTML = '<input id=n>'; n.focus(); n.oninput = () => fetch('/got?' + n.value)">search</div>`, keysOf("abc"), "abc"},
	} {
		w.ok("browser_navigate", "url", w.page("/"+strings.ReplaceAll(name, " ", "-"), c.html))
		w.hand(cellrpc.Hand{Kind: "take"})
		v := w.frame()
		w.hand(clickOn(0))
		want := v.Origin
		if strings.Contains(c.html, "//localhost") {
			want = w.elsewhere("")
			if err := w.try(c.keys[0]); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: typed into a frame of another site that nobody was told of: %v", name, err)
			}
		}
		if v = w.frame(); v.Keys != want {
			t.Errorf("%s: the view says that keys go to %q", name, v.Keys)
		}
		if err := w.try(c.keys...); err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Log(name) // where it does not come to it
			await(t, func() bool { return got.has(c.want) })
		}
		got.clear()
		w.hand(cellrpc.Hand{Kind: "give"})
	}
}

// TestAPersonMayShowWhatTheyType: only what goes into an ordinary field that can be
// seen, of the page itself.
func TestAPersonMayShowWhatTheyType(t *testing.T) {
	t.Parallel()
	const value = "quarterly-numbers-2026"
	own, inner := `<input aria-label=Search style="`+at(0)+`" oninput="document.title = this.value">`, `<body style="margin:0"><input aria-label=Search style="width:200px;height:30px">`
	for name, c := range map[string]struct {
		html        string
		first       []cellrpc.Hand
		shown, seen bool
	}{
		"shown":                   {own, nil, true, true},
		"not shown":               {own, nil, false, false},
		"a password":              {strings.Replace(own, "<input", "<input type=password", 1), nil, true, false},
		"a code":                  {strings.Replace(own, "Search", "'Verification code'", 1), nil, true, false},
		"faint":                   {strings.Replace(own, "style=\"", "style=\"opacity:0;", 1), nil, true, false},
		"was a password":          {strings.Replace(own, "<input", "<input type=password onfocus=\"this.type='text'\"", 1), nil, true, false},
		"not shown before":        {own, keysOf("hid"), true, false},
		"a frame of another site": {`<iframe style="` + at(0) + `" src="OTHER"></iframe>`, nil, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.page("/inner", inner)
			w.ok("browser_navigate", "url", w.page("/", strings.Replace(c.html, "OTHER", w.elsewhere("/inner"), 1)))
			w.hand(cellrpc.Hand{Kind: "take"})
			w.frame()
			w.hand(clickOn(0))
			w.frame()
			w.hand(append(c.first, cellrpc.Hand{Kind: "type", Text: value, Shown: c.shown}, cellrpc.Hand{Kind: "give"})...)
			s := w.ok("browser_snapshot") + w.ok("browser_tabs", "action", "list")
			if strings.Contains(s, value) != c.seen {
				t.Errorf("%s", s)
			}
		})
	}
}

// TestAPageCopiesWhatAPersonTypes: wherever it puts it, whole or as it grew, at once or
// once the agent is back.
func TestAPageCopiesWhatAPersonTypes(t *testing.T) {
	t.Parallel()
	for name, copying := range map[string]string{
		"at once":         `p.oninput = () => put(p.value)`,
		"before the last": `p.onbeforeinput = () => put(p.value)`,
		"its end":         `p.oninput = () => put(p.value.slice(5))`,
		"later":           `p.oninput = () => { self.late = p.value }; onclick = () => put(late)`,
		"every key":       `p.onkeydown = e => console.log('key ' + e.key)`,
		"another field":   `p.oninput = () => { o.value = p.value }`,
		"moved":           `p.oninput = () => { if (p.value.length > 18) { d.append(p.value); p.remove() } }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.ok("browser_navigate", "url", w.page("/", `<input id=p style="`+at(0)+`"><input id=o style="`+at(1)+`"><div id=d aria-label=Copy style="`+at(2)+`">-</div>
				<script>const put = text => { d.textContent = text; document.title = text; console.log('it is ' + text); d.setAttribute('aria-label', text) }; `+copying+`</script>`))
			w.hand(cellrpc.Hand{Kind: "take"})
			w.frame()
			w.hand(clickOn(0))
			w.hand(keysOf(typedByAPerson)...)
			w.hand(cellrpc.Hand{Kind: "give"})
			s := w.ok("browser_snapshot")
			if name == "later" {
				s += w.ok("browser_click", "ref", w.ref(s, "Copy"))
			}
			s += w.ok("browser_snapshot") + w.ok("browser_tabs", "action", "list") + w.ok("browser_console_messages")
			for at := 0; at+8 <= len(typedByAPerson); at++ {
				if strings.Contains(s, typedByAPerson[at:at+8]) {
					t.Fatalf("%q is in %s", typedByAPerson[at:at+8], s)
				}
			}
			if strings.Contains(s, "key w") {
				t.Errorf("each key is said: %s", s)
			}
			shot := w.call("browser_take_screenshot")
			if shot.Error || name != "moved" && !painted(t, shot.Picture, 20, 30) {
				t.Error("the field is to be seen in a picture")
			}
		})
	}
}
