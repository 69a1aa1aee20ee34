package vaultclient_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultclient"
)

// TestARequestThatChangesSomethingIsSentOnce has the vault go away in the midst
// of a request, on a connection that was kept.
func TestARequestThatChangesSomethingIsSentOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var gone atomic.Bool
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if gone.Load() {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "well")
	}))
	t.Cleanup(vault.Close)
	worker := vaultclient.NewWorker(rpc.NewClient(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", vault.Listener.Addr().String())
	}))
	send := func(method string) error {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://vault/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := worker.Forward(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return err
	}
	for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodPut} {
		gone.Store(false)
		if err := send(method); err != nil {
			t.Fatal(err)
		}
		gone.Store(true)
		before := asked.Load()
		if err := send(method); err == nil || asked.Load() != before+1 {
			t.Errorf("%s was sent %d times, %v", method, asked.Load()-before, err)
		}
	}
	gone.Store(false)
	for range 3 {
		if err := send(http.MethodGet); err != nil {
			t.Errorf("a GET after all that: %v", err)
		}
	}
}
