package profile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"hotcell"
	"hotcell/internal/cli/profile"
)

const bearer = hotcell.Bearer("hc_pat_a-bearer-of-one-server")

// ring is a keyring in memory; broken, it fails, and slow, it never answers.
type ring struct {
	mu     sync.Mutex
	kept   map[string]string
	broken error
	slow   chan struct{}
	panics bool
}

func (r *ring) enter() error {
	if r.slow != nil {
		<-r.slow
	}
	if r.panics {
		panic("a bus that answers with something else")
	}
	return r.broken
}

func (r *ring) Set(account, text string) error {
	if err := r.enter(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept[account] = text
	return nil
}

func (r *ring) Get(account string) (string, error) {
	err := r.enter()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept[account], err
}

func (r *ring) Delete(account string) error {
	err := r.enter()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.kept, account)
	return err
}

func acme() profile.Profile { return profile.Profile{Name: "acme", URL: "https://hotcell.acme.test"} }

// found is where a text lies in a folder.
func found(t *testing.T, dir, text string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), text) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestABearerIsInTheKeyringOrInAFileOfItsOwners(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	ended, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		keyring profile.Keyring
		ctx     context.Context //nolint:containedctx // a case's
		want    profile.Place
	}{
		"kept": {&ring{kept: map[string]string{}}, t.Context(), profile.InKeyring}, "none": {nil, t.Context(), profile.InFile},
		"broken": {&ring{broken: errors.New("no such interface")}, t.Context(), profile.InFile}, "panics": {&ring{panics: true}, t.Context(), profile.InFile},
		"slow": {&ring{slow: never}, ended, profile.InFile},
	} {
		dir := t.TempDir()
		s := profile.New(dir, c.keyring)
		p, err := s.Save(c.ctx, acme(), bearer)
		if err != nil || p.Kept != c.want {
			t.Errorf("%s: %+v, %v", name, p, err)
			continue
		}
		files := found(t, dir, string(bearer))
		if len(files) != map[profile.Place]int{profile.InFile: 1}[c.want] {
			t.Errorf("%s: the bearer is in %q", name, files)
		}
		for _, f := range files {
			if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
		p, err = s.Get("acme")
		if got, err2 := s.Bearer(t.Context(), p); got != bearer || errors.Join(err, err2) != nil {
			t.Errorf("%s: %v, %v", name, err, err2)
		}
		if err := s.Forget(t.Context(), p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		p, err = s.Get("acme")
		if _, gone := s.Bearer(t.Context(), p); err != nil || !errors.Is(gone, hotcell.ErrSignIn) || len(found(t, dir, string(bearer))) != 0 {
			t.Errorf("%s: after it was forgotten: %v, %v", name, err, gone)
		}
	}
}

func TestAKeyringThatFailsLaterIsSaidAndNotForgotten(t *testing.T) {
	t.Parallel()
	keyring := &ring{kept: map[string]string{}}
	s := profile.New(t.TempDir(), keyring)
	p, err := s.Save(t.Context(), acme(), bearer)
	if err != nil {
		t.Fatal(err)
	}
	keyring.broken = errors.New("locked")
	if _, err := s.Bearer(t.Context(), p); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if err := s.Forget(t.Context(), p); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if again, err := s.Get("acme"); err != nil || again.Kept != profile.InKeyring {
		t.Errorf("what may still be kept is not known any more: %+v, %v", again, err)
	}
}

// A profile that leads to another server does not take the bearer along, however the
// one of the first server came to lie beside it.
func TestABearerGoesToItsOwnServerAlone(t *testing.T) {
	t.Parallel()
	for _, keyring := range []profile.Keyring{nil, &ring{kept: map[string]string{}}} {
		dir := t.TempDir()
		s := profile.New(dir, keyring)
		if _, err := s.Save(t.Context(), acme(), bearer); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "profiles", "acme.json")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), "hotcell.acme", "attacker", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := s.Get("acme")
		if err != nil || p.URL != "https://attacker.test" {
			t.Fatal(p, err)
		}
		if b, err := s.Bearer(t.Context(), p); b != "" || !errors.Is(err, hotcell.ErrSignIn) {
			t.Errorf("%v", err)
		}
	}
}

func TestFilesThatOthersCanReachAreNotUsed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are no such modes")
	}
	dir := t.TempDir()
	s := profile.New(dir, nil)
	p, err := s.Save(t.Context(), acme(), bearer)
	if err == nil {
		err = s.Use("acme")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file string
		mode os.FileMode
		may  bool
	}{
		{"acme.bearer", 0o640, false}, {"acme.bearer", 0o604, false}, {"acme.bearer", 0o620, false}, {"acme.bearer", 0o600, true}, {"acme.bearer", 0o400, true},
		{"acme.json", 0o644, true}, {"acme.json", 0o622, false}, {"acme.json", 0o600, true}, {"current", 0o662, false}, {"current", 0o600, true},
	} {
		if err := os.Chmod(filepath.Join(dir, "profiles", c.file), c.mode); err != nil {
			t.Fatal(err)
		}
		_, one := s.Get("acme")
		_, two := s.Bearer(t.Context(), p)
		_, three := s.Current()
		if err := errors.Join(one, two, three); (err == nil) != c.may || err != nil && (!errors.Is(err, hotcell.ErrDenied) || strings.Contains(err.Error(), string(bearer))) {
			t.Errorf("%s %o: %v", c.file, c.mode, err)
		}
	}
}

func TestWhatIsDamagedIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := profile.New(dir, nil)
	p, err := s.Save(t.Context(), acme(), bearer)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", "[]", "{}", `{"url":""}`, "null"} {
		if err := os.WriteFile(filepath.Join(dir, "profiles", "acme.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get("acme"); err == nil {
			t.Errorf("%q was taken for a profile", text)
		}
		if err := os.WriteFile(filepath.Join(dir, "profiles", "acme.bearer"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := s.Bearer(t.Context(), p); !errors.Is(err, hotcell.ErrSignIn) || b != "" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestNamesOfProfilesAreNoPaths(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := profile.New(dir, nil)
	for _, name := range []string{"", ".", "..", "../x", "a/b", `a\b`, "A", "con", "nul.x", "com1", "-x", "a b", "a\x00", "ä", strings.Repeat("a", 101)} {
		if _, err := s.Save(t.Context(), profile.Profile{Name: name, URL: "https://a.test"}, bearer); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := s.Get(name); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if files := found(t, dir, ""); len(files) != 0 {
		t.Errorf("there is %q", files)
	}
	for url, want := range map[string]string{"https://hotcell.acme.test": "hotcell.acme.test", "https://hotcell.acme.test:7878": "hotcell.acme.test-7878", "https://[2001:db8::1]:7878": "2001-db8--1-7878", "http://[::1]": "1"} {
		if got := profile.NameOf(url); got != want || profile.Check(got) != nil {
			t.Errorf("%s: %q", url, got)
		}
	}
}

func TestTheCurrentProfileIsOneThatIsThere(t *testing.T) {
	t.Parallel()
	s := profile.New(t.TempDir(), nil)
	if name, err := s.Current(); name != "" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	if err := s.Use("acme"); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"acme", "other"} {
		if _, err := s.Save(t.Context(), profile.Profile{Name: name, URL: "https://" + name + ".test"}, bearer); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Use("other"), s.Use("acme"), s.Remove("acme")); err != nil {
		t.Fatal(err)
	}
	if name, err := s.Current(); name != "" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	if list, err := s.List(); err != nil || len(list) != 1 || list[0].Name != "other" || list[0].URL != "https://other.test" {
		t.Errorf("%+v, %v", list, err)
	}
}
