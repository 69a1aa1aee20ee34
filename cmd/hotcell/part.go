//go:build linux

package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/cell"
	"hotcell/internal/cell/browser"
	"hotcell/internal/cell/program"
	"hotcell/internal/config"
	"hotcell/internal/line/border"
	"hotcell/internal/line/child"
	"hotcell/internal/line/rpc"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/line/vaultclient"
	"hotcell/internal/parser"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/vault"
	"hotcell/internal/wire/budget"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/worker"
	"hotcell/internal/worker/cache"
	"hotcell/internal/worker/gateway"
	"hotcell/internal/worker/image"
	"hotcell/internal/worker/toolchain"
)

// The hidden commands under which the server starts its parts. Their one
// argument is their order, in JSON: paths and settings, no value.
const (
	vaultCommand  = "part-vault"
	workerCommand = "part-worker"
	parserCommand = "part-parser"
	// keyCommand is a process of the vault's kind that tries the key, and ends.
	keyCommand = "part-key"
	// readerCommand is a process that the parser starts for one text.
	readerCommand = "part-reader"
)

// vaultOrder is what the vault's process is told.
type vaultOrder struct {
	// Data is the data folder; in it, the vault's own is "vault".
	Folder string
	// Key is the key's URL, and Variables the file of those that credentials for its
	// service come from; Warm is for how long open keys serve without it.
	Key       string
	Variables string
	Warm      time.Duration
	Owner     string
	// OwnerUID is who comes in by the socket in the data folder.
	OwnerUID int
	// Bundle is the file of certificates that upstreams are verified against.
	Bundle string
	Egress config.Egress
	Vault  config.Vault
	Models []egress.Model
	// Catalog is a file of connectors: the operator's own documents and overrides.
	Catalog string
	// UID is the uid to become; 0 to stay.
	UID    int
	Budget config.Budget
	// RotateDays is after how many days keys are made anew; 0 for never.
	RotateDays int
	// AuditDays is how long events are kept; 0 for ever.
	AuditDays int
	// Recipients may open backups.
	Recipients []string
}

// workerOrder is what the worker's process is told.
type workerOrder struct {
	Folder string
	Bundle string
	Egress config.Egress
	Models []egress.Model
	// Cgroup names the place for cells' cgroups; empty for none.
	Cgroup string
	// Users is how many uids cells may have.
	Users  int
	Budget config.Budget
	// Toolchains is their folder; Mounts are folders that cells see.
	Toolchains string
	Mounts     []cell.Mount
	// Images is the folder of images; empty for none.
	Images string
	// Caches is the folder of jobs' caches, and MostCached how many bytes it may have.
	Caches     string
	MostCached int64
}

// part runs one part of the server until its parent lets go of it.
func part(name string, fn func(context.Context, string, *slog.Logger) error) int {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)).With("part", name)
	if len(os.Args) != 3 {
		fmt.Fprintf(os.Stderr, "hotcell: %s is a part of the server, and started by it\n", name)
		return 2
	}
	if err := child.Own(); err != nil {
		fmt.Fprintf(os.Stderr, "hotcell: %s: %v\n", name, err)
		return child.ExitHopeless
	}
	err := fn(child.Leashed(context.Background()), os.Args[2], log)
	if err != nil {
		fmt.Fprintf(os.Stderr, "hotcell: %s: %v\n", name, err)
		return child.ExitHopeless
	}
	return 0
}

