package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/guard"
	"hotcell/internal/wire/wayin"
)

// LoginVault is what a gateway asks of the vault about logins.
type LoginVault interface {
	Logins(context.Context, *vaultrpc.LoginsRequest) (*vaultrpc.LoginsAnswer, error)
	ArmLogin(context.Context, *vaultrpc.ArmLoginRequest) (*vaultrpc.ArmLoginAnswer, error)
	AwaitArm(context.Context, *vaultrpc.AwaitArmRequest) (*vaultrpc.AwaitArmAnswer, error)
	FillLogin(context.Context, *vaultrpc.FillLoginRequest) (*vaultrpc.FillLoginAnswer, error)
	AskLogin(context.Context, *vaultrpc.AskLoginRequest) (*vaultrpc.AskLoginAnswer, error)
	AskWay(context.Context, *vaultrpc.AskWayRequest) (*vaultrpc.AskLoginAnswer, error)
}

// armed is a substitution that the vault waits to make.
type armed struct {
	id     string
	use    hotcell.AttachmentID
	origin cellrpc.Origin
	// username is the login's, steps are what it may be sent by.
	username string
	steps    []hotcell.WayStep
	// words are the stand-ins that no request has had yet.
	words wayin.Words
	// learn is true where nothing is to be sent, and it is only seen what would be.
	learn bool
	// kept is closed once a request was kept back: proposal is what that would have
	// been, and unread is true where it is no step at all.
	kept     chan struct{}
	proposal *proposal
	unread   bool
}

// session is what a site gave a browser to be known by: it goes nowhere else.
type session struct {
	origin   cellrpc.Origin
	patterns *guard.Patterns
	// from is the browser that told of it: each tells all that it knows of a site,
	// and what one before it knew is still good at the site.
	from *Browser
}

// loginDoors are what the browser's cell asks about logins.
func (g *Gateway) loginDoors(mux *http.ServeMux) {
	ask(mux, g, cellrpc.PathLogins, func(ctx context.Context, r cellrpc.LoginsRequest) (any, error) {
		out, err := g.Vault.Logins(ctx, &vaultrpc.LoginsRequest{Job: g.Job.ID, LoginsRequest: r})
		if err != nil {
			return nil, err
		}
		return out.LoginsAnswer, nil
	})
	ask(mux, g, cellrpc.PathArm, g.arm)
	ask(mux, g, cellrpc.PathAwaitArm, g.awaitArm)
	ask(mux, g, cellrpc.PathAskWay, g.askWay)
	ask(mux, g, cellrpc.PathFilled, func(context.Context, cellrpc.Origin) (any, error) {
		g.browsing.fill(nil)
		return nil, nil //nolint:nilnil // nothing is said
	})
	ask(mux, g, cellrpc.PathFill, func(ctx context.Context, r cellrpc.FillRequest) (any, error) {
		g.browsing.fill(&filling{r.Origin, g.Now().Add(fillTime)})
		out, err := g.Vault.FillLogin(ctx, &vaultrpc.FillLoginRequest{Job: g.Job.ID, FillRequest: r})
		if err != nil {
			g.browsing.fill(nil)
			return nil, err
		}
		return cellrpc.LeaseAnswer{Message: out.Message}, nil
	})
	ask(mux, g, cellrpc.PathAskLogin, g.askLogin)
	ask(mux, g, cellrpc.PathSession, g.keepSession)
	mux.HandleFunc(http.MethodGet+" "+cellrpc.PathFile, g.fetchFile)
	mux.HandleFunc(http.MethodPut+" "+cellrpc.PathFile, g.keepFile)
}

// ask serves one question of the browser's cell.
func ask[Q any](mux *http.ServeMux, g *Gateway, path string, fn func(context.Context, Q) (any, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var question Q
		if !readWithin(w, r, &question, 4<<20) {
			return
		}
		out, err := fn(r.Context(), question)
		switch {
		case err != nil:
			g.fail(w, err)
		case out == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			answer(w, out)
		}
	})
}

