package browser

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/target"

	"hotcell/internal/line/border"
)

// tab is one page, with the frames of other processes within it.
type tab struct {
	driver *Driver
	target string
	*session
	opener string
	// space is the browser context that it is in.
	space string

	mu     sync.Mutex
	frames map[string]*frame // frames of other processes, by frame id
	dialog *dialog
	log    []string
	// fresh is how many lines of the log are the current page's, chooser by what it
	// asks for files.
	fresh   int
	chooser *chooser
	traffic
	// secret are fields that were for a secret at some time, by session and node.
	secret map[string]bool
	// loaders are what the pages of sessions were loaded by when that was learned.
	loaders map[target.SessionID]string
	// width and height are those that the agent has set; 0 for the usual ones.
	width, height int
	// crashed is true once the page's process is gone.
	crashed bool
}

// frame is one that another process shows.
type frame struct {
	*session
	id     string
	parent *session
}

// chooser is a field for files by which a page asks for some: also one that is in no
// document.
type chooser struct {
	session *session
	node    int64
}

func (t *tab) openChooser() *chooser {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.chooser
}

type dialog struct{ Type, Message, DefaultPrompt string }

type info struct {
	TargetID         string
	Type             string
	URL              string
	OpenerID         string
	BrowserContextID string
	ParentFrameID    string
}

// attached takes a page, a frame or a worker over that has just begun, and lets it
// go on.
func (d *Driver) attached(params []byte) {
	e, ok := decode[struct {
		SessionID  string
		TargetInfo info
	}](params)
	if !ok {
		return
	}
	s := d.wire.session(target.SessionID(e.SessionID))
	d.begin(s, e.TargetInfo)
}

// begin makes a new page ready before anything in it runs.
func (d *Driver) begin(s *session, about info) {
	defer s.tell("Runtime.runIfWaitingForDebugger", nil)
	if about.Type != "page" {
		d.work(s)
		return
	}
	d.mu.Lock()
	many := len(d.tabs) >= maxTabs
	ours := about.BrowserContextID == d.space || d.apart != "" && about.BrowserContextID == d.apart
	d.mu.Unlock()
	if many || !ours {
		d.root.tell("Target.closeTarget", args{"targetId": about.TargetID})
		return
	}
	t := &tab{driver: d, target: about.TargetID, session: s, opener: about.OpenerID, space: about.BrowserContextID, frames: map[string]*frame{}, secret: map[string]bool{}, loaders: map[target.SessionID]string{}}
	t.traffic.reset()
	t.listen(s)
	s.on("Page.javascriptDialogOpening", t.dialogOpened)
	s.on("Page.javascriptDialogClosed", func([]byte) { t.setDialog(nil) })
	s.on("Inspector.targetCrashed", func([]byte) { t.mu.Lock(); t.crashed = true; t.mu.Unlock() })
	s.on("Target.attachedToTarget", t.frameAttached)
	s.on("Target.detachedFromTarget", t.frameDetached)
	t.enable(s)
	d.opening.Add(1)
	border.Go("a new page", d.wire.caught, func() {
		defer d.opening.Add(-1)
		// Only once it tells of all that happens is it used.
		ctx, cancel := context.WithTimeout(context.Background(), enableTime)
		defer cancel()
		_ = s.do(ctx, "DOM.enable", nil, nil)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.tabs = append(d.tabs, t)
		// What a page opens is what one looks at: but not what somebody types into.
		if !d.held.Load() || d.current == nil {
			d.current = t
			return
		}
		d.root.tell("Target.activateTarget", args{"targetId": d.current.target}) // a page in the background is not drawn
	})
}

// maxTabs is how many pages are open at once: a page can open others without end.
const maxTabs = 30

// enableTime is how long a new page may take to begin.
const enableTime = 5 * time.Second

