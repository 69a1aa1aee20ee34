// Package browser drives one Chromium for one job: at the other end of its
// DevTools pipe, as the init of the browser's own cell. It offers the tools that
// agents know, signs in with the job's logins, and shows people what goes on.
//
// It guards that nothing of a login comes back to the agent: fields for secrets
// are neither read nor shown, pictures are painted over, while a sign-in is under
// way nothing can be observed, and what a site gave the browser to be known by is
// taken out of all that leaves. It does not trust the page, which may be anything:
// it looks at it through DevTools alone, and never through the page's own scripts.
// What the network lets through is not its matter: the gateway decides. One way to
// use it:
//
//	d, err := browser.Open(ctx, browser.Config{Pipe: pipe, Hand: hand, …})
//	answer := d.Call(ctx, cellrpc.Call{Tool: "browser_navigate", Arguments: …})
package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/value/sensitive"
)

// Pipe is DevTools' pipe: To is Chromium's descriptor 3, From its 4.
type Pipe struct {
	To   io.WriteCloser
	From io.ReadCloser
}

// Config is one driver.
type Config struct {
	Pipe Pipe
	Hand Hand
	// Evaluate lets the agent run scripts in pages.
	Evaluate bool
	// Downloads is where Chromium puts downloads, Uploads where files for uploads are put.
	Downloads, Uploads string
	Now                func() time.Time
	Log                *slog.Logger
}

// Hand is what lies outside of the cell: its gateway.
type Hand interface {
	Logins(context.Context, cellrpc.LoginsRequest) (cellrpc.LoginsAnswer, error)
	Arm(context.Context, cellrpc.ArmRequest) (cellrpc.ArmAnswer, error)
	AwaitArm(context.Context, cellrpc.AwaitArmRequest) (cellrpc.ArmState, error)
	// Fill gets values themselves, where the attachment says so. The caller clears them.
	Fill(context.Context, cellrpc.FillRequest) (Values, error)
	// Filled says that they are gone from the browser's pages.
	Filled(context.Context, cellrpc.Origin) error
	AskLogin(context.Context, cellrpc.AskLogin) (cellrpc.Asked, error)
	// AskWay asks a person whether a login may be sent in a way that nobody said yes to.
	AskWay(context.Context, cellrpc.AskWay) (cellrpc.Asked, error)
	Session(context.Context, cellrpc.Session) error
	// Fetch gets a file of the job's, for an upload.
	Fetch(ctx context.Context, path string, to io.Writer) error
	// Keep puts a download into the job's /job/out.
	Keep(ctx context.Context, name string, from io.Reader) (cellrpc.File, error)
}

// Values are those of a login that the browser itself is to have.
type Values struct{ Password, Code sensitive.Bytes }

// Clear clears them.
func (v *Values) Clear() { v.Password.Clear(); v.Code.Clear() }

// Driver drives one Chromium. Its methods may be called at once from anywhere:
// what is done in the browser is done one after the other.
type Driver struct {
	Config
	wire *wire
	root *session
	// space is the browser context that all pages are in: it shares nothing.
	space string
	// apart is another one, for a while: where it is found out how a login signs in, and
	// no agent ever was.
	apart string
	// turn is held by who does something in the browser: an agent's call, a person
	// who has taken over, a sign-in.
	turn chan struct{}
	// closed is true while nothing may be observed, held while a person has it.
	closed, held atomic.Bool
	// scripted is true once the agent has run a script; wanted counts people who wait
	// for the browser.
	scripted atomic.Bool
	wanted   atomic.Int64
	// opening counts pages that are being made ready.
	opening atomic.Int64

	mu sync.Mutex
	// hold is the person's who has the browser; shown is what people saw last, keys the
	// origin that they saw their keys go to.
	hold  *hold
	shown where
	keys  string
	// yield ends what an agent waits for.
	yield     context.CancelCauseFunc
	tabs      []*tab
	current   *tab
	refs      map[string]ref
	downloads []*download
	// kept is what must not leave, by the site that it is of; sieve finds it.
	kept map[string]*keeping
	// typed is what people typed, whose parts must not leave either.
	typed [][]byte
	sieve atomic.Pointer[sieve]
	trail trail
}

