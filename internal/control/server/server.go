// Package server is the control plane's listeners: the unix socket in the data
// folder, on which whoever owns the folder is the owner of the workspace, and
// the loopback port, on which nobody is signed in: browsers that connect an account,
// and agents elsewhere with the token of their job.
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
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
)

// Config is what the listeners need.
type Config struct {
	// Socket is the path of the unix socket.
	Socket string
	// Listen is a loopback address and port.
	Listen string
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

// Open opens the listeners. A Listen that is not loopback is refused: there is
// no TLS yet.
func Open(c Config) (*Server, error) {
	address, err := net.ResolveTCPAddr("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("reading the address to listen on: %w", err)
	}
	if !address.IP.IsLoopback() {
		return nil, fmt.Errorf("a listener off loopback needs TLS, which this version does not have: listen on 127.0.0.1 instead of %s", c.Listen)
	}
	public, err := net.ListenTCP("tcp", address) // what was checked, and not what a name means by now
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	local, err := listenLocal(c.Socket)
	if err != nil {
		return nil, errors.Join(err, public.Close())
	}
	return &Server{config: c, local: local, public: public}, nil
}

// maxSocket is how long a socket's path may be, in bytes (unix(7)).
const maxSocket = 107

// listenLocal opens the unix socket for its owner alone. A socket that a dead
// server left behind is replaced: the folder's lock says that it is dead.
func listenLocal(path string) (net.Listener, error) {
	if len(path) > maxSocket {
		return nil, fmt.Errorf("the path of the socket in the data folder has at most %d bytes, and this has %d: use a folder with a shorter path", maxSocket, len(path))
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("looking for an old socket: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return nil, fmt.Errorf("%s is no socket, and in its place: move it away", path)
	default:
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("replacing the old socket: %w", err)
		}
	}
	old := unix.Umask(0o177)
	defer unix.Umask(old)
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("opening the socket in the data folder: %w", err)
	}
	return &ownersListener{l}, nil
}

// Serve says what is served, before Run: local on the socket, public on the
// port, whose address is known by then.
func (s *Server) Serve(local, public http.Handler) { s.faces.local, s.faces.public = local, public }

// Address is where the public listener listens.
func (s *Server) Address() string { return s.public.Addr().String() }

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	serve := func(l net.Listener, h http.Handler) {
		server := &http.Server{
			Handler: ceiling(cmp.Or(s.config.Requests, mostRequests), h), ConnState: newCrowd(cmp.Or(s.config.Connections, mostConnections)).changed,
			ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
			BaseContext: func(net.Listener) context.Context { return ctx },
			ErrorLog:    slog.NewLogLogger(s.config.Log.Handler(), slog.LevelWarn),
		}
		group.Go(border.Err("a listener", func() error {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
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
	serve(s.local, s.faces.local)
	serve(s.public, s.faces.public)
	return group.Wait()
}

// ownersListener accepts connections of its own uid and of root, by what the
// kernel says of the peer (SO_PEERCRED), whatever the socket's mode has become.
type ownersListener struct{ net.Listener }

func (l *ownersListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if peerMay(c) {
			return c, nil
		}
		_ = c.Close()
	}
}

func peerMay(c net.Conn) bool {
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	may := false
	err = raw.Control(func(fd uintptr) {
		peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		may = err == nil && (peer.Uid == 0 || int(peer.Uid) == os.Geteuid())
	})
	return err == nil && may
}
