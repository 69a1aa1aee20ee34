package certificate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// Files are a certificate with those that vouch for it, and its key, in PEM.
type Files struct{ Certificate, Key string }

// watched are files that are read again when they change.
type watched struct {
	files Files
	now   func() time.Time
	log   *slog.Logger

	mu     sync.Mutex
	held   *tls.Certificate
	seen   [2]os.FileInfo
	looked time.Time
	warned time.Time
}

// Open reads a certificate from files. When they change, it is read again: what cannot be
// read, or does not fit its key, leaves the one that there was.
func Open(f Files, now func() time.Time, log *slog.Logger) (Source, error) {
	w := &watched{files: f, now: now, log: log, looked: now()}
	var err error
	if w.seen, err = f.look(); err != nil {
		return nil, err
	}
	if w.held, err = f.read(); err != nil {
		return nil, err
	}
	w.warn()
	return w, nil
}

// Certificate implements [Source].
func (w *watched) Certificate() (*tls.Certificate, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := w.now(); now.Sub(w.looked) >= lookEvery {
		w.looked = now
		w.again()
		w.warn()
	}
	return w.held, nil
}

// again reads the files where they changed, with the lock held.
func (w *watched) again() {
	seen, err := w.files.look()
	if err == nil && same(seen, w.seen) {
		return
	}
	var fresh *tls.Certificate
	if err == nil {
		fresh, err = w.files.read()
	}
	if err != nil {
		if w.seen != [2]os.FileInfo{} { // it is said once
			w.log.Error("the certificate was changed and cannot be used: the one before serves on", "reason", err)
		}
		w.seen = [2]os.FileInfo{}
		return
	}
	w.seen, w.held, w.warned = seen, fresh, time.Time{}
	w.log.Info("another certificate is in use", "until", fresh.Leaf.NotAfter)
}

// soon is how long before its end a certificate is warned of, once a day.
const soon = 14 * 24 * time.Hour

func (w *watched) warn() {
	ends, now := w.held.Leaf.NotAfter, w.now()
	if ends.Sub(now) > soon || now.Sub(w.warned) < 24*time.Hour {
		return
	}
	w.warned = now
	if now.After(ends) {
		w.log.Error("the certificate is over: clients refuse it; put another in its place", "file", w.files.Certificate, "ended", ends)
		return
	}
	w.log.Warn("the certificate is over soon", "file", w.files.Certificate, "ends", ends)
}

func (f Files) look() (out [2]os.FileInfo, err error) {
	for i, name := range []string{f.Certificate, f.Key} {
		if out[i], err = os.Stat(name); err != nil {
			return out, fmt.Errorf("reading the certificate of the open port: %w", err)
		}
	}
	return out, nil
}

func same(a, b [2]os.FileInfo) bool {
	for i := range a {
		if a[i] == nil || b[i] == nil || !os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()) {
			return false
		}
	}
	return true
}

func (f Files) read() (*tls.Certificate, error) {
	text, err := os.ReadFile(f.Certificate)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of the open port: %w", err)
	}
	key, err := os.ReadFile(f.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the key of the open port: %w", err)
	}
	defer sensitive.Wipe(key)
	pair, err := tls.X509KeyPair(text, key)
	if err != nil {
		return nil, errors.Join(hotcell.Invalid("/tls", "%s and %s are not a certificate and its key in PEM", f.Certificate, f.Key), err)
	}
	return &pair, nil
}
