//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"hotcell"
	"hotcell/internal/config"
	"hotcell/internal/control/api"
	"hotcell/internal/control/certificate"
	"hotcell/internal/control/job"
	"hotcell/internal/control/server"
	"hotcell/internal/line/border"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/vaultclient"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/value/tidy"
	"hotcell/internal/wire/egress"
)

// serveOptions are `hotcell serve`'s.
type serveOptions struct {
	data   string
	config config.Config
	// words are the passphrase, where the key is one.
	words  sensitive.Bytes
	stdout io.Writer
	stderr io.Writer
}

// serve runs everything on one machine until ctx ends.
func serve(ctx context.Context, o serveOptions) error {
	log := slog.New(slog.NewTextHandler(o.stderr, nil))
	if err := freePort(ctx, o.config.Listen); err != nil {
		return err
	}
	house, err := openHouse(o, log)
	if err != nil {
		return err
	}
	defer house.close()
	if err := house.startParts(ctx); err != nil {
		return err
	}
	return house.control(ctx)
}

// freePort says whether the address to listen on can be had, before anything is started
// that would have to end again.
func freePort(ctx context.Context, address string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: another program listens on %s; is a server running already? Else choose another address with --listen", hotcell.ErrConflict, address)
	}
	if err != nil {
		return fmt.Errorf("listening on %s: %w", address, err)
	}
	return l.Close()
}

// control is the control plane: jobs, the API and its listeners.
func (h *house) control(ctx context.Context) error {
	vault := vaultclient.NewControl(rpc.NewClient(h.toVault.DialContext))
	remote := job.NewRemote(rpc.NewClient(h.toWorker.DialContext))
	home, err := h.awaitVault(ctx, vault)
	if err != nil {
		return err
	}
	store, err := sqlite.OpenControl(ctx, h.path("control", "control.db"), h.log)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	files, err := job.OpenFiles(h.path("control", "files"))
	if err != nil {
		return err
	}
	outputs, err := job.OpenOutputs(h.path("control", "out"))
	if err != nil {
		return err
	}
	agents, err := h.config.Agents.Catalog()
	if err != nil {
		return err
	}
	limits := h.config.Jobs
	jobs := job.New(job.Config{
		Store: store, Queue: store, Vault: vault, Worker: remote, Files: files, Output: outputs,
		Limits:      hotcell.Limits{Timeout: hotcell.Duration(limits.Timeout), Memory: int64(limits.Memory), Disk: int64(limits.Disk), Pids: limits.Pids, CPU: limits.CPU},
		Concurrency: limits.Concurrency, Agents: agents, Agent: limits.Agent, Images: h.image, Now: time.Now, Log: h.log,
	})
	if err := jobs.Recover(ctx); err != nil {
		return err
	}
	repeat, err := repeatKey(h.path("control", "idempotency.key"))
	if err != nil {
		return err
	}
	backups := &job.Backups{Vault: vault, Store: store, Files: files, Output: outputs}
	faces := api.Config{
		Vault: vault, People: vault, Jobs: jobs, Files: files, Backups: backups, Idempotency: store, RepeatKey: repeat, Log: h.log, Now: time.Now, Version: version,
		Principal: asker(vault),
		Ready:     h.ready(vault, remote, store),
		Egress:    egress.Rules{Models: egress.Models(h.config.Models), TCP: h.config.TCP},
		Tools:     job.NewDoor(remote),
		Agents:    agents,
		InCells:   h.inCells,
		Images:    h.images,
		Tidy:      tidy.New(border.Log(h.log)),
	}
	defer faces.Tidy.Stop()
	listeners, err := h.listen(ctx, vault)
	if err != nil {
		return err
	}
	faces.Base = func() string { return h.base(listeners.Address()) }
	listeners.Serve(api.New(faces), api.Public(faces))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(border.Err("the listeners", func() error { return listeners.Run(ctx) }))
	group.Go(border.Err("the jobs", func() error { return jobs.Run(ctx) }))
	group.Go(border.Err("what is kept of jobs", func() error { jobs.Retain(ctx, keeping(h.config.Keep), home.Workspace); return nil }))
	group.Go(border.Err("the backups", func() error { h.backUp(ctx, backups); return nil }))
	group.Go(border.Err("the parts", func() error {
		select {
		case <-ctx.Done():
			return nil
		case err := <-h.vault.Failed():
			return err
		case err := <-h.worker.Failed():
			return err
		case err := <-h.parser.Failed():
			return err
		}
	}))
	h.sayProblems(ctx, remote)
	if err := h.announce(home, h.base(listeners.Address())); err != nil {
		return errors.Join(err, group.Wait())
	}
	return group.Wait()
}

