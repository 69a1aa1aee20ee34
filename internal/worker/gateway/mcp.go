package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/worker/toolbox"
)

// tools is the configuration of the job's toolbox.
func (g *Gateway) tools() toolbox.Config {
	c := toolbox.Config{
		Job: g.Job.ID, Vault: g.Vault, Guard: g.knowing, Head: g.head, Waiting: g.asks, Ended: g.ctx, Log: g.Config.Log,
	}
	if g.Browsers != nil {
		c.Own = (*browserTools)(g)
	}
	if !g.Job.External {
		c.Refusals = g.refusals.all
		c.Ask = func(ctx context.Context, question cellrpc.Ask) (cellrpc.Asked, error) { return g.askFor(ctx, question) }
	}
	return c
}

// Open makes an external job's door ready: it has no cell and no lease, so what
// the guard is to know is asked for now.
func (g *Gateway) Open(ctx context.Context) error {
	if err := g.Refresh(ctx); err != nil {
		return err
	}
	g.prints.learning.Lock()
	defer g.prints.learning.Unlock()
	return g.askPrints(ctx, 0)
}

// ServeElsewhere serves the tools to an agent outside, which shows the job's
// token with each request. Nothing else of the gateway can be said here.
func (g *Gateway) ServeElsewhere(w http.ResponseWriter, r *http.Request) {
	if reason := g.stranger(r); reason != "" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="hotcell", error="invalid_token", error_description="`+reason+`"`)
		refuse(w, http.StatusUnauthorized, reason)
		return
	}
	g.serveTools(w, r)
}

// serveTools serves the tools to whoever may have them.
func (g *Gateway) serveTools(w http.ResponseWriter, r *http.Request) {
	if status, reason := g.over(); reason != "" {
		w.Header().Set("Retry-After", "1")
		refuse(w, status, reason)
		return
	}
	over, ok := g.underway(w, r)
	if !ok {
		return
	}
	defer over()
	if !g.paced(r, costMessage) || !g.heard(w, r) {
		return
	}
	r.Header.Del("Authorization") // nobody further in needs it
	g.box.ServeHTTP(w, r)
}

// Late says whether an external job's token is good no more, since its time is over.
func (g *Gateway) Late() bool {
	book := g.rules()
	return len(book.token) > 0 && !g.Now().Before(book.expires)
}

// stranger says why a request is not let in: what the vault said of the token is
// compared in constant time, and it is good only while the job lives.
func (g *Gateway) stranger(r *http.Request) string {
	const invalid = "the token is not valid, or its job has ended"
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || len(r.Header["Authorization"]) != 1 {
		return "send the job's token as a bearer token"
	}
	book := g.rules()
	if len(book.token) != sha256.Size || g.ctx.Err() != nil || !g.Now().Before(book.expires) {
		return invalid
	}
	if of, ok := hotcell.JobOf(token); !ok || of != g.Job.ID {
		return invalid
	}
	if sum := sha256.Sum256([]byte(token)); subtle.ConstantTimeCompare(sum[:], book.token) != 1 {
		return invalid
	}
	return ""
}
