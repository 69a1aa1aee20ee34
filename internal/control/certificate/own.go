package certificate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hotcell/internal/value/sensitive"
	"hotcell/internal/wire/authority"
)

// The names of the authority's files in its folder.
const (
	FileAuthority = "authority.pem"
	fileKey       = "authority.key"
)

// authorityLife is how long the authority is good, and leafLife each of its certificates;
// the next is made when a third of that is left.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 90 * 24 * time.Hour
)

// own is an authority of the server's own, and the certificate that it made last.
type own struct {
	authority *authority.Authority
	hosts     []string
	now       func() time.Time
	log       *slog.Logger

	mu   sync.Mutex
	held *tls.Certificate
}

// Own makes certificates for hosts by an authority that is kept in a folder, and made there
// the first time. Clients trust it by the file [FileAuthority]; its key is for who owns the
// folder.
func Own(folder string, hosts []string, now func() time.Time, log *slog.Logger) (Source, error) {
	a, err := kept(folder, now())
	if err != nil {
		return nil, err
	}
	o := &own{authority: a, hosts: hosts, now: now, log: log}
	_, err = o.Certificate()
	return o, err
}

// Certificate implements [Source].
func (o *own) Certificate() (*tls.Certificate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	to := now.Add(leafLife)
	if ends := o.authority.Ends(); ends.Before(to) {
		to = ends
	}
	if o.held != nil && (o.held.Leaf.NotAfter.Sub(now) > leafLife/3 || !to.After(o.held.Leaf.NotAfter)) {
		return o.held, nil // there is none that would be good for longer
	}
	fresh, err := o.authority.IssueUntil(now.Add(-time.Hour), to, o.hosts...)
	if err != nil && o.held != nil {
		o.log.Error("no certificate could be made: the one before serves on", "reason", err)
		return o.held, nil
	}
	if err != nil {
		return nil, err
	}
	o.held = &fresh
	return o.held, nil
}

// kept is the authority of a folder.
func kept(folder string, now time.Time) (*authority.Authority, error) {
	text, err := os.ReadFile(filepath.Join(folder, FileAuthority))
	if errors.Is(err, fs.ErrNotExist) {
		return begun(folder, now)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the server's own authority: %w", err)
	}
	key, err := os.ReadFile(filepath.Join(folder, fileKey))
	if err != nil {
		return nil, fmt.Errorf("reading the key of the server's own authority: %w", err)
	}
	held := sensitive.New(key)
	defer held.Clear()
	return authority.Read(text, held)
}

// whole writes a file that is there whole or not at all.
func whole(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// begun makes one. The key is there first: an authority without one is nothing.
func begun(folder string, now time.Time) (*authority.Authority, error) {
	a, err := authority.New("Hotcell server", now, authorityLife)
	if err != nil {
		return nil, err
	}
	key, err := a.Key()
	if err != nil {
		return nil, err
	}
	defer key.Clear()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("keeping the server's own authority: %w", err)
	}
	err = key.Use(func(b []byte) error { return os.WriteFile(filepath.Join(folder, fileKey), b, 0o600) })
	if err == nil {
		err = whole(filepath.Join(folder, FileAuthority), a.PEM())
	}
	if err != nil {
		return nil, fmt.Errorf("keeping the server's own authority: %w", err)
	}
	return a, nil
}