// asker has the vault say who asks: by the bearer that a request brings, or that its
// connection came with.
func asker(vault *vaultclient.Control) func(*http.Request) (hotcell.Principal, error) {
	return func(r *http.Request) (hotcell.Principal, error) {
		claimed := hotcell.Principal{Bearer: server.Bearer(r.Context()), Workspace: hotcell.WorkspaceID(r.Header.Get(api.HeaderWorkspace))}
		if text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			claimed.Bearer = hotcell.Bearer(text)
		}
		return vault.Who(r.Context(), claimed)
	}
}

// parted tells the vault of connections that have ended.
func (h *house) parted(ctx context.Context, vault *vaultclient.Control) func(hotcell.Bearer) {
	return func(b hotcell.Bearer) {
		border.Go("the end of a connection", border.Log(h.log), func() { _ = vault.Part(ctx, b) }) // else it ends by itself
	}
}

// sayProblems says why no job can run on this machine, where that is so.
func (h *house) sayProblems(ctx context.Context, worker *job.Remote) {
	health, err := worker.Health(ctx)
	if err != nil {
		return
	}
	for _, problem := range health.Problems {
		fmt.Fprintf(h.stdout, "no job can run on this machine: %s (see hotcell doctor)\n", problem)
	}
}

// keeping is for how long what jobs left is kept.
func keeping(k config.Keep) job.Keep {
	return job.Keep{
		Logs: config.Days(k.LogDays), Outputs: config.Days(k.OutputDays),
		LogBytes: int64(k.Logs), OutputBytes: int64(k.Outputs), Bytes: int64(k.Total),
	}
}

// repeatKey is the key of the hashes under which requests are remembered.
func repeatKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err == nil && len(key) == 32 {
		return key, nil
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key)
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("writing the key of remembered requests: %w", err)
	}
	return key, nil
}

// awaitVault waits until the vault answers, or has said why it cannot. A vault that
// waits for its key service says so, and is waited for.
func (h *house) awaitVault(ctx context.Context, vault *vaultclient.Control) (*vaultrpc.HomeAnswer, error) {
	type answer struct {
		home *vaultrpc.HomeAnswer
		err  error
	}
	answered := make(chan answer, 1)
	border.Go("waiting for the vault", border.Log(h.log), func() {
		home, err := h.home(ctx, vault)
		answered <- answer{home, err}
	})
	select {
	case a := <-answered:
		return a.home, a.err
	case err := <-h.vault.Failed():
		return nil, fmt.Errorf("%w; its reason stands above", err)
	}
}

// askAgain is how soon a vault that is not ready is asked again.
const askAgain = 200 * time.Millisecond

// home asks the vault what it is known by, until it answers.
func (h *house) home(ctx context.Context, vault *vaultclient.Control) (*vaultrpc.HomeAnswer, error) {
	for said, seen := "", ""; ; {
		home, err := h.homeSoon(ctx, vault)
		if !errors.Is(err, hotcell.ErrUnavailable) || ctx.Err() != nil {
			return home, err
		}
		health, asked := vault.Health(ctx)
		if asked != nil || len(health.Problems) == 0 {
			continue // it has just opened, or starts again
		}
		// What is so for a moment only, as at each start, is not said.
		if now := health.Problems[0]; now == seen && now != said {
			said = now
			fmt.Fprintf(h.stdout, "not ready: %s\n", said)
		}
		seen = health.Problems[0]
		select {
		case <-ctx.Done():
		case <-time.After(askAgain):
		}
	}
}

func (h *house) homeSoon(ctx context.Context, vault *vaultclient.Control) (*vaultrpc.HomeAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return vault.Home(ctx)
}

// announce tells where the server is and how to use it.
func (h *house) announce(w *vaultrpc.HomeAnswer, base string) error {
	fmt.Fprintf(h.stdout, "hotcell serves the folder %s\n", h.data)
	fmt.Fprintf(h.stdout, "values are sealed to the vault's key %s\n", w.Fingerprint)
	if warning := unrecoverable(h.config, h.data); warning != "" {
		fmt.Fprintln(h.stdout, warning)
	}
	fmt.Fprintf(h.stdout, "which its identity %s has signed\n", w.IdentityFingerprint)
	hint := ""
	if os.Getenv("HOTCELL_DATA") != h.data && h.data != defaultData() {
		hint = fmt.Sprintf("HOTCELL_DATA=%s ", h.data)
	}
	fmt.Fprintf(h.stdout, "from another terminal: %shotcell secrets create billing --env-file .env\n", hint)
	if h.config.TLS.Authority {
		fmt.Fprintf(h.stdout, "clients trust it by %s: hotcell auth login %s --ca FILE\n", h.path("control", folderTLS, certificate.FileAuthority), base)
	}
	_, err := fmt.Fprintf(h.stdout, "ready on %s and on %s\n", base, h.path("hotcell.sock"))
	return err
}
