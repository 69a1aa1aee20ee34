package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

// borne is a message that bears something.
type borne struct {
	message
	bearer string
}

func (b *borne) Bearer() string        { return b.bearer }
func (b *borne) SetBearer(text string) { b.bearer = text }

// What a message bears is beside it and not in it, whichever way it is sent.
func TestWhatAMessageBearsTravelsBesideIt(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	rpc.Handle(mux, procedure, func(_ context.Context, in *borne) (*message, error) { return &message{Text: in.bearer}, nil })
	rpc.HandleStream(mux, "/test/Stream", func(_ context.Context, in *borne, send func(*message) error) error {
		return send(&message{Text: in.bearer})
	})
	rpc.HandleBody(mux, "/test/Body", func(_ context.Context, in *borne, w http.ResponseWriter) error {
		_, err := io.WriteString(w, in.bearer)
		return err
	})
	bodies := make(chan string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c := rpc.NewClient(func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	})
	for _, bearer := range []string{"hcl_CANARY", ""} {
		sent := func() *borne { return &borne{message{Text: "said"}, bearer} }
		one, err := rpc.Call[borne, message](t.Context(), c, procedure, sent())
		if err != nil || one.Text != bearer {
			t.Errorf("a call arrived with %q, %v", one.Text, err)
		}
		err = rpc.CallStream[borne, message](t.Context(), c, "/test/Stream", sent(), func(m *message) error {
			if m.Text != bearer {
				t.Errorf("a stream arrived with %q", m.Text)
			}
			return nil
		})
		_, body, failed := rpc.CallBody(t.Context(), c, "/test/Body", sent())
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		if text, err := io.ReadAll(body); err != nil || string(text) != bearer {
			t.Errorf("a body arrived with %q, %v", text, err)
		}
		_ = body.Close()
		for range 3 {
			if b := <-bodies; strings.Contains(b, "CANARY") || !strings.Contains(b, "said") {
				t.Errorf("the message is %q", b)
			}
		}
	}
}