// Open takes a browser over that has just started.
func Open(ctx context.Context, c Config) (*Driver, error) {
	d := &Driver{Config: c, turn: make(chan struct{}, 1), refs: map[string]ref{}, kept: map[string]*keeping{}}
	d.learn()
	d.wire = newWire(c.Pipe, border.Log(c.Log))
	d.root = d.wire.session("")
	d.root.on("Target.attachedToTarget", d.attached)
	d.root.on("Target.detachedFromTarget", d.detached)
	d.root.on("Browser.downloadWillBegin", d.downloading)
	d.root.on("Browser.downloadProgress", d.progressed)
	var made struct{ BrowserContextID string }
	if err := d.root.do(ctx, "Target.createBrowserContext", args{"disposeOnDetach": true}, &made); err != nil {
		return nil, fmt.Errorf("opening a browser: %w", err)
	}
	d.space = made.BrowserContextID
	for _, step := range []struct {
		method string
		args   args
	}{
		{"Browser.setDownloadBehavior", args{"behavior": "allowAndName", "browserContextId": d.space, "downloadPath": c.Downloads, "eventsEnabled": true}},
		{"Target.setAutoAttach", args{"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true}},
	} {
		if err := d.root.do(ctx, step.method, step.args, nil); err != nil {
			return nil, fmt.Errorf("opening a browser: %w", err)
		}
	}
	_, err := d.newTab(ctx)
	return d, err
}

// Close ends the browser.
func (d *Driver) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = d.root.do(ctx, "Browser.close", nil, nil)
	return d.wire.close()
}

// callLimit is how long a tool may take, but for a sign-in and a wait.
const callLimit = 60 * time.Second

// Call calls a tool. What goes wrong is said to the agent: there is nobody else.
func (d *Driver) Call(ctx context.Context, c cellrpc.Call) (out cellrpc.CallAnswer) {
	t := d.tool(c.Tool)
	if t == nil {
		return cellrpc.CallAnswer{Text: "there is no tool " + c.Tool, Error: true}
	}
	limit := t.limit
	if limit == 0 {
		limit = callLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	leave, err := d.take(ctx)
	if err != nil {
		return cellrpc.CallAnswer{Text: "the browser was busy: a sign-in or a person has it; try again", Error: true}
	}
	defer leave()
	call := &call{driver: d, ctx: ctx}
	if len(c.Arguments) > 0 {
		if err := json.Unmarshal(c.Arguments, &call.in); err != nil {
			return cellrpc.CallAnswer{Text: "the arguments are not what the tool takes: " + err.Error(), Error: true}
		}
	}
	call.in.settle()
	err = t.do(call)
	if err != nil {
		call.out = cellrpc.CallAnswer{Error: true}
		call.text.Reset()
		call.taken = errors.Is(err, errTaken)
		call.say("%s", d.sentence(err))
	}
	call.finish()
	call.out.Text = d.clean(call.text.String())
	return call.out
}

// take waits for one's turn.
func (d *Driver) take(ctx context.Context) (leave func(), err error) {
	select {
	case d.turn <- struct{}{}:
		return func() { <-d.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// sentence is what an agent may know of an error.
func (d *Driver) sentence(err error) string {
	switch {
	case errors.Is(err, errGone):
		return "the browser or its page has crashed or was closed: open a new tab with browser_tabs"
	case errors.Is(err, context.DeadlineExceeded):
		return "it took too long: the page may be busy, or a dialog is open"
	case errors.Is(err, errTaken):
		return errTaken.Error()
	case errors.Is(err, context.Canceled):
		return "the call was given up"
	}
	return err.Error()
}

// maxText is how much text one answer holds, in bytes.
const maxText = 100_000

// clean is text as it may leave.
func (d *Driver) clean(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + "\n… (cut)"
	}
	return string(d.sieve.Load().redact([]byte(text)))
}
