package vaultclient

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

// forwardURL is where requests are forwarded; the host is never resolved.
var forwardURL = &url.URL{Scheme: "http", Host: "vault", Path: vaultrpc.Forward}

// Forward has the vault do a request that needs a credential. The headers of
// package vaultrpc say for whom, with what, and where to.
func (w *Worker) Forward(r *http.Request) (*http.Response, error) {
	r.URL, r.Host, r.RequestURI = forwardURL, forwardURL.Host, ""
	answer, err := w.way(r)(r)
	if err != nil {
		return nil, fmt.Errorf("%w: the vault does not answer: %w", hotcell.ErrUnavailable, err)
	}
	return answer, nil
}

// way is how a request goes to the vault: so that it is sent once. A vault that
// died may have sent it on, and only the service knows what came of it.
func (w *Worker) way(r *http.Request) func(*http.Request) (*http.Response, error) {
	switch {
	case r.Header.Get("Upgrade") != "":
		return w.peer.Alone().RoundTrip
	case r.Body == nil || r.Body == http.NoBody:
		return w.pool.Once
	}
	r.GetBody = nil
	return w.peer.HTTP().Transport.RoundTrip
}

// Connect has the vault make a connection to a database, and returns it once
// the database has let the vault in.
func (w *Worker) Connect(ctx context.Context, job hotcell.JobID, use hotcell.AttachmentID, open vaultrpc.DatabaseOpening) (io.ReadWriteCloser, vaultrpc.DatabaseOpened, error) {
	var opened vaultrpc.DatabaseOpened
	text, err := json.Marshal(open)
	if err != nil {
		return nil, opened, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://vault"+vaultrpc.Connect, nil)
	if err != nil {
		return nil, opened, err
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "hotcell-database")
	r.Header.Set(vaultrpc.HeaderJob, string(job))
	r.Header.Set(vaultrpc.HeaderUse, string(use))
	r.Header.Set(vaultrpc.HeaderOpening, string(text))
	answer, err := w.peer.Alone().RoundTrip(r)
	if err != nil {
		return nil, opened, fmt.Errorf("%w: the vault does not answer: %w", hotcell.ErrUnavailable, err)
	}
	conn, ok := answer.Body.(io.ReadWriteCloser)
	if answer.StatusCode != http.StatusSwitchingProtocols || !ok {
		defer func() { _ = answer.Body.Close() }()
		said, _ := io.ReadAll(io.LimitReader(answer.Body, 2048))
		sentinel := hotcell.ErrUnavailable
		if answer.StatusCode == http.StatusForbidden {
			sentinel = hotcell.ErrDenied
		}
		return nil, opened, fmt.Errorf("%w: %s", sentinel, strings.TrimSpace(string(said)))
	}
	if err := json.Unmarshal([]byte(answer.Header.Get(vaultrpc.HeaderOpened)), &opened); err != nil {
		_ = conn.Close()
		return nil, opened, fmt.Errorf("reading the vault's answer: %w", err)
	}
	return conn, opened, nil
}
