package cell

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"hotcell/internal/line/border"
	"hotcell/internal/line/cellrpc"
	"hotcell/internal/value/guard"
)

// initial is the init of one cell: process 1, which nothing inside can look into.
type initial struct {
	gateway *gateway
	stage   *stage
	// confined is what the command is confined to.
	confined confinement
	spec     cellrpc.Spec
	sealed   *sealedLease
	secrets  []variable
	witness  *witness
	// java is the store of authorities for Java; empty where the cell has no Java.
	java  string
	names names
	// cached is the cache as it came.
	cached [sha256.Size]byte
	// widening is held while names are added.
	widening sync.Mutex
	// guard knows the job's values, once the lease is open.
	guard atomic.Pointer[guard.Patterns]
}

// InitMain is process 1 of a cell. It returns the exit code of the process; its
// end is the end of everything in the cell.
func InitMain() int {
	if err := initMain(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "hotcell: cell:", err)
		return 1
	}
	return 0
}

func initMain(ctx context.Context) error {
	g, ending, err := enter()
	if err != nil {
		return err
	}
	i := &initial{gateway: g, confined: confinementOf(os.Args)}
	var exit cellrpc.Exit
	if err := border.Run("a job's cell", func() error { exit = i.live(ctx); return nil }); err != nil {
		border.Func("a job's cell", caught, func() { i.forget() })()
		fault(err)
		exit = unstarted(err)
	}
	ending.Store(true)
	if err := g.post(ctx, cellrpc.PathExit, exit, nil); err != nil {
		return fmt.Errorf("telling how the job ended: %w", err)
	}
	return nil
}

// enter closes this process off, and opens the line to its gateway. Before the
// end that is meant, ending is to be set.
func enter() (g *gateway, ending *atomic.Bool, err error) {
	if os.Getpid() != 1 {
		return nil, nil, errors.New("this is the init of a cell, and runs as its process 1 only")
	}
	if err := closeOff(); err != nil {
		return nil, nil, err
	}
	line := os.NewFile(fdGateway, "gateway")
	if ending, err = watch(line); err != nil {
		return nil, nil, err
	}
	g, err = openGateway(line)
	return g, ending, err
}

// closeOff makes this process invisible and its descriptors its own, and deaf
// to what the command could send it.
func closeOff() error {
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGPIPE, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM)
	// For those who look at the machine's processes; nothing depends on it.
	_ = os.WriteFile("/proc/self/comm", []byte("hotcell-init"), 0)
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the init to tracing: %w", err)
	}
	if err := unix.CloseRange(fdGateway, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("closing inherited descriptors: %w", err)
	}
	return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}

// watch ends the cell at once when its gateway is gone, unless it is ending by
// itself: without a gateway, nobody may use anything any more.
func watch(line *os.File) (*atomic.Bool, error) {
	c, err := net.FileConn(line)
	if err != nil {
		return nil, fmt.Errorf("opening the line: %w", err)
	}
	ending := new(atomic.Bool)
	border.Go("the watch on the gateway", func(*border.Fault) { os.Exit(1) }, func() {
		// The gateway says nothing here, so this returns when it is gone.
		_, _ = c.Read(make([]byte, 1))
		if !ending.Load() {
			os.Exit(1)
		}
	})
	return ending, nil
}

// live takes the job from its first preparation to its end. What confines the
// command starts while the rest is made ready.
func (i *initial) live(ctx context.Context) cellrpc.Exit {
	defer i.forget()
	var err error
	if i.stage, err = startStage(i.confined); err != nil {
		return unstarted(err)
	}
	leased := make(chan error, 1)
	border.Send(leased, "the lease", func() error { return i.lease(ctx) })
	err = i.prepare(ctx)
	if err := errors.Join(err, <-leased); err != nil {
		return unstarted(err)
	}
	if err := errors.Join(i.open(), i.keep()); err != nil {
		return unstarted(err)
	}
	return i.run(ctx)
}

func (i *initial) prepare(ctx context.Context) error {
	if err := i.gateway.get(ctx, cellrpc.PathSpec, &i.spec); err != nil {
		return fmt.Errorf("asking what to do: %w", err)
	}
	for _, step := range []func(context.Context) error{i.network, i.proxy, i.furnish, i.unpack, i.fetchCache, i.instruct} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// unstarted is the exit of a job whose command never ran.
func unstarted(err error) cellrpc.Exit { return cellrpc.Exit{Code: -1, Reason: err.Error()} }
