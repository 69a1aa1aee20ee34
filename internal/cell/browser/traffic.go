package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"hotcell/internal/line/cellrpc"
)

// traffic is what a page asks of the network, and when it was last busy. Its
// tab's lock is held by who touches it.
type traffic struct {
	requests []*request
	by       map[string]*request
	last     time.Time
	loading  bool
	// posts counts what was sent with a body, by origin.
	posts map[string]int
	// watch is there while a sign-in is under way.
	watch *watch
}

type request struct {
	method, url, kind, failed string
	refused                   string // by the gateway, and why
	frame, loader             string
	status                    int
	// posted is true of one with a body.
	posted bool
	began  time.Time
}

// maxRequests and maxLog are how many are kept of a page.
const (
	maxRequests = 500
	maxLog      = 300
)

func (t *traffic) reset() {
	t.by, t.last, t.posts = map[string]*request{}, time.Now(), map[string]int{}
}

func (t *traffic) touch() { t.last = time.Now() }

// listen has a session's requests and its console written down.
func (t *tab) listen(s *session) {
	prefix := string(s.id)
	locked := func(fn func([]byte)) func([]byte) {
		return func(params []byte) {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.touch()
			fn(params)
		}
	}
	s.on("Network.requestWillBeSent", locked(func(params []byte) {
		e, ok := decode[struct {
			RequestID, Type   string
			FrameID, LoaderID string
			Request           struct {
				URL, Method string
				HasPostData bool
				PostData    string
			}
			RedirectResponse *struct{ Status int }
		}](params)
		if !ok {
			return
		}
		if e.Type == "Document" && (t.driver.closed.Load() || t.driver.held.Load()) {
			t.driver.trail.pass(e.Request.URL)
		}
		if old := t.by[prefix+e.RequestID]; old != nil && e.RedirectResponse != nil {
			old.status = e.RedirectResponse.Status
		}
		r := &request{method: e.Request.Method, url: e.Request.URL, kind: strings.ToLower(e.Type), frame: e.FrameID, loader: e.LoaderID, posted: e.Request.HasPostData, began: time.Now()}
		if u, err := url.Parse(r.url); err == nil && e.Request.HasPostData {
			t.posts[u.Scheme+"://"+u.Host]++
			t.watch.see(r.url, e.Request.PostData)
		}
		if t.requests = append(t.requests, r); len(t.requests) > maxRequests {
			t.requests = t.requests[1:]
		}
		if e.Type != "EventSource" && e.Type != "WebSocket" {
			t.by[prefix+e.RequestID] = r
		}
	}))
	s.on("Network.responseReceived", locked(func(params []byte) {
		e, ok := decode[struct {
			RequestID string
			Response  struct {
				Status  int
				Headers map[string]string
			}
		}](params)
		if r := t.by[prefix+e.RequestID]; ok && r != nil {
			r.status, r.refused = e.Response.Status, e.Response.Headers[cellrpc.HeaderRefused]
		}
	}))
	s.on("Network.loadingFinished", locked(func(params []byte) { t.ended(prefix, params) }))
	s.on("Network.loadingFailed", locked(func(params []byte) { t.ended(prefix, params) }))
	t.listenFrames(s, locked)
	s.on("Runtime.consoleAPICalled", locked(t.console))
	s.on("Runtime.exceptionThrown", locked(t.exception))
	s.on("Log.entryAdded", locked(t.entry))
}

// listenFrames has what becomes of a session's documents written down.
func (t *tab) listenFrames(s *session, locked func(func([]byte)) func([]byte)) {
	// What a document has asked for is of no interest once it is gone; its end is
	// not always told.
	s.on("Page.frameNavigated", locked(func(params []byte) {
		if e, ok := decode[struct {
			Frame struct{ ID, LoaderID, ParentID string }
		}](params); ok {
			if s == t.session && e.Frame.ParentID == "" {
				t.fresh, t.chooser = 0, nil
			}
			maps.DeleteFunc(t.by, func(_ string, r *request) bool { return r.frame == e.Frame.ID && r.loader != e.Frame.LoaderID })
		}
	}))
	s.on("Page.frameDetached", locked(func(params []byte) {
		if e, ok := decode[struct{ FrameID string }](params); ok {
			maps.DeleteFunc(t.by, func(_ string, r *request) bool { return r.frame == e.FrameID })
		}
	}))
	s.on("Page.frameStartedLoading", locked(func([]byte) { t.loading = true }))
	s.on("Page.frameStoppedLoading", locked(func([]byte) { t.loading = false }))
	s.on("Page.fileChooserOpened", locked(func(params []byte) {
		if e, ok := decode[struct{ BackendNodeID int64 }](params); ok && e.BackendNodeID != 0 {
			t.chooser = &chooser{s, e.BackendNodeID}
		}
	}))
	s.on("Page.loadEventFired", locked(func([]byte) {}))
}

func (t *tab) ended(prefix string, params []byte) {
	e, ok := decode[struct{ RequestID, ErrorText string }](params)
	if r := t.by[prefix+e.RequestID]; ok && r != nil {
		r.failed = e.ErrorText
		delete(t.by, prefix+e.RequestID)
	}
}