// runVault is the vault's process.
func runVault(ctx context.Context, text string, log *slog.Logger) error {
	var order vaultOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	control, workers := child.Line(0), child.Line(1)
	texts, err := socketpair.NewDialer(child.Line(2))
	if err != nil {
		return err
	}
	socket, toControl := child.Line(3), child.Line(4)
	roots, err := readRoots(order.Bundle) // it is out of reach in a moment
	if err != nil {
		return err
	}
	settings := config.Config{Egress: order.Egress, Vault: order.Vault}
	dialer, err := dialGuard(settings)
	if err != nil {
		return err
	}
	found, err := foundGuard(settings)
	if err != nil {
		return err
	}
	issuers, err := settings.Issuers()
	if err != nil {
		return err
	}
	catalog, err := readCatalog(order.Catalog) // as the certificates
	if err != nil {
		return err
	}
	key, err := order.enter()
	if err != nil {
		return err
	}
	store, err := openVault(ctx, filepath.Join(order.Folder, "vault.db"), log)
	if err != nil {
		return err
	}
	reader := parser.NewRemote(texts)
	owners := vault.NewOwners(order.OwnerUID, time.Now)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(border.Err("the owner's socket", func() error { return letOwners(ctx, owners, socket, toControl, log) }))
	gate := vault.NewGate()
	serveLine(ctx, group, control, gate.Control())
	serveLine(ctx, group, workers, gate.Worker())
	daemon, err := gate.Open(ctx, vault.Config{
		Store: store, KeyURL: order.Key, KeyInside: key.inside, KeyEnvironment: key.environment, KeyWarm: order.Warm, Rotate: config.Days(order.RotateDays), Owner: order.Owner, Owners: owners, Dialer: dialer, Found: found, Issuers: issuers, ProofKeys: settings.Vault.ProofKeys, Roots: roots, Databases: settings.Databases, Models: order.Models, Recipients: order.Recipients, Catalog: catalog, Parser: reader, Reads: reading(reader), Limits: order.Budget.Limits(), Now: time.Now, Log: log,
	})
	if err != nil {
		return errors.Join(err, store.Close())
	}
	defer func() { _ = daemon.Close() }()
	group.Go(border.Err("what is kept of the log", func() error { daemon.Retain(ctx, config.Days(order.AuditDays)); return nil }))
	group.Go(border.Err("what was deleted", func() error { daemon.Purge(ctx); return nil }))
	group.Go(border.Err("what services said of keys", func() error { daemon.Reconsider(ctx); return nil }))
	return group.Wait()
}

// letOwners lets in who comes by the socket in the data folder, and hands them to the
// control plane.
func letOwners(ctx context.Context, owners *vault.Owners, socket, line *os.File, log *slog.Logger) error {
	to, err := socketpair.NewDialer(line)
	if err := errors.Join(err, line.Close()); err != nil {
		return err
	}
	l, err := net.FileListener(socket)
	if err := errors.Join(err, socket.Close()); err != nil {
		return fmt.Errorf("listening on the owner's socket: %w", err)
	}
	in, ok := l.(*net.UnixListener)
	if !ok {
		return errors.New("listening on the owner's socket: it is no unix socket")
	}
	return owners.Let(ctx, in, to, log)
}

// readTime is how long what one step of a call brings may take to be read.
const readTime = 5 * time.Second

// reading begins to read what services answer.
func reading(by *parser.Remote) connector.Opener {
	by = by.Within(readTime)
	return func(ctx context.Context) (connector.Reader, error) {
		session, err := by.Open(ctx)
		if err != nil {
			return nil, err
		}
		return session, nil
	}
}

