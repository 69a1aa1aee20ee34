package gateway

import (
	"context"
	"strings"
	"time"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/store/audit"
)

// report has an event recorded: by itself, or, where the job causes many, with
// those that are like it, counted, a minute later at the latest and before the end.
func (g *Gateway) report(e hotcell.Event) error { return g.reportAlike(e, e.Reason) }

// reportAlike is report of an event that is like others although its reason says more
// than theirs.
func (g *Gateway) reportAlike(e hotcell.Event, alike string) error {
	if e.Decision == hotcell.Refused && e.Host != "" {
		g.refusals.note(e, g.Now())
	}
	if g.floods(e.Kind) {
		switch single, first := g.digest.Add(e, alike, g.Now()); {
		case first:
			border.After(audit.DigestPeriod, "counted events", border.Log(g.Config.Log), func() { g.tellCounted(false) })
			return nil
		case !single:
			return nil
		}
	}
	return g.record(e)
}

// floods says whether a job can cause events of a kind as fast as it likes.
func (g *Gateway) floods(kind string) bool {
	return strings.HasPrefix(kind, "network.") || kind == "guard.refuse" || kind == "lease.refuse"
}

// tellCounted has recorded what was only counted so far.
func (g *Gateway) tellCounted(end bool) {
	for _, e := range g.digest.Due(g.Now(), end) {
		_ = g.record(e)
	}
}

// record records what the cell did. It does not end with a request: what was
// done is told even if whoever did it is gone.
func (g *Gateway) record(e hotcell.Event) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := g.Vault.Report(ctx, g.Job.ID, e); err != nil {
		g.Config.Log.Error("a cell's event could not be recorded", "job", g.Job.ID, "kind", e.Kind, "error", err)
		return err
	}
	return nil
}
