// Package cache keeps what jobs leave for the next one like them: archives that only
// cells pack and unpack (docs/adr/0003), and that are bytes to this package.
//
// A cache belongs to an assignment, to the member on whose behalf its jobs run, and to
// what is attached: where one of these is another, so is the cache, and it begins empty.
// It is no place of values, since what goes in has passed the guard. One way to use it:
//
//	store := cache.Store{Folder: folder, Most: 10 << 30}
//	place := cache.Of(job.Assignment, job.Owner, uses)
//	archive, err := store.Open(place)
//	err = store.Keep(place, archive)
package cache

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotcell"
)

// Place is where one cache is.
type Place struct {
	// owner is of an assignment and a member, attached of what is attached.
	owner, attached string
}

// Of is the place of jobs of an assignment, on behalf of a member, that have these uses.
// Which version of a credential they have is the same to it.
func Of(assignment hotcell.AssignmentID, member hotcell.MemberID, uses []hotcell.Use) Place {
	var attached []string
	for _, use := range uses {
		use.Version = 0
		text, err := json.Marshal(use)
		if err != nil {
			// Nothing like it is found again, which is what a cache may always do.
			text = []byte(err.Error() + time.Now().String())
		}
		attached = append(attached, string(text))
	}
	slices.Sort(attached)
	return Place{owner: sum(string(assignment), string(member)), attached: sum(attached...)}
}

// sum is of each text and its length: no two lists have the same.
func sum(texts ...string) string {
	hash := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(hash, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(hash.Sum(nil)[:20])
}

// Store keeps caches in a folder that is its own.
type Store struct {
	Folder string
	// Most is how many bytes all of them may have; those not used for longest go first.
	Most int64
}

func (s Store) path(p Place) string { return filepath.Join(s.Folder, p.owner+"-"+p.attached+".tar") }

// unfinished is what the name of a cache begins with that is not whole.
const unfinished = ".keep-"

// Open opens what was kept; [hotcell.ErrNotFound] where nothing was.
func (s Store) Open(p Place) (io.ReadCloser, error) {
	f, err := os.Open(s.path(p))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: nothing was kept yet", hotcell.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	touch(s.path(p))
	return f, nil
}

// touch notes that a cache is used now: others go before it. The kernel's own times are
// some milliseconds wide.
func touch(path string) {
	now := time.Now()
	_ = os.Chtimes(path, now, now)
}

// Keep keeps an archive, whole or not at all, in the place of what the same member's
// jobs of this assignment kept before, whatever was attached then.
func (s Store) Keep(p Place, archive io.Reader) error {
	f, err := os.CreateTemp(s.Folder, unfinished)
	if err != nil {
		return fmt.Errorf("keeping the cache: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	size, err := io.Copy(f, archive)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keeping the cache: %w", err)
	}
	if size > s.Most {
		return fmt.Errorf("%w: it has %d MiB, and all caches of this server together may have %d", hotcell.ErrInvalid, size>>20, s.Most>>20)
	}
	touch(f.Name())
	if err := os.Rename(f.Name(), s.path(p)); err != nil {
		return fmt.Errorf("keeping the cache: %w", err)
	}
	return s.sweep(func(name string) bool {
		return strings.HasPrefix(name, p.owner+"-") && name != filepath.Base(s.path(p))
	})
}

// Forget removes whatever the member's jobs of an assignment kept.
func (s Store) Forget(p Place) error {
	return s.sweep(func(name string) bool { return strings.HasPrefix(name, p.owner+"-") })
}

// Sweep removes what a process left that was killed, and what is more than may be kept.
// It is for a start, when nothing is being kept.
func (s Store) Sweep() error {
	return s.sweep(func(name string) bool { return strings.HasPrefix(name, unfinished) })
}

// sweep removes those with a name like that, and then, while there is too much, the one
// that was not used for longest.
func (s Store) sweep(gone func(name string) bool) error {
	entries, err := os.ReadDir(s.Folder)
	if err != nil {
		return fmt.Errorf("looking at the caches: %w", err)
	}
	var kept []fs.FileInfo
	var total int64
	var errs []error
	for _, e := range entries {
		if gone(e.Name()) {
			errs = append(errs, s.remove(e.Name()))
			continue
		}
		if info, err := e.Info(); err == nil && !strings.HasPrefix(e.Name(), unfinished) {
			kept, total = append(kept, info), total+info.Size()
		}
	}
	slices.SortFunc(kept, func(a, b fs.FileInfo) int { return cmp.Compare(a.ModTime().UnixNano(), b.ModTime().UnixNano()) })
	for _, info := range kept {
		if total <= s.Most {
			break
		}
		errs = append(errs, s.remove(info.Name()))
		total -= info.Size()
	}
	return errors.Join(errs...)
}

func (s Store) remove(name string) error {
	if err := os.Remove(filepath.Join(s.Folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a cache: %w", err)
	}
	return nil
}
