package gateway

import (
	"errors"
	"io"
	"net/http"

	"hotcell"
	"hotcell/internal/line/border"
)

// border has a fault of ours end the one request that met it. The cell is told,
// and so is the audit log.
func (g *Gateway) border(at string, next http.Handler) http.Handler {
	return border.Handler(at, g.Config.Log, func(w http.ResponseWriter, r *http.Request) {
		about := hotcell.Event{}
		if to, ok := r.Context().Value(targetKey{}).(*target); ok && to != nil {
			about.Host = to.host
		}
		g.noteRefusal(about, (&border.Fault{}).Error())
		border.Refuse(w, r)
	}, next)
}

// body is a request's body for whoever reads it in a goroutine of their own, as
// transports do.
func (g *Gateway) body(from io.ReadCloser) io.ReadCloser {
	if from == nil || from == http.NoBody {
		return from
	}
	return border.Reader("the body of a cell's request", border.Log(g.Config.Log), from)
}

// told says whether an error is a fault of ours, and has told the log if so.
func (g *Gateway) told(err error) bool {
	if _, ok := errors.AsType[*border.Fault](err); !ok {
		return false
	}
	return border.Tell(g.Config.Log, err)
}
