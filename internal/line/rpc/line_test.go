package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/rpc"
)

type message struct {
	Text  string `json:"text"`
	Bytes []byte `json:"bytes,omitempty"`
}

const (
	procedure = "/test/Call"
	quickly   = "/test/Quick"
)

// peer serves fn and returns a client of it.
func peer(t *testing.T, fn func(context.Context, *message) (*message, error)) *rpc.Client {
	t.Helper()
	mux := http.NewServeMux()
	rpc.Handle(mux, procedure, fn)
	rpc.HandleOver(mux, quickly, fn)
	rpc.HandleStream(mux, "/test/Stream", func(_ context.Context, in *message, send func(*message) error) error {
		for i := range 3 {
			if err := send(&message{Text: fmt.Sprint(in.Text, i)}); err != nil {
				return err
			}
		}
		return hotcell.ErrConflict
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return rpc.NewClient(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	})
}

func TestASentinelArrivesAsItself(t *testing.T) {
	t.Parallel()
	sentinels := []error{
		hotcell.ErrNotFound, hotcell.ErrDenied, hotcell.ErrConflict, hotcell.ErrStale, hotcell.ErrInvalid, hotcell.ErrUnavailable,
		hotcell.ErrNeedsReconnect, hotcell.ErrRateLimited, hotcell.ErrTampered,
	}
	for i, want := range sentinels {
		c := peer(t, func(context.Context, *message) (*message, error) { return nil, fmt.Errorf("doing it: %w: since", want) })
		_, err := rpc.Call[message, message](t.Context(), c, procedure, &message{})
		for j, other := range sentinels {
			if errors.Is(err, other) != (i == j) {
				t.Errorf("%v arrived as %v", want, err)
			}
		}
		if want != hotcell.ErrUnavailable && !strings.Contains(err.Error(), "since") {
			t.Errorf("its text is %q", err)
		}
	}
}

func TestWhatAnErrorCarriesArrives(t *testing.T) {
	t.Parallel()
	c := peer(t, func(_ context.Context, in *message) (*message, error) {
		if in.Text == "field" {
			return nil, fmt.Errorf("reading: %w", hotcell.Invalid("/a/0", "this is nö form\n\"quoted\""))
		}
		return nil, &hotcell.StaleError{Current: 7}
	})
	_, err := rpc.Call[message, message](t.Context(), c, procedure, &message{Text: "field"})
	if f, ok := errors.AsType[*hotcell.FieldError](err); !ok || f.Pointer != "/a/0" || f.Reason != "this is nö form\n\"quoted\"" {
		t.Errorf("%#v", err)
	}
	_, err = rpc.Call[message, message](t.Context(), c, procedure, &message{})
	if s, ok := errors.AsType[*hotcell.StaleError](err); !ok || s.Current != 7 {
		t.Errorf("%#v", err)
	}
}

func TestAnyOtherErrorStaysBehind(t *testing.T) {
	t.Parallel()
	c := peer(t, func(context.Context, *message) (*message, error) { return nil, errors.New("CANARY at /secret/path") })
	_, err := rpc.Call[message, message](t.Context(), c, procedure, &message{})
	if err == nil || strings.Contains(err.Error(), "CANARY") || errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if !rpc.Internal(errors.New("x")) || rpc.Internal(hotcell.ErrDenied) || rpc.Internal(context.Canceled) {
		t.Error("Internal is wrong about what is logged here")
	}
}

func TestNobodyThereIsUnavailable(t *testing.T) {
	t.Parallel()
	c := rpc.NewClient(func(context.Context) (net.Conn, error) { return nil, errors.New("nobody") })
	if _, err := rpc.Call[message, message](t.Context(), c, procedure, &message{}); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rpc.Call[message, message](ended, c, procedure, &message{}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended: %v", err)
	}
}

func TestMessagesAndStreams(t *testing.T) {
	t.Parallel()
	c := peer(t, func(_ context.Context, in *message) (*message, error) { return in, nil })
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	out, err := rpc.Call[message, message](t.Context(), c, procedure, &message{Text: "<&>\x00é", Bytes: all})
	if err != nil || out.Text != "<&>\x00é" || string(out.Bytes) != string(all) {
		t.Errorf("%+v, %v", out, err)
	}
	var got []string
	err = rpc.CallStream(t.Context(), c, "/test/Stream", &message{Text: "x"}, func(m *message) error {
		got = append(got, m.Text)
		return nil
	})
	if strings.Join(got, " ") != "x0 x1 x2" || !errors.Is(err, hotcell.ErrConflict) {
		t.Errorf("%q, %v", got, err)
	}
	stop := errors.New("stop")
	if err := rpc.CallStream(t.Context(), c, "/test/Stream", &message{}, func(*message) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}
