//go:build linux

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/config"
	"hotcell/internal/line/border"
	"hotcell/internal/line/child"
	"hotcell/internal/line/socketpair"
	"hotcell/internal/vault"
)

// house is one data folder in use: its lock, its lines, its parts.
type house struct {
	serveOptions
	log      *slog.Logger
	lock     *os.File
	separate bool
	// room is the worker's folder, for what does not outlive this process. The worker
	// has it, as it has its program, by a descriptor: no name leads to them.
	room *os.File
	// caches is the worker's too, for what jobs keep for later ones.
	caches  *os.File
	cgroups *cell.Cgroups

	vault  *child.Child
	worker *child.Child
	parser *child.Child
	// The dialling ends of the lines: to the vault, and to the worker.
	toVault  *socketpair.Dialer
	toWorker *socketpair.Dialer
	// The socket in the folder, which the vault listens on, and the listening end of the
	// line on which it hands over whom it lets in.
	socket *net.UnixListener
	owners *socketpair.Listener
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
	if err := ours(o.data); err != nil {
		return nil, err
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

// ours refuses a folder that has something else in it: it gets the mode of a
// data folder, which nobody expects of /tmp or a home.
func ours(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the data folder: %w", err)
	}
	foreign := false
	for _, e := range entries {
		switch e.Name() {
		case "serve.lock":
			return nil
		case "hotcell.yaml", "local.key", "lost+found":
		default:
			foreign = true
		}
	}
	if foreign {
		return fmt.Errorf("%w: the folder %s has other things in it and no data of hotcell's: give it a folder of its own by --data", hotcell.ErrConflict, dir)
	}
	return nil
}

// furnish makes the folders of the parts, each its own uid's.
func (h *house) furnish() error {
	for _, name := range []string{"vault", "control"} {
		if err := os.MkdirAll(h.path(name), 0o700); err != nil {
			return fmt.Errorf("making the data folder: %w", err)
		}
	}
	if err := errors.Join(h.reserveKey(), h.leave(), h.openRoom(), h.openCaches()); err != nil {
		return err
	}
	if !h.separate {
		return nil
	}
	return errors.Join(h.room.Chown(child.WorkerUID, child.WorkerUID), h.caches.Chown(child.WorkerUID, child.WorkerUID), h.giveVault())
}

// reserveKey makes an empty key file for the vault, which fills it. Where there is a
// vault already, nothing is made: its key was lost, and nobody shall mistake an empty
// file for what became of it.
func (h *house) reserveKey() error {
	if hasVault(h.data) || h.keyPath() == "" {
		return nil
	}
	f, err := os.OpenFile(h.keyPath(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("making the data folder: %w", err)
	}
	return nil
}

// hasVault says whether a data folder has a vault's database.
func hasVault(data string) bool {
	info, err := os.Stat(vaultFile(data))
	return err == nil && info.Size() > 0
}

func vaultFile(data string) string { return filepath.Join(data, "vault", "vault.db") }

// openRoom makes the worker's folder anew, and opens it.
func (h *house) openRoom() error {
	path := h.path("worker")
	if err := errors.Join(os.RemoveAll(path), os.Mkdir(path, 0o700)); err != nil {
		return fmt.Errorf("making the worker's folder: %w", err)
	}
	var err error
	if h.room, err = openFolder(path); err != nil {
		return fmt.Errorf("opening the worker's folder: %w", err)
	}
	return nil
}

// openCaches opens the folder of jobs' caches, which it makes.
func (h *house) openCaches() error {
	err := os.Mkdir(h.path("caches"), 0o700)
	if err == nil || errors.Is(err, fs.ErrExist) {
		h.caches, err = openFolder(h.path("caches"))
	}
	if err != nil {
		return fmt.Errorf("opening the folder of caches: %w", err)
	}
	return nil
}

// openFolder opens a folder to be inherited, and no link to one.
func openFolder(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// traces are what a server that was killed leaves behind. They are written into
// the lock, for the next server on the folder.
type traces struct{ Cgroup string }

// leave writes down what would be left behind.
func (h *house) leave() error {
	text, err := json.Marshal(traces{cgroupName()})
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

// clear removes what servers before left behind, if they were killed.
func (h *house) clear() {
	sweep(filepath.Clean(os.TempDir()))
	var t traces
	text, err := io.ReadAll(io.LimitReader(h.lock, 4096))
	if err != nil || json.Unmarshal(text, &t) != nil {
		return
	}
	if strings.HasPrefix(t.Cgroup, cgroupPrefix) {
		border.Go("removing old cgroups", border.Log(h.log), func() { removeCgroups(t.Cgroup) })
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

// cgroupPrefix is how the traces are called.
const cgroupPrefix = "hotcell-"

func cgroupName() string { return cgroupPrefix + strconv.Itoa(os.Getpid()) }

// keyURL names the key: the configuration's, or a local file in the data folder.
func keyURL(c config.Config, data string) string {
	return cmp.Or(c.Key, (&url.URL{Scheme: "file", Path: filepath.Join(data, "local.key")}).String())
}

// keyPath is the local key file, which is the vault's alone; empty where the key is
// none.
func (h *house) keyPath() string { return vault.KeyFile(keyURL(h.config, h.data)) }

// giveVault hands the vault's folder and key to its uid, whoever's it was.
func (h *house) giveVault() error {
	if err := h.giveKey(); err != nil {
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

// giveKey hands the key file to the vault's uid. What is no file stays as it is: the
// vault says what is wrong with it.
func (h *house) giveKey() error {
	if h.keyPath() == "" {
		return nil
	}
	fd, err := unix.Open(h.keyPath(), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil // the vault says so
	}
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return err
	}
	return unix.Fchownat(fd, "", child.VaultUID, child.VaultUID, unix.AT_EMPTY_PATH)
}

func (h *house) close() {
	for _, c := range []*child.Child{h.worker, h.vault, h.parser} {
		if c != nil {
			c.Stop()
		}
	}
	if h.socket != nil {
		_ = h.socket.Close()
	}
	if h.cgroups != nil {
		h.cgroups.Close()
	}
	if h.room != nil {
		_, _ = h.room.Close(), os.RemoveAll(h.path("worker"))
	}
	if h.caches != nil {
		_ = h.caches.Close()
	}
	_ = h.lock.Close()
}
