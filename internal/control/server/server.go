// Package server is the control plane's listeners: the line on which the vault hands
// over who came by the socket in the data folder, each with a bearer of their own
// ([Bearer]), and the open port, by TLS off loopback: browsers that connect an account, and agents
// elsewhere with the token of their job.
//
// It guards who reaches the API at all. It holds no rules about what they may
// do there. One way to use it:
//
//	s, err := server.Open(server.Config{…})
//	s.Serve(local, public)
//	err = s.Run(ctx)
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"hotcell"
	"hotcell/internal/line/border"
	"hotcell/internal/line/socketpair"
)

// Config is what the listeners need.
type Config struct {
	// Local is the line on which the vault hands over whom it lets in.
	Local *socketpair.Listener
	// Parted is told of a bearer whose connection has ended; nil for nobody.
	Parted func(hotcell.Bearer)
	// Listen is an address and port; off loopback it takes TLS.
	Listen string
	// TLS is how the port speaks; nil for plain HTTP.
	TLS *tls.Config
	// Requests and Connections are how many each listener bears at a time; 0 for 1,024
	// and 4,096.
	Requests, Connections int
	Log                   *slog.Logger
}

// Server is the listeners, open.
type Server struct {
	config Config
	local  net.Listener
	public net.Listener
	faces  struct{ local, public http.Handler }
}

// Open opens the listeners. A Listen that is not loopback is refused without TLS.
func Open(c Config) (*Server, error) {
	address, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("reading the address to listen on: %w", err)
	}
	if c.TLS == nil && !address.IP.IsLoopback() {
		return nil, hotcell.Invalid("/listen", "a listener off loopback needs TLS: listen on 127.0.0.1 instead of %s", c.Listen)
	}
	public, err := net.ListenTCP("tcp", address) // what was checked, and not what a name means by now
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return &Server{config: c, local: &letIn{Listener: c.Local, parted: c.Parted}, public: public}, nil
}

// Serve says what is served, before Run: local on the socket, public on the
// port, whose address is known by then.
func (s *Server) Serve(local, public http.Handler) { s.faces.local, s.faces.public = local, public }

// Address is where the public listener listens.
func (s *Server) Address() string { return s.public.Addr().String() }

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	serve := func(l net.Listener, h http.Handler, secure *tls.Config) {
		server := &http.Server{
			Handler: ceiling(cmp.Or(s.config.Requests, mostRequests), h), ConnState: newCrowd(cmp.Or(s.config.Connections, mostConnections)).changed,
			ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
			BaseContext: func(net.Listener) context.Context { return ctx }, ConnContext: borne,
			ErrorLog: slog.NewLogLogger(s.config.Log.Handler(), slog.LevelWarn), TLSConfig: secure,
		}
		group.Go(border.Err("a listener", func() error {
			run := server.Serve
			if secure != nil {
				run = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
			}
			if err := run(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		}))
		group.Go(border.Err("the end of a listener", func() error {
			<-ctx.Done()
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			if server.Shutdown(bounded) != nil {
				return server.Close()
			}
			return nil
		}))
	}
	serve(s.local, s.faces.local, nil)
	serve(s.public, s.faces.public, s.config.TLS)
	return group.Wait()
}