// arm has the vault wait for the stand-ins, and has this gateway look for them. To
// learn how a login would be sent, the vault is not asked for anything.
func (g *Gateway) arm(ctx context.Context, r cellrpc.ArmRequest) (any, error) {
	use := g.rules().attachment(hotcell.AttachmentID(r.Use))
	if use == nil || use.As != hotcell.InjectLogin || !use.Login.Of(r.Origin.Host, r.Origin.Port, r.Origin.Plain) {
		return nil, fmt.Errorf("%w: the job has no such login for this site", hotcell.ErrDenied)
	}
	a := &armed{
		use: use.Attachment, origin: r.Origin, username: use.Login.Username, learn: r.Learn, kept: make(chan struct{}),
		words: wayin.Words{Password: []byte(r.Password), Code: []byte(r.Code)},
	}
	if a.learn {
		a.id = "learn-" + rand.Text()
		g.browsing.arm(a)
		return cellrpc.ArmAnswer{ID: a.id}, nil
	}
	out, err := g.Vault.ArmLogin(ctx, &vaultrpc.ArmLoginRequest{Job: g.Job.ID, ArmRequest: r})
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // nobody gets to know of it
		_, _ = g.Vault.AwaitArm(context.WithoutCancel(ctx), &vaultrpc.AwaitArmRequest{Job: g.Job.ID, AwaitArmRequest: cellrpc.AwaitArmRequest{ID: out.ID, Cancel: true}})
		return nil, ctx.Err()
	}
	a.id, a.steps = out.ID, out.Steps
	g.browsing.arm(a)
	return out.ArmAnswer, nil
}

func (b *browsing) arm(a *armed) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed, b.proposal = a, nil
}

// The times to wait: learnTime is how long a page may take to send what it is watched
// for, otherTime how long for the right request where another was kept back.
const (
	learnTime = 10 * time.Second
	otherTime = 1500 * time.Millisecond
)

// awaitArm says what became of what was armed.
func (g *Gateway) awaitArm(ctx context.Context, r cellrpc.AwaitArmRequest) (any, error) {
	if r.ID == "" && r.Cancel {
		r.ID = g.browsing.isArmed()
	}
	a := g.browsing.armedAs(r.ID)
	if a != nil && a.learn {
		if !r.Cancel {
			waiting, cancel := context.WithTimeout(ctx, learnTime)
			defer cancel()
			select {
			case <-a.kept:
			case <-waiting.Done():
			}
		}
		g.disarm(r.ID)
		return g.browsing.stateOf(a, cellrpc.ArmState{Gone: true}), nil
	}
	out, err := g.awaitVault(ctx, r, a)
	if err != nil {
		return nil, err
	}
	if out.Gone {
		g.disarm(r.ID)
	}
	return g.browsing.stateOf(a, out.ArmState), nil
}

