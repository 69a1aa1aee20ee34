package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/api"
	"hotcell/internal/cell"
	"hotcell/internal/child"
	"hotcell/internal/config"
	"hotcell/internal/job"
	"hotcell/internal/rpc"
	"hotcell/internal/server"
	"hotcell/internal/socketpair"
	"hotcell/internal/sqlite"
	"hotcell/internal/vaultclient"
	"hotcell/internal/vaultrpc"
)

// serveOptions are `hotcell serve`'s.
type serveOptions struct {
	data   string
	config config.Config
	stdout io.Writer
	stderr io.Writer
}

// serve runs everything on one machine until ctx ends.
func serve(ctx context.Context, o serveOptions) error {
	log := slog.New(slog.NewTextHandler(o.stderr, nil))
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

// house is one data folder in use: its lock, its lines, its parts.
type house struct {
	serveOptions
	log      *slog.Logger
	lock     *os.File
	separate bool
	// runtime is a folder for what does not outlive this process, which every
	// part can reach.
	runtime string
	cgroups *cell.Cgroups

	vault  *child.Child
	worker *child.Child
	// The dialling ends of the lines: to the vault, and to the worker.
	toVault  *socketpair.Dialer
	toWorker *socketpair.Dialer
}

func (h *house) path(parts ...string) string {
	return filepath.Join(append([]string{h.data}, parts...)...)
}

// openHouse makes the data folder and takes it for this process alone.
func openHouse(o serveOptions, log *slog.Logger) (*house, error) {
	h := &house{serveOptions: o, log: log}
	var why string
	if h.separate, why = child.Separate(); !h.separate {
		log.Warn("the parts of the server are less apart than they could be", "reason", why)
	}
	mode := os.FileMode(0o700)
	if h.separate {
		mode = 0o711 // the vault's uid passes through to its own folder
	}
	if err := errors.Join(os.MkdirAll(o.data, mode), os.Chmod(o.data, mode)); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	lock, err := os.OpenFile(h.path("serve.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("taking the data folder: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: another hotcell serve uses the folder %s: stop it first, or give this one another by --data", hotcell.ErrConflict, o.data), lock.Close())
	}
	h.lock = lock
	h.clear()
	if err := h.furnish(); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// furnish makes the folders of the parts, each its own uid's.
func (h *house) furnish() error {
	for _, name := range []string{"vault", "control"} {
		if err := os.MkdirAll(h.path(name), 0o700); err != nil {
			return fmt.Errorf("making the data folder: %w", err)
		}
	}
	// The key file is reserved for the vault, which fills it, or refuses it.
	f, err := os.OpenFile(h.keyPath(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("making the data folder: %w", err)
	}
	if h.runtime, err = os.MkdirTemp("", runtimePrefix); err != nil {
		return fmt.Errorf("making a folder for the time of this process: %w", err)
	}
	if err := h.leave(); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(h.runtime, "worker"), 0o700); err != nil {
		return fmt.Errorf("making a folder for the time of this process: %w", err)
	}
	if !h.separate {
		return nil
	}
	return errors.Join(
		os.Chmod(h.runtime, 0o711),
		os.Chown(filepath.Join(h.runtime, "worker"), child.WorkerUID, child.WorkerUID),
		h.giveVault(),
	)
}

// traces are what a server that was killed leaves behind. They are written into
// the lock, for the next server on the folder.
type traces struct{ Runtime, Cgroup string }

// leave writes down what would be left behind.
func (h *house) leave() error {
	text, err := json.Marshal(traces{h.runtime, cgroupName()})
	if err != nil {
		return err
	}
	if err := errors.Join(h.lock.Truncate(0), h.write(text)); err != nil {
		return fmt.Errorf("taking the data folder: %w", err)
	}
	return nil
}

func (h *house) write(text []byte) error {
	_, err := h.lock.WriteAt(text, 0)
	return err
}

// clear removes what the server before left behind, if it was killed.
func (h *house) clear() {
	var t traces
	text, err := io.ReadAll(io.LimitReader(h.lock, 4096))
	if err != nil || json.Unmarshal(text, &t) != nil {
		return
	}
	if filepath.Dir(t.Runtime) == filepath.Clean(os.TempDir()) && strings.HasPrefix(filepath.Base(t.Runtime), runtimePrefix) {
		_ = os.RemoveAll(t.Runtime)
	}
	if strings.HasPrefix(t.Cgroup, cgroupPrefix) {
		go removeCgroups(t.Cgroup)
	}
}

// removeCgroups waits for the last of the killed server's cells, which end by
// themselves.
func removeCgroups(name string) {
	for range 50 {
		if cell.RemoveCgroups(name) {
			return
		}
		time.Sleep(200 * time.Millisecond) // a cgroup does not tell when it is empty
	}
}

// How the traces are called.
const (
	runtimePrefix = "hotcell-"
	cgroupPrefix  = "hotcell-"
)

func cgroupName() string { return cgroupPrefix + strconv.Itoa(os.Getpid()) }

// keyPath is the local key file, which is the vault's alone.
func (h *house) keyPath() string { return h.path("local.key") }

// giveVault hands the vault's folder and key to its uid, whoever's it was.
func (h *house) giveVault() error {
	if err := os.Lchown(h.keyPath(), child.VaultUID, child.VaultUID); err != nil {
		return err
	}
	// By the folder itself: nothing in it can lead the chown elsewhere.
	root, err := os.OpenRoot(h.path("vault"))
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(path, child.VaultUID, child.VaultUID)
	})
}

func (h *house) close() {
	for _, c := range []*child.Child{h.worker, h.vault} {
		if c != nil {
			c.Stop()
		}
	}
	if h.cgroups != nil {
		h.cgroups.Close()
	}
	if h.runtime != "" {
		_ = os.RemoveAll(h.runtime)
	}
	_ = h.lock.Close()
}

// startParts makes the lines and starts the vault and the worker on them.
func (h *house) startParts(ctx context.Context) error {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	var ends [3]struct{ dial, listen *os.File }
	for i := range ends {
		if ends[i].dial, ends[i].listen, err = socketpair.Pair(); err != nil {
			return err
		}
	}
	people, jobs, runs := ends[0], ends[1], ends[2]
	if h.toVault, err = socketpair.NewDialer(people.dial); err != nil {
		return err
	}
	if h.toWorker, err = socketpair.NewDialer(runs.dial); err != nil {
		return err
	}
	if h.vault, err = h.startVault(ctx, binary, people.listen, jobs.listen); err != nil {
		return err
	}
	h.worker, err = h.startWorker(ctx, binary, jobs.dial, runs.listen)
	return err
}

func (h *house) startVault(ctx context.Context, binary string, lines ...*os.File) (*child.Child, error) {
	order := vaultOrder{Folder: h.path("vault"), Key: h.keyPath(), Owner: ownerName()}
	var attr *syscall.SysProcAttr
	if h.separate {
		order.UID, attr = child.VaultUID, child.VaultAttr()
	}
	return h.start(ctx, "vault", binary, vaultCommand, order, attr, lines)
}

func (h *house) startWorker(ctx context.Context, binary string, lines ...*os.File) (*child.Child, error) {
	reachable, err := cell.Reachable(binary, h.runtime)
	if err != nil {
		return nil, err
	}
	bundle, err := writeBundle(h.runtime, h.config.Egress.ExtraCA)
	if err != nil {
		return nil, err
	}
	order := workerOrder{Folder: filepath.Join(h.runtime, "worker"), Binary: reachable, Bundle: bundle, Egress: h.config.Egress}
	name := cgroupName()
	if h.cgroups, err = cell.OpenCgroups(name); err == nil {
		order.Cgroup = name
	} else {
		h.log.Warn("jobs get no cgroup: memory and processes are bounded for each process only", "reason", err)
		h.cgroups = nil
	}
	var attr *syscall.SysProcAttr
	if h.separate {
		order.Users, attr = child.JobUIDs, child.WorkerAttr()
		if h.cgroups != nil {
			if err := h.cgroups.Give(child.WorkerUID); err != nil {
				return nil, err
			}
		}
	}
	return h.start(ctx, "worker", reachable, workerCommand, order, attr, lines)
}

func (h *house) start(ctx context.Context, name, binary, command string, order any, attr *syscall.SysProcAttr, lines []*os.File) (*child.Child, error) {
	text, err := json.Marshal(order)
	if err != nil {
		return nil, err
	}
	return child.Start(context.WithoutCancel(ctx), child.Spec{
		Name: name, Binary: binary, Arguments: []string{command, string(text)}, Lines: lines, Attr: attr, Stderr: h.stderr, Log: h.log,
	})
}

// ownerName is how the first member is called: as the system calls whoever
// started the server.
func ownerName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "owner"
}