// readRoots reads the certificates that hosts are verified against.
func readRoots(bundle string) (*x509.CertPool, error) {
	text, err := os.ReadFile(bundle)
	if err != nil {
		return nil, fmt.Errorf("reading the certificates: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	return roots, nil
}

// openVault opens the vault's store. The vault of a server that was killed a
// moment ago may still hold it: it ends by itself, so it is waited for.
func openVault(ctx context.Context, path string, log *slog.Logger) (*sqlite.Vault, error) {
	for deadline := time.Now().Add(5 * time.Second); ; {
		store, err := sqlite.OpenVault(ctx, path, log)
		if !errors.Is(err, hotcell.ErrConflict) || time.Now().After(deadline) {
			return store, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// serveLine serves handler on an inherited line until ctx ends.
func serveLine(ctx context.Context, group *errgroup.Group, line *os.File, handler http.Handler) {
	listener, err := socketpair.NewListener(line)
	_ = line.Close()
	if err != nil {
		group.Go(border.Err("a line", func() error { return err }))
		return
	}
	server := rpc.Server(handler)
	group.Go(border.Err("a line", func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
			return err
		}
		return nil
	}))
	group.Go(border.Err("the end of a line", func() error {
		<-ctx.Done()
		return server.Close()
	}))
}

// runParser is the process that starts one for each text of a stranger's.
func runParser(ctx context.Context, _ string, log *slog.Logger) error {
	if err := child.HardenWorker(); err != nil {
		return err
	}
	listener, err := socketpair.NewListener(child.Line(0))
	if err != nil {
		return err
	}
	border.WithEnd(ctx, "the end of a line", border.Log(log), func() { _ = listener.Close() })
	host := &parser.Host{Binary: cell.Self, Arguments: []string{readerCommand}, Log: log}
	if err := host.Serve(ctx, listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// runWorker is the worker's process.
func runWorker(ctx context.Context, text string, log *slog.Logger) error {
	var order workerOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	vaultLine, controlLine := child.Line(0), child.Line(1)
	// bwrap needs a look at this process to enter its namespaces, so it hardens
	// all but that: it holds no value.
	if err := child.HardenWorker(); err != nil {
		return err
	}
	dialer, err := socketpair.NewDialer(vaultLine)
	if err := errors.Join(err, vaultLine.Close()); err != nil {
		return err
	}
	settings := config.Config{Egress: order.Egress}
	guard, err := dialGuard(settings)
	if err != nil {
		return err
	}
	roots, err := readRoots(order.Bundle)
	if err != nil {
		return err
	}
	first, err := program.Open()
	if err != nil { // a machine that lets nothing in memory be executed
		log.Warn("cells start with the whole program", "error", err)
	}
	c := worker.Config{
		Vault:  vaultclient.NewWorker(rpc.NewClient(dialer.DialContext)),
		Driver: cell.NewBubblewrap(cell.Options{Binary: cell.Self, Init: first, Bundle: order.Bundle}),
		Door: gateway.Config{
			Dialer: guard, TCP: settings.TCP, Untouched: settings.Untouched, Unreadable: settings.Unreadable, Models: order.Models, Roots: roots,
			Budget: budget.New(order.Budget.Limits()),
			Limits: gateway.Limits{Connections: order.Egress.Connections, Requests: order.Egress.Requests, Bytes: int64(order.Egress.Bytes)},
		},
		Folder: order.Folder, Users: order.Users, Now: time.Now, Log: log,
		Toolchains: toolchain.Store{Folder: order.Toolchains, Vouched: true}, Mounts: order.Mounts,
		Images: image.Store{Folder: order.Images, Vouched: true}, Caches: cache.Store{Folder: order.Caches, Most: order.MostCached},
	}
	if browser.Program() != "" {
		c.BrowserTools = browser.Tools
	}
	if order.Cgroup != "" {
		if c.Cgroups, err = cell.OpenCgroups(order.Cgroup); err != nil {
			log.Warn("jobs get no cgroup", "error", err)
			c.Cgroups = nil
		}
	}
	w, err := worker.New(ctx, c)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	serveLine(ctx, group, controlLine, w.Handler())
	group.Go(border.Err("the watch on grants", func() error { w.Watch(ctx); return nil }))
	return group.Wait()
}

// dialGuard is the guard on what cells dial, by the operator's word.
func dialGuard(c config.Config) (*netguard.Guard, error) {
	private, err := c.Private()
	if err != nil {
		return nil, err
	}
	pins, err := c.Pins()
	if err != nil {
		return nil, err
	}
	return netguard.New(netguard.Config{AllowPrivate: private, Pins: pins}), nil
}

// foundGuard is the guard on what the vault dials because a stranger names it.
func foundGuard(c config.Config) (*netguard.Guard, error) {
	private, err := c.Found()
	if err != nil {
		return nil, err
	}
	pins, err := c.Pins()
	if err != nil {
		return nil, err
	}
	return netguard.New(netguard.Config{AllowPrivate: private, Setting: "vault.allow_private", Pins: pins}), nil
}
