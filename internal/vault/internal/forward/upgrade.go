package forward

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/value/guard"
	"hotcell/internal/vault/internal/live"
	"hotcell/internal/wire/frames"
	"hotcell/internal/wire/scrub"
)

// upgraded joins the two sides of a WebSocket. What comes back is scrubbed message by
// message. In what the job sends no stand-in is swapped, since a message has no places
// that a service declares; one that holds a stand-in ends the connection.
func (f *forwarding) upgraded(w http.ResponseWriter, answer *http.Response, asked *scrub.Asked) (int64, string) {
	s, ctx := f.service, f.out.Context()
	upstream, ok := answer.Body.(io.ReadWriteCloser)
	if !ok {
		s.faulty(w, http.StatusBadGateway, "unavailable", "the host changed the protocol in a way that cannot be followed")
		return 0, "an upgrade that cannot be followed"
	}
	scrub.HeaderCounted(answer.Header, f.pattern, asked.Told)
	client, err := frames.Accept(w, answer)
	if err != nil {
		return 0, "the connection broke off"
	}
	defer func() { _ = client.Close() }()
	release := live.Bind(ctx, client, upstream)
	defer release()
	talk := &talk{ReadWriteCloser: client, ctx: ctx, guesses: s.Guesses, job: f.job, asked: asked}
	sent, received, refused := frames.Join(talk, upstream, frames.Sides{
		Up:   frames.Guarded(f.standIns, func(guard.Match) guard.Verdict { return guard.Refuse }, true),
		Down: frames.Counted(f.pattern, nil, true, asked.Told), Caught: border.Log(s.Log),
	})
	if reason := asked.Answered(); reason != "" {
		talk.reason = reason
	}
	switch {
	case refused != nil && f.stoodIn(refused.ID):
		return sent + received, fmt.Sprintf("ended: the stand-in of %s stands in a WebSocket's message, where it is not swapped for its value", refused.Name)
	case refused != nil:
		return sent + received, "ended: the upstream repeated the credential over several messages"
	}
	return sent + received, talk.reason
}

// stoodIn says whether it is a stand-in that was found, and no value.
func (f *forwarding) stoodIn(id string) bool {
	for _, used := range f.uses {
		if used.Use.Name == id {
			return true
		}
	}
	return false
}

// talk is the job's side of a WebSocket: what it says is counted as requests are.
type talk struct {
	io.ReadWriteCloser
	ctx     context.Context //nolint:containedctx // that of the request, which the WebSocket is
	guesses *scrub.Guesses
	job     hotcell.JobID
	asked   *scrub.Asked
	// reason is what the log is told in the end.
	reason string
}

// Read implements [io.Reader].
func (t *talk) Read(p []byte) (int, error) {
	n, err := t.ReadWriteCloser.Read(p)
	if n == 0 {
		return n, err
	}
	if reason := t.asked.Answered(); reason != "" {
		t.reason = reason
	}
	t.asked.Also(p[:n])
	if waited := t.guesses.Pause(t.ctx, t.job); waited != nil {
		return 0, waited
	}
	return n, err
}
