package gateway

import (
	"net/http"

	"hotcell/internal/line/cellrpc"
)

// cacheSize is how many bytes the job's cache may have; 0 without one. The cell of a
// trial is looked at, and changes nothing.
func (g *Gateway) cacheSize() int64 {
	if g.Job.Trial {
		return 0
	}
	return g.Job.Work.Limits.Cache
}

// cache hands out what earlier jobs like this one kept. Without it a job is slower, and
// nothing else.
func (g *Gateway) cache(w http.ResponseWriter, r *http.Request) {
	if g.cacheSize() == 0 {
		refuse(w, http.StatusForbidden, "this job has no cache")
		return
	}
	archive, err := g.Sink.Cache(r.Context(), g.rules().Uses)
	if err != nil {
		g.Config.Log.Warn("a job starts without its cache", "job", g.Job.ID, "error", err)
	}
	if err != nil || archive == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	g.give(w, archive, "a cache")
}

// keepCache takes what is to be kept.
func (g *Gateway) keepCache(w http.ResponseWriter, r *http.Request) {
	if g.cacheSize() == 0 {
		refuse(w, http.StatusForbidden, "this job has no cache")
		return
	}
	// An archive has more than its files: at worst twice, where they are small.
	most := 2*g.cacheSize() + 32<<20
	g.done(w, g.Sink.KeepCache(r.Context(), g.rules().Uses, http.MaxBytesReader(w, r.Body, most)))
}

// tellCache says in the job's log that a cache was not kept, which its end does not.
func (g *Gateway) tellCache(exit cellrpc.Exit) {
	if exit.Cache != "" {
		g.say("what it would have kept for the next job was not kept: " + exit.Cache)
	}
}
