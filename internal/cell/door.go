package cell

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"slices"
	"time"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/wire/relay"
)

// doorURL is where the command finds the door of its cell.
const doorURL = "http://127.0.0.1:3128"

// door is what the command may ask of the gateway in words: for more access, and
// for tools. Whatever else the gateway understands cannot be said here.
type door struct {
	conns chan net.Conn
}

func (i *initial) openDoor(ctx context.Context) *door {
	d := &door{conns: make(chan net.Conn)}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = "http", "gateway"
			p.Out.Host = "127.0.0.1" // one of its own, to the gateway
		},
		Transport: i.gateway.client.Transport, FlushInterval: -1,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+cellrpc.PathAsk, func(w http.ResponseWriter, r *http.Request) {
		proxy.ServeHTTP(&widening{ResponseWriter: w, widen: func() { _ = i.widen(ctx) }}, r)
	})
	mux.HandleFunc("POST "+cellrpc.PathMCP, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
		if err != nil {
			http.Error(w, "hotcell: a message has at most 4 MiB", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("request_access")) {
			w = &widening{ResponseWriter: w, widen: func() { _ = i.widen(ctx) }}
		}
		proxy.ServeHTTP(w, r)
	})
	mux.Handle(cellrpc.PathMCP, proxy)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "hotcell: the door of a cell takes POST "+cellrpc.PathAsk+" and "+cellrpc.PathMCP, http.StatusForbidden)
	})
	bordered := border.Handler("the door of a cell", slog.New(slog.NewTextHandler(os.Stderr, nil)), border.Refuse, mux)
	server := &http.Server{Handler: bordered, ReadHeaderTimeout: 30 * time.Second, ErrorLog: proxy.ErrorLog}
	border.Go("the door of a cell", caught, func() { _ = server.Serve(d) })
	return d
}

// maxMessage is how long a message to the cell's tools may be, in bytes.
const maxMessage = 4 << 20

// widening lets new names in before the command is told of them: before each
// piece of an answer, since any may be the one that tells.
type widening struct {
	http.ResponseWriter
	widen func()
}

func (w *widening) WriteHeader(status int) {
	w.widen()
	w.ResponseWriter.WriteHeader(status)
}

func (w *widening) Write(b []byte) (int, error) {
	w.widen()
	return w.ResponseWriter.Write(b)
}

// Unwrap lets a stream be flushed.
func (w *widening) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Accept implements [net.Listener].
func (d *door) Accept() (net.Conn, error) { return <-d.conns, nil }

// Close implements [net.Listener].
func (d *door) Close() error { return nil }

// Addr implements [net.Listener].
func (d *door) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: proxyPort} }

// take takes a connection on which no proxy's request came.
func (d *door) take(c net.Conn, r *bufio.Reader) { d.conns <- relay.Rest(c, r) }

// widen asks the gateway what may be reached now, and lets the names in that
// were not there before.
func (i *initial) widen(ctx context.Context) error { return i.widenFrom(ctx, cellrpc.PathSpec) }

func (i *initial) widenFrom(ctx context.Context, path string) error {
	var spec cellrpc.Spec
	if err := i.gateway.get(ctx, path, &spec); err != nil {
		return err
	}
	i.widening.Lock()
	defer i.widening.Unlock()
	for _, n := range spec.Names {
		at := slices.IndexFunc(i.spec.Names, func(o cellrpc.Name) bool { return o.Host == n.Host })
		if at < 0 {
			i.spec.Names = append(i.spec.Names, cellrpc.Name{Host: n.Host})
			at = len(i.spec.Names) - 1
		}
		known := &i.spec.Names[at]
		for _, port := range n.Ports {
			if slices.Contains(known.Ports, port) {
				continue
			}
			if err := i.doors(ctx, n.Host, i.names.add(n.Host), []int{port}); err != nil {
				return err
			}
			known.Ports = append(known.Ports, port)
		}
	}
	return nil
}