// busy says whether something is under way that the page waits for: what has been
// for long is there to wait itself.
func (t *traffic) busy() bool {
	for _, r := range t.by {
		if time.Since(r.began) < longTime {
			return true
		}
	}
	return t.loading && time.Since(t.last) < longTime
}

// longTime is how long a page waits for an answer, most often.
const longTime = 2500 * time.Millisecond

func (t *tab) note(line string) {
	if t.driver.held.Load() { // a page says then what a person types, key by key if it likes
		return
	}
	if len(line) > 2000 {
		line = line[:2000] + "…"
	}
	t.fresh++
	if t.log = append(t.log, line); len(t.log) > maxLog {
		t.log = t.log[1:]
	}
}

func (t *tab) console(params []byte) {
	e, ok := decode[struct {
		Type string
		Args []struct {
			Value       json.RawMessage
			Description string
		}
	}](params)
	if !ok {
		return
	}
	var parts []string
	for _, a := range e.Args {
		var text string
		switch {
		case json.Unmarshal(a.Value, &text) == nil:
		case len(a.Value) > 0:
			text = string(a.Value)
		default:
			text = a.Description
		}
		parts = append(parts, text)
	}
	t.note("[" + e.Type + "] " + strings.Join(parts, " "))
}

func (t *tab) exception(params []byte) {
	if e, ok := decode[struct {
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
	}](params); ok {
		t.note("[error] " + e.ExceptionDetails.Text + " " + e.ExceptionDetails.Exception.Description)
	}
}

func (t *tab) entry(params []byte) {
	if e, ok := decode[struct{ Entry struct{ Level, Text string } }](params); ok {
		t.note("[" + e.Entry.Level + "] " + e.Entry.Text)
	}
}

// Quiet: how long nothing must happen, and how long that is waited for.
const (
	stillTime  = 40 * time.Millisecond
	settleTime = 5 * time.Second
	lookEvery  = 5 * time.Millisecond
)

// settle waits until the page has nothing under way, or a while.
func (t *tab) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		t.mu.Lock()
		calm := !t.busy() && time.Since(t.last) >= stillTime || t.dialog != nil || t.crashed
		t.mu.Unlock()
		if calm {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-t.gone:
			return
		case <-tick.C:
		}
	}
}

// sent is how much with a body went to an origin.
func (t *tab) sent(origin string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.posts[origin]
}

// answered is the status of the answer to the first that was sent to an origin with
// a body since then; 0 where there is none yet.
func (t *tab) answered(origin string, since time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.requests {
		if u, err := url.Parse(r.url); err == nil && r.posted && r.began.After(since) && u.Scheme+"://"+u.Host == origin {
			return r.status
		}
	}
	return 0
}

// working says whether the page has something under way.
func (t *tab) working() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.busy()
}

// status is how the page itself was answered; 0 where that is not known.
func (t *tab) status() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range slices.Backward(t.requests) {
		if r.kind == "document" && r.frame == t.target {
			return r.status
		}
	}
	return 0
}

// list writes what a page asked for: no headers and no bodies, and of queries
// the names alone.
func (t *tab) list(static bool, filter *regexp.Regexp) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, r := range t.requests {
		if !filter.MatchString(bare(r.url)) || !static && (r.kind == "image" || r.kind == "font" || r.kind == "stylesheet" || r.kind == "script" || r.kind == "media") && r.failed == "" {
			continue
		}
		state := fmt.Sprint(r.status)
		switch {
		case r.refused != "":
			state += ", refused: " + short(r.refused)
		case r.failed != "":
			state = r.failed
		case r.status == 0:
			state = "under way"
		}
		fmt.Fprintf(&b, "[%s] %s => [%s] (%s)\n", r.method, bare(r.url), state, r.kind)
	}
	return b.String()
}

// tellingNames are parameters of addresses by which somebody is known, or that are good
// for a while to become known by.
var tellingNames = regexp.MustCompile(`(?i)^(.*token|code|otp|ticket|sid|jwt|state|nonce|assertion|samlresponse|samlart|password|passwd|pwd|secret|.*api.?key|key|sig|signature|session.*|auth.*|x-amz-.*)$`)

// discreet is an address without the values of such parameters.
func discreet(address string) string {
	head, fragment, anchored := strings.Cut(address, "#")
	path, query, asked := strings.Cut(head, "?")
	if asked {
		path += "?" + mute(query)
	}
	if anchored {
		inner, query, asked := strings.Cut(fragment, "?")
		if inner = mute(inner); asked {
			inner += "?" + mute(query)
		}
		path += "#" + inner
	}
	if u, err := url.Parse(path); err == nil && u.User != nil {
		u.User = nil
		return u.String()
	}
	return path
}

func mute(pairs string) string {
	all := strings.Split(pairs, "&")
	for i, pair := range all {
		name, value, found := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); found && value != "" && (err != nil || tellingNames.MatchString(plain)) {
			all[i] = name + "=…"
		}
	}
	return strings.Join(all, "&")
}

// bare is an address without what its query and its fragment say.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "?"
	}
	if u.Scheme == "data" || u.Scheme == "blob" {
		return u.Scheme + ":…"
	}
	u.User, u.Fragment = nil, ""
	q := u.Query()
	for name := range q {
		q[name] = []string{"…"}
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "%E2%80%A6", "…")
	return u.String()
}