// enable has a session tell of what is looked at. A page that waits to begin
// answers only once it may, so no answer is waited for.
func (t *tab) enable(s *session) {
	s.tell("Network.enable", args{"maxPostDataSize": maxPosted})
	for _, method := range []string{"Page.enable", "Runtime.enable", "Log.enable", "DOM.enable"} {
		s.tell(method, nil)
	}
	s.tell("Page.setInterceptFileChooserDialog", args{"enabled": true})
	s.tell("Target.setAutoAttach", args{"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true})
}

func (t *tab) frameAttached(params []byte) {
	e, ok := decode[struct {
		SessionID  string
		TargetInfo info
	}](params)
	if !ok {
		return
	}
	s := t.wire.session(target.SessionID(e.SessionID))
	defer s.tell("Runtime.runIfWaitingForDebugger", nil)
	if e.TargetInfo.Type != "iframe" {
		t.driver.work(s)
		return
	}
	t.listen(s)
	s.on("Target.attachedToTarget", t.frameAttached)
	s.on("Target.detachedFromTarget", t.frameDetached)
	t.enable(s)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.frames[e.TargetInfo.TargetID] = &frame{session: s, id: e.TargetInfo.TargetID, parent: t.session}
}

func (t *tab) frameDetached(params []byte) {
	e, ok := decode[struct{ SessionID string }](params)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, f := range t.frames {
		if string(f.session.id) == e.SessionID {
			f.close()
			delete(t.frames, id)
		}
	}
}

// detached forgets a page that is gone.
func (d *Driver) detached(params []byte) {
	e, ok := decode[struct{ SessionID string }](params)
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tabs = slices.DeleteFunc(d.tabs, func(t *tab) bool {
		if string(t.session.id) != e.SessionID {
			return false
		}
		t.session.close()
		if d.current == t {
			d.current = nil
		}
		return true
	})
	if d.current == nil && len(d.tabs) > 0 {
		d.current = d.tabs[len(d.tabs)-1]
	}
}

// newTab opens a page and waits until it is there.
func (d *Driver) newTab(ctx context.Context) (*tab, error) { return d.newTabIn(ctx, d.space) }

func (d *Driver) newTabIn(ctx context.Context, space string) (*tab, error) {
	d.mu.Lock()
	many := len(d.tabs) >= maxTabs
	d.mu.Unlock()
	if many {
		return nil, fmt.Errorf("%d tabs are open: close one with browser_tabs", maxTabs)
	}
	var made struct{ TargetID string }
	if err := d.root.do(ctx, "Target.createTarget", args{"url": "about:blank", "browserContextId": space}, &made); err != nil {
		return nil, fmt.Errorf("opening a tab: %w", err)
	}
	for {
		d.mu.Lock()
		for _, t := range d.tabs {
			if t.target == made.TargetID {
				d.current = t
				d.mu.Unlock()
				return t, nil
			}
		}
		d.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// open are the pages that are open.
func (d *Driver) open() []*tab {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.tabs)
}

// page is the tab that one looks at.
func (d *Driver) page() (*tab, error) {
	d.mu.Lock()
	t := d.current
	d.mu.Unlock()
	if t == nil {
		return nil, fmt.Errorf("no tab is open: open one with browser_tabs")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.crashed {
		return nil, fmt.Errorf("the page has crashed: go somewhere with browser_navigate, or open another tab")
	}
	return t, nil
}

// allSessions are the page's and those of its frames of other processes.
func (t *tab) allSessions() []*session {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []*session{t.session}
	for _, f := range t.frames {
		out = append(out, f.session)
	}
	return out
}

// at is a page's address and title.
func (t *tab) at(ctx context.Context) (address, title string) {
	var history struct {
		CurrentIndex int
		Entries      []struct{ URL, Title string }
	}
	for range addressTries {
		if t.do(ctx, "Page.getNavigationHistory", nil, &history) == nil && history.CurrentIndex < len(history.Entries) {
			e := history.Entries[history.CurrentIndex]
			return e.URL, e.Title
		}
		select { // it may be changing from one process to another
		case <-t.gone:
			return "", ""
		case <-ctx.Done():
			return "", ""
		case <-time.After(addressPause):
		}
	}
	return "", ""
}

// A page that does not say its address is asked again, after a moment.
const (
	addressTries = 3
	addressPause = 50 * time.Millisecond
)

func (t *tab) dialogOpened(params []byte) {
	e, ok := decode[dialog](params)
	switch {
	case !ok:
	case e.Type == "beforeunload":
		border.Go("a dialog of a page", t.driver.wire.caught, func() { t.answer(true) })
	case t.driver.closed.Load():
		// Nobody is there to answer it, and the page would wait with what is in it.
		t.mu.Lock()
		t.note("[dialog] " + e.Type + ": " + e.Message)
		t.mu.Unlock()
		border.Go("a dialog of a page", t.driver.wire.caught, func() { t.answer(false) })
	default:
		t.setDialog(&e)
	}
}

// answer answers a dialog.
func (t *tab) answer(accept bool) {
	ctx, cancel := context.WithTimeout(context.Background(), enableTime)
	defer cancel()
	_ = t.do(ctx, "Page.handleJavaScriptDialog", args{"accept": accept}, nil)
}

func (t *tab) setDialog(d *dialog) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dialog = d
	t.touch()
}

func (t *tab) openDialog() *dialog {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dialog
}

// webURL reads an address that an agent may go to.
func webURL(text string) (string, error) {
	if !strings.Contains(text, "://") && !strings.HasPrefix(strings.ToLower(text), "javascript:") && !strings.HasPrefix(strings.ToLower(text), "data:") {
		text = "https://" + text
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("only http and https addresses are opened")
	}
	if u.User != nil {
		return "", fmt.Errorf("an address has no user name and password in it")
	}
	return u.String(), nil
}