// control is the control plane: jobs, the API and its listeners.
func (h *house) control(ctx context.Context) error {
	vault := vaultclient.NewControl(rpc.NewClient(h.toVault.DialContext))
	remote := job.NewRemote(rpc.NewClient(h.toWorker.DialContext))
	local, err := h.awaitVault(ctx, vault)
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
	limits := h.config.Jobs
	jobs := job.New(job.Config{
		Store: store, Queue: store, Vault: vault, Worker: remote, Files: files, Output: outputs,
		Limits:      hotcell.Limits{Timeout: hotcell.Duration(limits.Timeout), Memory: int64(limits.Memory), Disk: int64(limits.Disk), Pids: limits.Pids},
		Concurrency: limits.Concurrency, Now: time.Now, Log: h.log,
	})
	if err := jobs.Recover(ctx); err != nil {
		return err
	}
	repeat, err := repeatKey(h.path("control", "idempotency.key"))
	if err != nil {
		return err
	}
	faces := api.Config{
		Vault: vault, Jobs: jobs, Files: files, Idempotency: store, RepeatKey: repeat, Log: h.log, Now: time.Now, Version: version,
		Principal: func(*http.Request) (hotcell.Principal, error) { return local, nil },
		Ready:     h.ready(vault, remote),
	}
	listeners, err := server.Open(server.Config{
		Socket: h.path("hotcell.sock"), Local: api.New(faces), Listen: h.config.Listen, Public: api.Public(faces), Log: h.log,
	})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return listeners.Run(ctx) })
	group.Go(func() error { return jobs.Run(ctx) })
	group.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case err := <-h.vault.Failed():
			return err
		case err := <-h.worker.Failed():
			return err
		}
	})
	if health, err := remote.Health(ctx); err == nil {
		for _, problem := range health.Problems {
			fmt.Fprintf(h.stdout, "no job can run on this machine: %s (see hotcell doctor)\n", problem)
		}
	}
	if err := h.announce(ctx, vault, local, listeners.Address()); err != nil {
		return errors.Join(err, group.Wait())
	}
	return group.Wait()
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

