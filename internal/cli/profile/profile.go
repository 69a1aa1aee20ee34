// Package profile is what this machine keeps of the servers that its person signed in
// to: where each is, and the bearer that it gave.
//
// It guards that a bearer lies in the system's keyring, or in a file that nobody else can
// read, and that it is handed out for the server that it is of and for no other. It does
// not guard it against programs of the same person, which can read both. It asks no
// server anything. One way to use it:
//
//	s := profile.New(folder, profile.System{})
//	p, err := s.Save(ctx, profile.Profile{Name: "acme", URL: "https://hotcell.acme.com"}, bearer)
//	bearer, err := s.Bearer(ctx, p)
package profile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"hotcell"
)

// Profile is one server, under the name that commands know it by.
type Profile struct {
	Name string `json:"-"`
	// URL is the server's, in the form of client.Address.
	URL       string              `json:"url"`
	Workspace hotcell.WorkspaceID `json:"workspace,omitempty"`
	// Authority are certificates in PEM that may vouch for the server; empty are the
	// system's. It is a copy: a file elsewhere could be exchanged.
	Authority string `json:"authority,omitempty"`
	// Kept is where the bearer is; empty where there is none.
	Kept Place `json:"kept,omitempty"`
	// Session is the one that the bearer is of; empty where it is a token.
	Session hotcell.SessionID `json:"session,omitempty"`
	// Expires is when the bearer ends, where that is known.
	Expires *time.Time `json:"expires,omitempty"`
}

// Place is where a bearer is kept.
type Place string

// The places.
const (
	InKeyring Place = "keyring"
	InFile    Place = "file"
)

// Store keeps profiles in a folder of the person's own, a file each.
type Store struct {
	dir     string
	keyring Keyring
	// patience is how long the keyring may take.
	patience time.Duration
}

// New is the store in a folder of settings, which need not be there yet; keyring is nil
// where there is none.
func New(settings string, keyring Keyring) *Store {
	return &Store{filepath.Join(settings, "profiles"), keyring, patience}
}

var names = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// device are names that are no files on Windows, whatever their ending.
var device = regexp.MustCompile(`^(con|prn|aux|nul|com\d|lpt\d)(\.|$)`)

// Check says whether a profile may have a name: [hotcell.ErrInvalid] where not.
func Check(name string) error {
	if !names.MatchString(name) || device.MatchString(name) {
		return hotcell.Invalid("", "a profile's name has small letters, digits, dots and hyphens, 100 at the most")
	}
	return nil
}

// NameOf is the name of a server's profile where nobody gave it one: its host.
func NameOf(url string) string {
	_, host, _ := strings.Cut(url, "://")
	return strings.Trim(strings.NewReplacer(":", "-", "[", "", "]", "").Replace(host), "-.")
}

// Get is a profile; [hotcell.ErrNotFound] where there is none of that name.
func (s *Store) Get(name string) (p Profile, err error) {
	if err := Check(name); err != nil {
		return p, err
	}
	text, err := read(s.file(name), writable)
	if errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("%w: there is no profile %s", hotcell.ErrNotFound, name)
	}
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(text, &p); err != nil || p.URL == "" {
		return p, fmt.Errorf("reading the profile in %s: it is damaged", s.file(name))
	}
	p.Name = name
	return p, nil
}

// List are all profiles, by name.
func (s *Store) List() (out []Profile, err error) {
	files, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the profiles: %w", err)
	}
	for _, f := range files {
		name, is := strings.CutSuffix(f.Name(), ".json")
		if !is || Check(name) != nil {
			continue
		}
		p, err := s.Get(name)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Profile) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Save keeps a profile and its bearer, and returns it with the place of that: the
// keyring, or a file where the keyring does not take it. The bearer is kept first, by
// the URL that it is of: whenever this is interrupted, none goes to another server.
func (s *Store) Save(ctx context.Context, p Profile, bearer hotcell.Bearer) (Profile, error) {
	if err := Check(p.Name); err != nil {
		return p, err
	}
	p.Kept = InKeyring
	if s.set(ctx, account(p), bearer) != nil {
		p.Kept = InFile
		text, err := json.Marshal(kept{p.URL, string(bearer)})
		if err != nil {
			return p, fmt.Errorf("keeping the bearer: %w", err)
		}
		if err := write(s.bearer(p.Name), text); err != nil {
			return p, err
		}
	} else if err := remove(s.bearer(p.Name)); err != nil {
		return p, err
	}
	return p, s.put(p)
}

// put writes the profile itself.
func (s *Store) put(p Profile) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("keeping a profile: %w", err)
	}
	return write(s.file(p.Name), append(text, '\n'))
}

// kept is a bearer in a file, with the server that it is of.
type kept struct {
	URL    string `json:"url"`
	Bearer string `json:"bearer"`
}

// Bearer is a profile's bearer; [hotcell.ErrSignIn] where none is kept for its URL.
func (s *Store) Bearer(ctx context.Context, p Profile) (hotcell.Bearer, error) {
	switch p.Kept {
	case InKeyring:
		return s.get(ctx, p)
	case InFile:
	default:
		return "", errNone(p)
	}
	text, err := read(s.bearer(p.Name), readable)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errNone(p)
	}
	if err != nil {
		return "", err
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil || k.URL != p.URL || k.Bearer == "" {
		return "", errNone(p)
	}
	return hotcell.Bearer(k.Bearer), nil
}

func errNone(p Profile) error {
	return fmt.Errorf("%w: nobody is signed in to %s", hotcell.ErrSignIn, p.URL)
}

// Forget forgets a profile's bearer, wherever it is. The profile stays.
func (s *Store) Forget(ctx context.Context, p Profile) error {
	err := remove(s.bearer(p.Name))
	if p.Kept == InKeyring {
		err = errors.Join(err, s.unset(ctx, account(p)))
	}
	if err != nil {
		return err
	}
	p.Kept, p.Session, p.Expires = "", "", nil
	return s.put(p)
}

// Remove removes a profile whose bearer is forgotten.
func (s *Store) Remove(name string) error {
	if current, err := s.Current(); err == nil && current == name {
		if err := remove(s.current()); err != nil {
			return err
		}
	}
	return remove(s.file(name))
}

// Current is the profile that commands use where nothing names another; empty for none.
func (s *Store) Current() (string, error) {
	text, err := read(s.current(), writable)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// Use makes a profile the current one.
func (s *Store) Use(name string) error {
	if _, err := s.Get(name); err != nil {
		return err
	}
	return write(s.current(), []byte(name+"\n"))
}

func (s *Store) file(name string) string   { return filepath.Join(s.dir, name+".json") }
func (s *Store) bearer(name string) string { return filepath.Join(s.dir, name+".bearer") }
func (s *Store) current() string           { return filepath.Join(s.dir, "current") }

// account is what a bearer is kept under in the keyring: it names the server, so that
// another one of the same profile's name never gets it.
func account(p Profile) string { return p.Name + " " + p.URL }
