package gateway

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"hotcell"
	"hotcell/internal/cellrpc"
	"hotcell/internal/site"
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
	entry, err := site.ParseAllow(question.Host)
	if err != nil {
		refuse(w, http.StatusBadRequest, "ask for a host: HOST[:PORT][/PROTOCOL]")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTime)
	defer cancel()
	// What a person reads goes through the guard as well.
	why := string(g.patterns.Load().Redact([]byte(question.Why)))
	if guarded := g.patterns.Load().Contains([]byte(entry.Host)); guarded {
		refuse(w, http.StatusForbidden, "the host's name holds one of the job's own values")
		return
	}
	decided, err := g.Vault.Ask(ctx, g.Job.ID, entry, why)
	if err != nil {
		g.fail(w, err)
		return
	}
	out := cellrpc.Asked{Request: string(decided.ID), State: string(decided.State)}
	switch decided.State {
	case hotcell.RequestApproved:
		if err := g.Refresh(r.Context()); err != nil {
			g.fail(w, err)
			return
		}
		out.Name = &cellrpc.Name{Host: entry.Host, Ports: []int{entry.Port}}
		out.Text = site.FormatAllow(entry) + " may be reached from now on"
	case hotcell.RequestPending:
		out.Text = "nobody has decided yet: ask again to go on waiting"
	case hotcell.RequestRefused, hotcell.RequestExpired:
		out.Text = "it was refused"
	}
	answer(w, out)
}