// awaitVault waits until the vault answers, or has said why it cannot.
func (h *house) awaitVault(ctx context.Context, vault *vaultclient.Control) (hotcell.Principal, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	type answer struct {
		local hotcell.Principal
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		local, err := vault.Local(ctx)
		answered <- answer{local, err}
	}()
	select {
	case a := <-answered:
		return a.local, a.err
	case err := <-h.vault.Failed():
		return hotcell.Principal{}, fmt.Errorf("%w; its reason stands above", err)
	}
}

// ready tells what keeps the server from doing its work.
func (h *house) ready(vault *vaultclient.Control, remote *job.Remote) func(context.Context) []string {
	return func(ctx context.Context) (problems []string) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if health, err := vault.Health(ctx); err != nil {
			problems = append(problems, "the vault does not answer")
		} else {
			problems = append(problems, health.Problems...)
		}
		if health, err := remote.Health(ctx); err != nil {
			problems = append(problems, "the worker does not answer")
		} else {
			problems = append(problems, health.Problems...)
		}
		return problems
	}
}

// announce tells where the server is and how to use it.
func (h *house) announce(ctx context.Context, vault *vaultclient.Control, local hotcell.Principal, address string) error {
	w, err := vault.Workspace(ctx, &vaultrpc.WorkspaceRequest{Principal: local})
	if err != nil {
		return err
	}
	fmt.Fprintf(h.stdout, "hotcell serves the folder %s\n", h.data)
	fmt.Fprintf(h.stdout, "values are sealed to the vault's key %s\n", w.Fingerprint)
	hint := ""
	if os.Getenv("HOTCELL_DATA") != h.data && h.data != defaultData() {
		hint = fmt.Sprintf("HOTCELL_DATA=%s ", h.data)
	}
	fmt.Fprintf(h.stdout, "from another terminal: %shotcell secrets create billing --env-file .env\n", hint)
	_, err = fmt.Fprintf(h.stdout, "ready on http://%s and on %s\n", address, h.path("hotcell.sock"))
	return err
}
