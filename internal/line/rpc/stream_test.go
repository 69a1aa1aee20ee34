package rpc_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/rpc"
)

// serve serves a mux and returns a client of it.
func serve(t *testing.T, handler http.Handler) *rpc.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return rpc.NewClient(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	})
}

func TestACallerThatLeavesEndsTheStreamAtBothEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	mux := http.NewServeMux()
	rpc.HandleStream(mux, procedure, func(ctx context.Context, in *message, send func(*message) error) error {
		if err := send(in); err != nil {
			return err
		}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	got := 0
	err := rpc.CallStream(ctx, serve(t, mux), procedure, &message{Text: "x"}, func(*message) error {
		got++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, hotcell.ErrUnavailable) || got != 1 {
		t.Errorf("%d messages, then %v", got, err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler ended with %v", err)
	}
}

func TestACallerThatLeavesACallEndsIt(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}), make(chan struct{})
	c := peer(t, func(ctx context.Context, _ *message) (*message, error) {
		close(begun)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	if _, err := rpc.Call[message, message](ctx, c, procedure, &message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	<-ended
}

func TestAnyOtherErrorOfAStreamStaysBehind(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	rpc.HandleStream(mux, procedure, func(context.Context, *message, func(*message) error) error {
		return errors.New("CANARY at /secret/path")
	})
	err := rpc.CallStream(t.Context(), serve(t, mux), procedure, &message{}, func(*message) error { return nil })
	if err == nil || strings.Contains(err.Error(), "CANARY") || errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestMessagesTravelAsTheyAreAndNotWithoutABound(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	rpc.Handle(mux, procedure, func(_ context.Context, in *message) (*message, error) { return in, nil })
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if strings.Contains(strings.Join(values, " "), "gzip") {
				t.Errorf("the header %s asks for compression", name)
			}
		}
		mux.ServeHTTP(w, r)
	}))
	out, err := rpc.Call[message, message](t.Context(), c, procedure, &message{Text: strings.Repeat("x", 1<<20)})
	if err != nil || len(out.Text) != 1<<20 {
		t.Errorf("a megabyte: %v", err)
	}
	if _, err := rpc.Call[message, message](t.Context(), c, procedure, &message{Text: strings.Repeat("x", 33<<20)}); err == nil {
		t.Error("33 MiB went through")
	}
}
