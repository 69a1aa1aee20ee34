package forward

import (
	"context"
	"io"
	"net/http"

	"hotcell/internal/border"
	"hotcell/internal/frames"
	"hotcell/internal/guard"
	"hotcell/internal/live"
	"hotcell/internal/scrub"
)

// upgraded joins the two sides of a WebSocket; what comes back is scrubbed
// frame by frame.
func (s *Service) upgraded(ctx context.Context, w http.ResponseWriter, answer *http.Response, pattern *guard.Patterns) (int64, string) {
	upstream, ok := answer.Body.(io.ReadWriteCloser)
	if !ok {
		s.faulty(w, http.StatusBadGateway, "unavailable", "the host changed the protocol in a way that cannot be followed")
		return 0, "an upgrade that cannot be followed"
	}
	scrub.Header(answer.Header, pattern, nil)
	client, err := frames.Accept(w, answer)
	if err != nil {
		return 0, "the connection broke off"
	}
	defer func() { _ = client.Close() }()
	release := live.Bind(ctx, client, upstream)
	defer release()
	sent, received, refused := frames.Join(client, upstream, frames.Sides{Down: frames.Guarded(pattern, nil, true), Caught: border.Log(s.Log)})
	if refused != nil {
		return sent + received, "ended: the upstream repeated the credential over several messages"
	}
	return sent + received, ""
}
