package cache_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/worker/cache"
)

func kept(t *testing.T, s cache.Store, p cache.Place) string {
	t.Helper()
	r, err := s.Open(p)
	if errors.Is(err, hotcell.ErrNotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func keep(t *testing.T, s cache.Store, p cache.Place, text string) {
	t.Helper()
	if err := s.Keep(p, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}

func used(names ...string) (uses []hotcell.Use) {
	for n, name := range names {
		uses = append(uses, hotcell.Use{Attachment: hotcell.AttachmentID(name), Credential: "sec_" + hotcell.CredentialID(name), Version: n + 1, As: hotcell.InjectEnvironment})
	}
	return uses
}

// TestACacheIsOfWhatItBelongsTo has each thing that makes a cache another one.
func TestACacheIsOfWhatItBelongsTo(t *testing.T) {
	t.Parallel()
	s := cache.Store{Folder: t.TempDir(), Most: 1 << 20}
	own := cache.Of("asg_a", "mem_a", used("one", "two"))
	keep(t, s, own, "own")
	newer := used("two", "one") // another order, other versions
	if got := kept(t, s, cache.Of("asg_a", "mem_a", newer)); got != "own" {
		t.Errorf("a value that was replaced, or another order: %q", got)
	}
	narrowed, hosts, as := used("one", "two"), used("one", "two"), used("one", "two")
	narrowed[0].Narrowing.Methods = []string{"GET"}
	hosts[1].HTTP = &hotcell.HTTPAccess{Host: "api.acme.test"}
	as[0].As = hotcell.InjectHTTP
	for name, other := range map[string]cache.Place{
		"another assignment":      cache.Of("asg_b", "mem_a", used("one", "two")),
		"another member":          cache.Of("asg_a", "mem_b", used("one", "two")),
		"an attachment more":      cache.Of("asg_a", "mem_a", used("one", "two", "three")),
		"an attachment less":      cache.Of("asg_a", "mem_a", used("one")),
		"none":                    cache.Of("asg_a", "mem_a", nil),
		"narrowed otherwise":      cache.Of("asg_a", "mem_a", narrowed),
		"another host":            cache.Of("asg_a", "mem_a", hosts),
		"another way":             cache.Of("asg_a", "mem_a", as),
		"names that run together": cache.Of("asg_am", "em_a", used("one", "two")),
	} {
		if got := kept(t, s, other); got != "" {
			t.Errorf("%s finds %q", name, got)
		}
	}
	// What is attached now is another set: what was kept under the old one is gone.
	keep(t, s, cache.Of("asg_a", "mem_a", used("one")), "fewer")
	keep(t, s, cache.Of("asg_a", "mem_b", used("one", "two")), "another's")
	if got := kept(t, s, own); got != "" {
		t.Errorf("an old cache is there still: %q", got)
	}
	if err := s.Forget(cache.Of("asg_a", "mem_a", nil)); err != nil {
		t.Fatal(err)
	}
	if a, b := kept(t, s, cache.Of("asg_a", "mem_a", used("one"))), kept(t, s, cache.Of("asg_a", "mem_b", used("one", "two"))); a != "" || b != "another's" {
		t.Errorf("forgotten are %q and %q", a, b)
	}
}

// TestACacheIsKeptWholeOrNot breaks what is being kept.
func TestACacheIsKeptWholeOrNot(t *testing.T) {
	t.Parallel()
	s := cache.Store{Folder: t.TempDir(), Most: 100}
	p := cache.Of("asg_a", "mem_a", nil)
	keep(t, s, p, "first")
	broken := errors.New("the cell was killed")
	if err := s.Keep(p, io.MultiReader(strings.NewReader("half"), failing{broken})); !errors.Is(err, broken) {
		t.Error(err)
	}
	if err := s.Keep(p, bytes.NewReader(make([]byte, 101))); !errors.Is(err, hotcell.ErrInvalid) {
		t.Error(err)
	}
	if got := kept(t, s, p); got != "first" {
		t.Errorf("it is %q", got)
	}
	if err := os.WriteFile(filepath.Join(s.Folder, ".keep-1234"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(s.Folder); err != nil || len(entries) != 1 {
		t.Errorf("%v %v", entries, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestTheOldestGoFirst keeps and opens at random, beside a list that says what is there.
func TestTheOldestGoFirst(t *testing.T) {
	t.Parallel()
	const most, size, owners = 10, 2, 12
	s := cache.Store{Folder: t.TempDir(), Most: most}
	var list []int // by their last use
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		n := random.IntN(owners)
		p := cache.Of(hotcell.AssignmentID(fmt.Sprint("asg_", n)), "mem_a", nil)
		at := slices.Index(list, n)
		if random.IntN(2) == 0 {
			if there := kept(t, s, p) != ""; there != (at >= 0) {
				t.Fatalf("%d is there: %v, want %v", n, there, at >= 0)
			}
			if at >= 0 {
				list = append(slices.Delete(list, at, at+1), n)
			}
			continue
		}
		keep(t, s, p, strings.Repeat("x", size))
		if at >= 0 {
			list = slices.Delete(list, at, at+1)
		}
		if list = append(list, n); len(list) > most/size {
			list = list[1:]
		}
	}
}
