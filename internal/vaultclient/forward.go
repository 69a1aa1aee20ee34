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
	"hotcell/internal/vaultrpc"
)

// forwardURL is where requests are forwarded; the host is never resolved.
var forwardURL = &url.URL{Scheme: "http", Host: "vault", Path: vaultrpc.Forward}

// Forward has the vault do a request that needs a credential. The headers of
// package vaultrpc say for whom, with what, and where to.
func (w *Worker) Forward(r *http.Request) (*http.Response, error) {
	r.URL, r.Host, r.RequestURI = forwardURL, forwardURL.Host, ""
	do := w.peer.HTTP().Transport.RoundTrip
	if poolable(r) {
		do = w.pool.Repeatable
	}
	answer, err := do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: the vault does not answer: %w", hotcell.ErrUnavailable, err)
	}
	return answer, nil
}

// poolable says whether a request may go over a connection that was kept, and
// once more over another where that broke: it has no body, changes nothing
// (RFC 9110 section 9.2.1), and keeps the protocol.
func poolable(r *http.Request) bool {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	return safe && (r.Body == nil || r.Body == http.NoBody) && r.Header.Get("Upgrade") == ""
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
	answer, err := w.peer.HTTP().Transport.RoundTrip(r)
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