// awaitVault waits for the vault, but not for long once the page has sent the stand-in
// another way: then what was armed is taken back.
func (g *Gateway) awaitVault(ctx context.Context, r cellrpc.AwaitArmRequest, a *armed) (*vaultrpc.AwaitArmAnswer, error) {
	if a == nil || r.Cancel {
		return g.Vault.AwaitArm(ctx, &vaultrpc.AwaitArmRequest{Job: g.Job.ID, AwaitArmRequest: r})
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	border.Go("waiting for what a page sends", border.Log(g.Config.Log), func() {
		select {
		case <-a.kept:
			border.After(otherTime, "the end of a wait for the vault", border.Log(g.Config.Log), cancel)
		case <-waiting.Done():
		}
	})
	out, err := g.Vault.AwaitArm(waiting, &vaultrpc.AwaitArmRequest{Job: g.Job.ID, AwaitArmRequest: r})
	if waiting.Err() == nil || ctx.Err() != nil {
		return out, err
	}
	r.Cancel = true
	return g.Vault.AwaitArm(ctx, &vaultrpc.AwaitArmRequest{Job: g.Job.ID, AwaitArmRequest: r})
}

// stateOf is how something armed stands, with what was kept back.
func (b *browsing) stateOf(a *armed, state cellrpc.ArmState) cellrpc.ArmState {
	if a == nil || state.Password || state.Code {
		return state
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	state.Other, state.Unread = a.proposal != nil, a.unread
	return state
}

// armedAs is what is armed under an id; nil where that is something else.
func (b *browsing) armedAs(id string) *armed {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.armed == nil || b.armed.id != id {
		return nil
	}
	return b.armed
}

// isArmed is what is armed now; empty for nothing.
func (b *browsing) isArmed() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.armed == nil {
		return ""
	}
	return b.armed.id
}

func (g *Gateway) disarm(id string) {
	g.browsing.mu.Lock()
	defer g.browsing.mu.Unlock()
	if a := g.browsing.armed; a != nil && a.id == id {
		g.browsing.armed = nil
	}
}

// ownRequest says whether a request comes from a page of the site that it goes to.
// Another site's page may have learned a stand-in: it could have it sent into what
// others can read there, and no value goes onto that. Pages cannot write these
// headers themselves (Fetch, 2.2.2, and Fetch Metadata, 2.3).
func ownRequest(h http.Header, to *target) bool {
	if site := h.Values("Sec-Fetch-Site"); len(site) > 0 {
		return len(site) == 1 && site[0] == "same-origin"
	}
	origin := h.Values("Origin")
	if len(origin) != 1 {
		return false
	}
	u, err := url.Parse(origin[0])
	if err != nil || u.Scheme != "https" || u.User != nil || u.Path != "" {
		return false
	}
	return strings.EqualFold(u.Hostname(), to.host) && cmp.Or(u.Port(), "443") == strconv.Itoa(to.port)
}

func (b *rulebook) attachment(id hotcell.AttachmentID) *hotcell.Use {
	for i := range b.Uses {
		if b.Uses[i].Attachment == id {
			return &b.Uses[i]
		}
	}
	return nil
}

// maxSessions is how many sites' sessions are guarded at once.
const maxSessions = 64

// keepSession has the guard know what a site gave the browser.
func (g *Gateway) keepSession(_ context.Context, s cellrpc.Session) (any, error) {
	var prints guard.Fingerprints
	if err := prints.UnmarshalBinary(s.Prints); err != nil {
		return nil, fmt.Errorf("%w: these are no fingerprints", hotcell.ErrInvalid)
	}
	b := &g.browsing
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := session{s.Origin, guard.Compile(prints), b.at}
	for i := range b.sessions {
		if b.sessions[i].origin == s.Origin && b.sessions[i].from == b.at {
			b.sessions[i] = kept
			return nil, nil //nolint:nilnil // nothing is said
		}
	}
	if b.sessions = append(b.sessions, kept); len(b.sessions) > maxSessions {
		b.sessions = b.sessions[1:]
	}
	return nil, nil //nolint:nilnil // nothing is said
}

// abroad holds a request against what other sites gave the browser: a session of
// theirs is a credential, and goes to no other host. It answers, and returns
// false, where the head has one; a body is looked at as it is sent.
func (x *exchange) abroad(w http.ResponseWriter, r *http.Request, to *target) bool {
	for _, patterns := range x.gateway.browsing.foreign(to) {
		if found := patterns.Find(headOf(r)); len(found) > 0 {
			x.found(w, found[0], "request's head")
			return false
		}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = struct {
				io.Reader
				io.Closer
			}{noting{patterns.Reader(r.Body, nothing), x.inspect}, r.Body}
		}
	}
	return true
}

func nothing(guard.Match) guard.Verdict { return guard.Refuse }

// noting has what the guard refused known to who tells the cell.
type noting struct {
	from    io.Reader
	inspect *inspector
}

func (n noting) Read(b []byte) (int, error) {
	read, err := n.from.Read(b)
	if _, refused := errors.AsType[*guard.RefusedError](err); refused {
		err = n.inspect.note(err)
	}
	return read, err
}

// foreign are the sessions of other sites than a request is for. A browser gives a
// cookie to all hosts of the domain that somebody registered, and so do the scripts
// of a site that has its API on another host; what a job's own cell sends goes to
// the one host.
func (b *browsing) foreign(to *target) (out []*guard.Patterns) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sessions {
		if s.origin.Host == to.host && s.origin.Port == to.port || to.browser && site.Registrable(s.origin.Host) == site.Registrable(to.host) {
			continue
		}
		out = append(out, s.patterns)
	}
	return out
}

// known are what looks for all that sites gave the job's browsers.
func (b *browsing) known() (out []*guard.Patterns) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sessions {
		out = append(out, s.patterns)
	}
	return append(out, b.spent...)
}
