package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/vault/internal/kms"
)

// Gate serves the two lines before there is a [Daemon]: while the key service is out of
// reach, each call is told so. What is asked after that goes to the daemon.
type Gate struct {
	mu      sync.RWMutex
	daemon  *Daemon
	control http.Handler
	worker  http.Handler
	problem error
}

// NewGate is one that is closed.
func NewGate() *Gate {
	return &Gate{problem: fmt.Errorf("%w: the vault is about to start", hotcell.ErrUnavailable)}
}

// How long it is between tries.
const (
	firstTry = time.Second
	lastTry  = 30 * time.Second
)

// Open opens the daemon, and tries again while the key service is out of reach. Any
// other error is the end.
func (g *Gate) Open(ctx context.Context, c Config) (*Daemon, error) {
	if c.After == nil {
		c.After = time.After
	}
	for pause := firstTry; ; pause = min(2*pause, lastTry) {
		d, err := Open(ctx, c)
		if err == nil {
			g.open(d)
			return d, nil
		}
		if !errors.Is(err, kms.ErrUnavailable) || !c.hasKeys(ctx) {
			return nil, err
		}
		if !c.asked {
			c.Log.ErrorContext(ctx, "the vault waits for the key service", "reason", err)
		}
		c.asked = true
		g.close(fmt.Errorf("%w: the vault waits for the key service, and nothing is used until it answers: %w", hotcell.ErrUnavailable, err))
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.After(pause):
		}
	}
}

// hasKeys says whether there are keys in the store that a service could open later: who
// starts for the first time is told at once.
func (c Config) hasKeys(ctx context.Context) bool {
	found := false
	err := c.Store.View(ctx, func(r hotcell.VaultReader) error {
		spaces, err := r.Workspaces()
		found = len(spaces) > 0
		return err
	})
	return err == nil && found
}

func (g *Gate) open(d *Daemon) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.daemon, g.control, g.worker = d, d.Control(), d.Worker()
}

func (g *Gate) close(problem error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.problem = problem
}

// Control serves the control plane's line.
func (g *Gate) Control() http.Handler {
	return g.handler(func() http.Handler { return g.control })
}

// Worker serves a worker's line.
func (g *Gate) Worker() http.Handler {
	return g.handler(func() http.Handler { return g.worker })
}

func (g *Gate) handler(behind func() http.Handler) http.Handler {
	health := http.NewServeMux()
	rpc.Handle(health, vaultrpc.Health, func(context.Context, *vaultrpc.Empty) (*vaultrpc.HealthAnswer, error) {
		g.mu.RLock()
		defer g.mu.RUnlock()
		return &vaultrpc.HealthAnswer{PID: os.Getpid(), Problems: []string{g.problem.Error()}}, nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.RLock()
		next, problem := behind(), g.problem
		g.mu.RUnlock()
		switch {
		case next != nil:
			next.ServeHTTP(w, r)
		case r.URL.Path == vaultrpc.Health:
			health.ServeHTTP(w, r)
		case r.URL.Path == vaultrpc.Forward || r.URL.Path == vaultrpc.Connect:
			http.Error(w, problem.Error(), http.StatusServiceUnavailable)
		default:
			rpc.RefuseAs(w, problem)
		}
	})
}
