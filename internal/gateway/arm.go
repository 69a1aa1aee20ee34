package gateway

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/cellrpc"
	"hotcell/internal/guard"
	"hotcell/internal/site"
	"hotcell/internal/standin"
	"hotcell/internal/vaultrpc"
)

// LoginVault is what a gateway asks of the vault about logins.
type LoginVault interface {
	Logins(context.Context, *vaultrpc.LoginsRequest) (*vaultrpc.LoginsAnswer, error)
	ArmLogin(context.Context, *vaultrpc.ArmLoginRequest) (*vaultrpc.ArmLoginAnswer, error)
	AwaitArm(context.Context, *vaultrpc.AwaitArmRequest) (*vaultrpc.AwaitArmAnswer, error)
	FillLogin(context.Context, *vaultrpc.FillLoginRequest) (*vaultrpc.FillLoginAnswer, error)
	AskLogin(context.Context, *vaultrpc.AskLoginRequest) (*vaultrpc.AskLoginAnswer, error)
}

// armed is a substitution that the vault waits to make.
type armed struct {
	id     string
	use    hotcell.AttachmentID
	origin cellrpc.Origin
	path   string
	// words are the stand-ins that no request has had yet.
	words [][]byte
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
	ask(mux, g, cellrpc.PathAwaitArm, func(ctx context.Context, r cellrpc.AwaitArmRequest) (any, error) {
		if r.ID == "" && r.Cancel {
			r.ID = g.browsing.isArmed()
		}
		out, err := g.Vault.AwaitArm(ctx, &vaultrpc.AwaitArmRequest{Job: g.Job.ID, AwaitArmRequest: r})
		if err != nil {
			return nil, err
		}
		if out.Gone {
			g.disarm(r.ID)
		}
		return out.ArmState, nil
	})
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

// arm has the vault wait for the stand-ins, and has this gateway look for them.
func (g *Gateway) arm(ctx context.Context, r cellrpc.ArmRequest) (any, error) {
	out, err := g.Vault.ArmLogin(ctx, &vaultrpc.ArmLoginRequest{Job: g.Job.ID, ArmRequest: r})
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil { // nobody gets to know of it
		_, _ = g.Vault.AwaitArm(context.WithoutCancel(ctx), &vaultrpc.AwaitArmRequest{Job: g.Job.ID, AwaitArmRequest: cellrpc.AwaitArmRequest{ID: out.ID, Cancel: true}})
		return nil, ctx.Err()
	}
	a := &armed{id: out.ID, use: hotcell.AttachmentID(r.Use), origin: r.Origin, path: r.Path}
	for _, word := range []string{r.Password, r.Code} {
		if word != "" {
			a.words = append(a.words, []byte(word))
		}
	}
	g.browsing.mu.Lock()
	g.browsing.armed = a
	g.browsing.mu.Unlock()
	return out.ArmAnswer, nil
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

// maxArmed is how long a body may be in which a stand-in is looked for, in bytes.
const maxArmed = 8 << 20

// substitute has a request go by the vault, where it is the one that holds what
// stands in for a login. It answers, and returns false, where the body broke off.
func (x *exchange) substitute(w http.ResponseWriter, r *http.Request, to *target) bool {
	b := &x.gateway.browsing
	b.mu.Lock()
	a := b.armed
	b.mu.Unlock()
	if a == nil || a.path != "" && a.path != r.URL.EscapedPath() || r.Method != http.MethodPost && r.Method != http.MethodPut || a.origin.Host != to.host || a.origin.Port != to.port || a.origin.Plain ||
		!ownRequest(r.Header, to) || r.Body == nil || r.ContentLength > maxArmed {
		return true
	}
	use := x.gateway.rules().attachment(a.use)
	if use == nil || use.As != hotcell.InjectLogin {
		return true
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxArmed+1))
	if err != nil {
		x.fail(w, err)
		return false
	}
	rest := io.Reader(bytes.NewReader(body))
	if len(body) > maxArmed {
		rest = io.MultiReader(rest, r.Body)
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{rest, r.Body}
	if len(body) <= maxArmed && b.takes(a, body, r.Header.Get("Content-Type")) {
		x.verdict.Uses, x.arm = []*hotcell.Use{use}, a.id
	}
	return true
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

// takes says whether a body holds a stand-in that none had before it: a second one
// with the same goes where it is meant to go, with what it has.
func (b *browsing) takes(a *armed, body []byte, kind string) (some bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a.words = slices.DeleteFunc(a.words, func(word []byte) bool {
		held := standin.Holds(body, kind, word)
		some = some || held
		return held
	})
	return some
}

func (b *rulebook) attachment(id hotcell.AttachmentID) *hotcell.Use {
	for i := range b.Uses {
		if b.Uses[i].Attachment == id {
			return &b.Uses[i]
		}
	}
	return nil
}

// askLogin asks a person for a login, and waits.
func (g *Gateway) askLogin(ctx context.Context, r cellrpc.AskLogin) (any, error) {
	waiting, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	over, err := g.asks()
	if err != nil {
		return nil, err
	}
	defer over()
	r.Why = string(g.patterns.Load().Redact([]byte(r.Why)))
	asked, err := g.Vault.AskLogin(waiting, &vaultrpc.AskLoginRequest{Job: g.Job.ID, AskLogin: r})
	if err != nil {
		return nil, err
	}
	request := asked.Request
	id := request.ID
	g.asking.Store(&id)
	defer g.asking.Store(nil)
	for request.State == hotcell.RequestPending && waiting.Err() == nil {
		looking, stop := context.WithTimeout(waiting, lookTime)
		out, err := g.Vault.AwaitRequest(looking, &vaultrpc.AwaitRequestRequest{Job: g.Job.ID, ID: request.ID})
		stop()
		if err == nil {
			request = out.Request
		} else if looking.Err() == nil {
			return nil, err
		}
	}
	at := net.JoinHostPort(r.Origin.Host, strconv.Itoa(r.Origin.Port))
	out := cellrpc.Asked{Request: string(request.ID), State: string(request.State)}
	switch request.State {
	case hotcell.RequestApproved:
		if err := g.Widened(ctx); err != nil {
			return nil, err
		}
		out.Text = "there is a login for " + at + " now"
	case hotcell.RequestPending:
		out.Text = "nobody has answered yet: ask again to go on waiting"
	case hotcell.RequestRefused, hotcell.RequestExpired:
		out.Text = "it was refused: there is no login for " + at
	}
	return out, nil
}

// lookTime is how long the vault is asked to wait at a time.
const lookTime = 30 * time.Second

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
