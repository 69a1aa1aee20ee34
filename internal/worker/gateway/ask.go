package gateway

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"hotcell"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/text/site"
)

// askTime is how long one question waits; the cell may ask again.
const askTime = 10 * time.Minute

// askHint tells an agent how to ask for what it was refused.
func askHint(status int, host string) string {
	if status != http.StatusForbidden {
		return ""
	}
	return fmt.Sprintf(`. To ask a person for it: curl -d '{"host":%q,"why":"…"}' $HOTCELL_URL/request`, host)
}

// ask asks a person for a host that the job may not reach, and waits.
func (g *Gateway) ask(w http.ResponseWriter, r *http.Request) {
	var question cellrpc.Ask
	if !read(w, r, &question) {
		return
	}
	out, err := g.askFor(r.Context(), question)
	if err != nil {
		g.fail(w, err)
		return
	}
	answer(w, out)
}

// askFor asks, and has the rules read anew where it was granted.
func (g *Gateway) askFor(ctx context.Context, question cellrpc.Ask) (out cellrpc.Asked, err error) {
	entry, err := site.ParseAllow(question.Host)
	if err != nil {
		return out, err
	}
	patterns := g.patterns.Load()
	if patterns.Contains([]byte(entry.Host)) {
		return out, fmt.Errorf("%w: the host's name holds one of the job's own values", hotcell.ErrDenied)
	}
	waiting, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	over, err := g.asks()
	if err != nil {
		return out, err
	}
	defer over()
	// What a person reads goes through the guard as well.
	decided, err := g.Vault.Ask(waiting, g.Job.ID, entry, string(patterns.Redact([]byte(question.Why))))
	if err != nil {
		return out, err
	}
	out = cellrpc.Asked{Request: string(decided.ID), State: string(decided.State)}
	switch decided.State {
	case hotcell.RequestApproved:
		if err := g.Refresh(ctx); err != nil {
			return out, err
		}
		out.Name = &cellrpc.Name{Host: entry.Host, Ports: []int{entry.Port}}
		out.Text = site.FormatAllow(entry) + " may be reached from now on"
	case hotcell.RequestPending:
		out.Text = "nobody has decided yet: ask again to go on waiting"
	case hotcell.RequestRefused, hotcell.RequestExpired:
		out.Text = "it was refused"
	}
	return out, nil
}
