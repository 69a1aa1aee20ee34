package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/line/rpc"
)

func TestACallOverAPoolIsTheSameCall(t *testing.T) {
	t.Parallel()
	for _, want := range []error{
		nil, hotcell.ErrNotFound, hotcell.ErrDenied, hotcell.ErrConflict, hotcell.ErrUnavailable, hotcell.ErrNeedsReconnect, hotcell.ErrRateLimited, hotcell.ErrTampered,
		hotcell.Invalid("/a/0", "this is nö form\n\"quoted\""), &hotcell.StaleError{Current: 7}, errors.New("CANARY"),
	} {
		c := peer(t, func(_ context.Context, in *message) (*message, error) {
			if want != nil {
				return nil, fmt.Errorf("doing it: %w", want)
			}
			return in, nil
		})
		pool, over := rpc.NewPool(c), rpc.NewPool(c)
		for range 3 {
			in := &message{Text: "<&>\x00é", Bytes: []byte{0, 255}}
			plain, err := rpc.Call[message, message](t.Context(), c, procedure, in)
			quick, also := rpc.CallOver[message, message](t.Context(), pool, procedure, in)
			if fmt.Sprint(err) != fmt.Sprint(also) || (err == nil) != (also == nil) || err == nil && (plain.Text != quick.Text || string(plain.Bytes) != string(quick.Bytes)) {
				t.Errorf("%v: %+v, %v; over a pool %+v, %v", want, plain, err, quick, also)
			}
			if both, third := rpc.CallOver[message, message](t.Context(), over, quickly, in); fmt.Sprint(third) != fmt.Sprint(err) || err == nil && both.Text != plain.Text {
				t.Errorf("%v: served quickly %+v, %v", want, both, third)
			}
			for _, sentinel := range []error{hotcell.ErrNotFound, hotcell.ErrDenied, hotcell.ErrInvalid, hotcell.ErrStale, hotcell.ErrUnavailable, hotcell.ErrTampered} {
				if errors.Is(err, sentinel) != errors.Is(also, sentinel) {
					t.Errorf("%v arrives as %v, and over a pool as %v", want, err, also)
				}
			}
		}
	}
}

func TestACallOverAPoolEndsWithItsContext(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	c := peer(t, func(ctx context.Context, _ *message) (*message, error) {
		close(began)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	if _, err := rpc.CallOver[message, message](ctx, rpc.NewPool(c), procedure, &message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestAConnectionThatThePeerClosedIsNotUsed(t *testing.T) {
	t.Parallel()
	var asked, dialled atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	closed := make(chan struct{}, 100)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			closed <- struct{}{}
		}
	}
	server.Config.IdleTimeout = 10 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	pool := rpc.NewPool(rpc.NewClient(func(ctx context.Context) (net.Conn, error) {
		dialled.Add(1)
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}))
	for n := range int64(5) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://peer/", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := pool.Once(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = answer.Body.Read(make([]byte, 1)) // its end
		_ = answer.Body.Close()
		<-closed
		if asked.Load() != n+1 {
			t.Errorf("%d requests, sent %d times", n+1, asked.Load())
		}
	}
	if dialled.Load() != 5 {
		t.Errorf("dialled %d times", dialled.Load())
	}
}
