package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"hotcell/test/prove"
)

// A naive model of layers: a map from whole paths to what is there, without links on the
// way to any. It says what the OCI specification says, slowly.

type node struct {
	kind  byte // d, f, l
	text  string
	layer int
}

type model struct {
	at  map[string]node
	now int
}

var errModel = errors.New("refused")

// resolve follows a path's links beneath the root; create makes what is missing.
func (m *model) resolve(name string, create bool) (string, error) {
	links := 0
	return m.walk("", name, create, &links)
}

func (m *model) walk(from, name string, create bool, links *int) (string, error) {
	at := from
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			if at = path.Dir(at); at == "." {
				at = ""
			}
			continue
		}
		next := path.Join(at, part)
		n, there := m.at[next]
		switch {
		case !there && create:
			m.at[next] = node{kind: 'd', layer: m.now}
			at = next
		case !there || n.kind == 'f':
			return "", errModel
		case n.kind == 'd':
			at = next
		default:
			if *links++; *links > 40 {
				return "", errModel
			}
			begin := at
			if strings.HasPrefix(n.text, "/") {
				begin = ""
			}
			var err error
			if at, err = m.walk(begin, n.text, false, links); err != nil {
				return "", err
			}
		}
	}
	return at, nil
}

func (m *model) below(p string) (out []string) {
	for q := range m.at {
		if q == p || p == "" || strings.HasPrefix(q, p+"/") {
			out = append(out, q)
		}
	}
	return out
}

// hide removes what the layers below have of p.
func (m *model) hide(p string) {
	for _, q := range m.below(p) {
		if !slices.ContainsFunc(m.below(q), func(r string) bool { return m.at[r].layer == m.now }) {
			delete(m.at, q)
		}
	}
}

func (m *model) remove(p string) {
	for _, q := range m.below(p) {
		delete(m.at, q)
	}
}

func (m *model) apply(h tar.Header, text string) error {
	above, base := split(strings.Trim(h.Name, "/"))
	if base == opaque || strings.HasPrefix(base, whiteout) {
		dir, err := m.resolve(above, false)
		if err != nil {
			return nil //nolint:nilerr // nothing there
		}
		if base != opaque {
			m.hide(path.Join(dir, strings.TrimPrefix(base, whiteout)))
			return nil
		}
		for _, q := range m.below(dir) {
			if path.Dir(q) == dir || dir == "" && !strings.Contains(q, "/") {
				m.hide(q)
			}
		}
		return nil
	}
	dir, err := m.resolve(above, true)
	if err != nil {
		return err
	}
	p := path.Join(dir, base)
	fresh := node{kind: 'f', text: text, layer: m.now}
	switch h.Typeflag {
	case tar.TypeDir:
		if m.at[p].kind == 'd' {
			m.at[p] = node{kind: 'd', layer: m.now}
			return nil
		}
		fresh = node{kind: 'd', layer: m.now}
	case tar.TypeSymlink:
		fresh = node{kind: 'l', text: h.Linkname, layer: m.now}
	case tar.TypeLink:
		linkAbove, linkBase := split(strings.Trim(h.Linkname, "/"))
		linkDir, err := m.resolve(linkAbove, false)
		to := path.Join(linkDir, linkBase)
		if err != nil || m.at[to].kind != 'f' && m.at[to].kind != 'l' {
			return errModel
		}
		fresh = node{kind: m.at[to].kind, text: m.at[to].text, layer: m.now}
		if to != p && strings.HasPrefix(to, p+"/") {
			return errModel
		}
	}
	m.remove(p)
	m.at[p] = fresh
	return nil
}

// lies is what a folder has.
func lies(t *testing.T, folder string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(folder, func(p string, e fs.DirEntry, err error) error {
		if err != nil || p == folder {
			return err
		}
		name, _ := filepath.Rel(folder, p)
		switch e.Type() {
		case fs.ModeDir:
			out[name] = "d"
		case fs.ModeSymlink:
			to, err := os.Readlink(p)
			out[name] = "l" + to
			return err
		case 0:
			text, err := os.ReadFile(p)
			out[name] = "f" + string(text)
			return err
		default:
			out[name] = e.Type().String()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// entry is one of an archive.
type entry struct {
	tar.Header

	text string
}

func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := e.Header
		if h.Typeflag == tar.TypeReg || h.Typeflag == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(e.text))
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatalf("%+v: %v", h, err)
		}
		if _, err := w.Write([]byte(e.text)); h.Size > 0 && err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// anyEntry is an entry of a layer: names are few, so that they meet.
func anyEntry(r *rand.Rand) entry {
	name := func() string {
		parts := make([]string, 1+r.IntN(3))
		for i := range parts {
			parts[i] = pick(r, "a", "b", "c")
		}
		return strings.Join(parts, "/")
	}
	e := entry{Header: tar.Header{Name: pick(r, "", "", "/", "./") + name()}}
	switch r.IntN(10) {
	case 0, 1, 2:
		e.text = fmt.Sprintf("text %d", r.IntN(1000))
	case 3, 4:
		e.Typeflag = tar.TypeDir
	case 5, 6:
		e.Typeflag, e.Linkname = tar.TypeSymlink, pick(r, "", "/", "../", "../../", "../../../../")+name()
	case 7:
		e.Typeflag, e.Linkname = tar.TypeLink, name()
	case 8:
		above, base := split(name())
		e.Name = path.Join(above, whiteout+base)
	case 9:
		e.Name = path.Join(pick(r, "", name()), opaque)
	}
	return e
}

// TestProveLayersAreWhatTheModelSays puts random layers onto a tree, and asks the model
// what should lie there.
func TestProveLayersAreWhatTheModelSays(t *testing.T) {
	t.Parallel()
	refused, kept := 0, 0
	for n := range prove.Trials(600, 100_000) {
		seed := uint64(n)
		r := rand.New(rand.NewPCG(seed, 7))
		folder := t.TempDir()
		tr, err := openTree(folder)
		if err != nil {
			t.Fatal(err)
		}
		u, m := unpackInto(tr, Budget{1 << 20, 1000}), &model{at: map[string]node{}}
		var got, want error
		var said []string
		for layer := 1; layer <= 1+r.IntN(3) && got == nil && want == nil; layer++ {
			m.now = layer
			var entries []entry
			for range 1 + r.IntN(8) {
				e := anyEntry(r)
				entries = append(entries, e)
				said = append(said, fmt.Sprintf("%d %c %s %s", layer, max(e.Typeflag, '0'), e.Name, e.Linkname))
				if want = m.apply(e.Header, e.text); want != nil {
					break
				}
			}
			got = u.layer(iotest.HalfReader(bytes.NewReader(archive(t, entries...))))
		}
		tr.close()
		if (got == nil) != (want == nil) {
			t.Fatalf("seed %d: %v, the model says %v\n%s", seed, got, want, strings.Join(said, "\n"))
		}
		if got != nil {
			refused++
			continue
		}
		kept++
		expect := map[string]string{}
		for p, n := range m.at {
			expect[p] = string(n.kind) + n.text
		}
		if there := lies(t, folder); !maps.Equal(there, expect) {
			t.Fatalf("seed %d:\n%s\nthere: %v\nmodel: %v", seed, strings.Join(said, "\n"), there, expect)
		}
	}
	if refused < kept/10 || kept < refused/10 {
		t.Errorf("%d refused, %d kept: the layers are too much alike", refused, kept)
	}
}
