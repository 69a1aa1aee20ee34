package image_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"hotcell"
	"hotcell/hotcelltest"
	"hotcell/internal/worker/image"
)

// made is an image of layers, each of files by their names.
func made(t testing.TB, layers ...map[string]string) v1.Image {
	t.Helper()
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{Env: []string{"PATH=/opt/own/bin:/usr/bin:relative", "LD_PRELOAD=/evil.so", "GREETING=hello", "HTTP_PROXY=http://evil.test"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range layers {
		var text bytes.Buffer
		w := tar.NewWriter(&text)
		for name, content := range files {
			if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil })
		if err == nil {
			img, err = mutate.AppendLayers(img, layer)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return img
}

// openFolder is a folder that other users can reach.
func openFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hotcell-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func storeIn(t testing.TB) (image.Store, image.Unpacker) {
	t.Helper()
	program, err := os.Open(hotcelltest.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	by := image.Unpacker{Program: program}
	if os.Geteuid() == 0 {
		by.User = 65534
	}
	return image.Store{Folder: filepath.Join(openFolder(t), "images"), Now: time.Now, Budget: image.Budget{Bytes: 1 << 20, Files: 1000}}, by
}

func archived(t testing.TB, img v1.Image) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(file, name.MustParseReference("acme/tool:1"), img); err != nil {
		t.Fatal(err)
	}
	return file
}

func laidOut(t testing.TB, img v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = path.AppendImage(img, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}), layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "1"}))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// served serves an image, and says by which reference it is had.
func served(t testing.TB, img v1.Image, wrap func(http.Handler) http.Handler) (string, image.Registry) {
	t.Helper()
	server := httptest.NewTLSServer(wrap(registry.New(registry.Logger(nopLog()))))
	t.Cleanup(server.Close)
	reference := strings.TrimPrefix(server.URL, "https://") + "/acme/tool:1"
	ref, err := name.ParseReference(reference)
	if err == nil {
		err = remote.Write(ref, img, remote.WithTransport(server.Client().Transport))
	}
	if err != nil {
		t.Fatal(err)
	}
	return reference, image.Registry{Transport: server.Client().Transport}
}

func plain(h http.Handler) http.Handler { return h }

func TestAnImageIsAddedUsedAndRemoved(t *testing.T) {
	t.Parallel()
	img := made(t, map[string]string{"bin/sh": "#!", "etc/greeting": "hello", "gone": "x"}, map[string]string{".wh.gone": "", "etc/greeting": "good day"})
	reference, from := served(t, img, plain)
	store, by := storeIn(t)
	pulled, err := from.Pull(t.Context(), reference)
	if err != nil {
		t.Fatal(err)
	}
	laid, err := image.Layout(t.Context(), laidOut(t, img), "")
	if err != nil {
		t.Fatal(err)
	}
	tagged, err := image.Layout(t.Context(), laidOut(t, img), "1")
	if err != nil {
		t.Fatal(err)
	}
	saved, err := image.Archive(archived(t, img))
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := img.Digest()
	id, _ := img.ConfigName()
	for name, c := range map[string]image.Content{"pulled": pulled, "laid": laid, "tagged": tagged, "saved": saved} {
		added, err := store.Add(t.Context(), name, c, by)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := digest.String()
		if name == "saved" {
			want = id.String()
		}
		if added.Digest != want || !added.Shell || added.Size.Bytes != int64(len("#!good day")) {
			t.Errorf("%s: %+v", name, added)
		}
		if s := added.Settings; s.Env["GREETING"] != "hello" || len(s.Env) != 1 || len(s.Path) != 2 || strings.Join(s.Refused, " ") != "LD_PRELOAD HTTP_PROXY" {
			t.Errorf("%s: settings %+v", name, s)
		}
		root, err := store.Use(name, want)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(root.Folder, "etc/greeting"))
		if _, gone := os.Lstat(filepath.Join(root.Folder, "gone")); err != nil || string(text) != "good day" || !errors.Is(gone, fs.ErrNotExist) {
			t.Errorf("%s: %q %v %v", name, text, err, gone)
		}
		root.Close()
	}
	if list, err := store.List(); err != nil || len(list) != 4 || list[0].Name != "laid" {
		t.Errorf("%+v %v", list, err)
	}
	if there := treesOf(t, store); there != 2 {
		t.Errorf("%d trees for one image by two digests", there)
	}
	for _, name := range []string{"pulled", "laid", "tagged", "saved"} {
		if err := store.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Remove("saved"); !errors.Is(err, hotcell.ErrNotFound) {
		t.Error(err)
	}
	clean(t, store)
}

func treesOf(t testing.TB, s image.Store) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.Folder, "trees"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return len(entries)
}

// clean says that nothing is left in the folder.
func clean(t testing.TB, s image.Store) {
	t.Helper()
	_ = filepath.WalkDir(s.Folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && (!e.IsDir() || strings.HasPrefix(e.Name(), ".")) {
			t.Errorf("%s is left", path)
		}
		return nil
	})
}

// TestATreeStaysWhileAJobHasIt removes and replaces an image that is in use.
func TestATreeStaysWhileAJobHasIt(t *testing.T) {
	t.Parallel()
	store, by := storeIn(t)
	add := func(text string) image.Image {
		c, err := image.Archive(archived(t, made(t, map[string]string{"bin/sh": text})))
		if err != nil {
			t.Fatal(err)
		}
		added, err := store.Add(t.Context(), "tool", c, by)
		if err != nil {
			t.Fatal(err)
		}
		return added
	}
	first := add("one")
	root, err := store.Use("tool", first.Digest)
	if err != nil {
		t.Fatal(err)
	}
	second := add("two")
	if _, err := store.Use("tool", first.Digest); !errors.Is(err, hotcell.ErrNotFound) || !strings.Contains(err.Error(), "another one by now") {
		t.Errorf("another image is taken in its place: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(root.Folder, "bin/sh")); err != nil || string(text) != "one" {
		t.Errorf("the job's root: %q %v", text, err)
	}
	if err := store.Remove("tool"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Use("tool", second.Digest); !errors.Is(err, hotcell.ErrNotFound) {
		t.Error(err)
	}
	if there := treesOf(t, store); there != 1 {
		t.Errorf("%d trees, want the one in use", there)
	}
	root.Close()
	store.Sweep()
	clean(t, store)
}

// TestHalfAnImageIsNeverUsed has what a process left that was killed, and damaged records.
func TestHalfAnImageIsNeverUsed(t *testing.T) {
	t.Parallel()
	store, by := storeIn(t)
	c, err := image.Archive(archived(t, made(t, map[string]string{"bin/sh": "x"})))
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(store.Folder, ".new-123")
	if err := os.MkdirAll(filepath.Join(half, "root/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	added, err := store.Add(t.Context(), "tool", c, by)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half of one is still there: %v", err)
	}
	label := filepath.Join(store.Folder, "names", "tool.json")
	good, err := os.ReadFile(label)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{}", `{"name":"tool","digest":"sha256:../../../../etc"}`, `{"name":"other","digest":"` + added.Digest + `"}`} {
		if err := os.WriteFile(label, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if root, err := store.Use("tool", ""); err == nil {
			t.Errorf("%q is taken: %s", text, root.Folder)
		}
	}
	if err := os.WriteFile(label, good, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{store.Folder, filepath.Join(store.Folder, "trees"), filepath.Join(store.Folder, "names"), filepath.Join(store.Folder, "trees", added.Digest[7:])} {
		if err := os.Chmod(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Use("tool", ""); err == nil {
			t.Errorf("%s, which all can write to, is used", folder)
		}
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatIsNotTheImageLeavesNothing has sources that are damaged or hostile.
func TestWhatIsNotTheImageLeavesNothing(t *testing.T) {
	t.Parallel()
	good := made(t, map[string]string{"bin/sh": strings.Repeat("good", 1000)})
	foreign, err := mutate.ConfigFile(good, &v1.ConfigFile{OS: "linux", Architecture: "mips", RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		t.Fatal(err)
	}
	spoilt := func(end string) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && strings.Contains(r.URL.Path, end) {
					recorder := httptest.NewRecorder()
					h.ServeHTTP(recorder, r)
					body := recorder.Body.Bytes()
					if n := len(body); n > 40 {
						body[n/2] ^= 1
					}
					w.Header().Set("Content-Type", recorder.Header().Get("Content-Type"))
					w.WriteHeader(recorder.Code)
					_, _ = w.Write(body)
					return
				}
				h.ServeHTTP(w, r)
			})
		}
	}
	layers, _ := good.Layers()
	digest, _ := layers[0].Digest()
	id, _ := good.ConfigName()
	for name, c := range map[string]func(context.Context) (image.Content, error){
		"a layer that was turned": func(ctx context.Context) (image.Content, error) {
			reference, from := served(t, good, spoilt("/blobs/"+digest.String()))
			return from.Pull(ctx, reference)
		},
		"a configuration that was turned": func(ctx context.Context) (image.Content, error) {
			reference, from := served(t, good, spoilt("/blobs/"+id.String()))
			return from.Pull(ctx, reference)
		},
		"no TLS": func(ctx context.Context) (image.Content, error) {
			server := httptest.NewServer(registry.New(registry.Logger(nopLog())))
			t.Cleanup(server.Close)
			return image.Registry{Transport: http.DefaultTransport}.Pull(ctx, strings.TrimPrefix(server.URL, "http://")+"/acme/tool:1")
		},
		"no such image": func(ctx context.Context) (image.Content, error) {
			reference, from := served(t, good, plain)
			return from.Pull(ctx, strings.Replace(reference, "tool", "other", 1))
		},
		"another machine's": func(context.Context) (image.Content, error) { return image.Archive(archived(t, foreign)) },
		"too much": func(context.Context) (image.Content, error) {
			return image.Archive(archived(t, made(t, map[string]string{"x": strings.Repeat("x", 2<<20)})))
		},
		"a way out": func(context.Context) (image.Content, error) {
			return image.Archive(archived(t, made(t, map[string]string{"../../x": "x"})))
		},
		"a blob that was turned": func(ctx context.Context) (image.Content, error) {
			dir := laidOut(t, good)
			blob := filepath.Join(dir, "blobs/sha256", digest.Hex)
			text, err := os.ReadFile(blob)
			if err != nil {
				t.Fatal(err)
			}
			text[len(text)/2] ^= 1
			if err := os.WriteFile(blob, text, 0o600); err != nil {
				t.Fatal(err)
			}
			return image.Layout(ctx, dir, "")
		},
		"a blob that leads out": func(ctx context.Context) (image.Content, error) {
			dir, outside := laidOut(t, good), filepath.Join(t.TempDir(), "outside")
			blob := filepath.Join(dir, "blobs/sha256", digest.Hex)
			if err := errors.Join(os.Rename(blob, outside), os.Symlink(outside, blob)); err != nil {
				t.Fatal(err)
			}
			return image.Layout(ctx, dir, "")
		},
		"no such tag": func(ctx context.Context) (image.Content, error) { return image.Layout(ctx, laidOut(t, good), "2") },
		"no archive": func(context.Context) (image.Content, error) {
			file := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(file, []byte(strings.Repeat("text", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
			return image.Archive(file)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, by := storeIn(t)
			content, err := c(t.Context())
			if err == nil {
				_, err = store.Add(t.Context(), "tool", content, by)
			}
			if err == nil {
				t.Fatal("it is taken")
			}
			t.Log(err)
			if _, err := store.Find("tool"); !errors.Is(err, hotcell.ErrNotFound) {
				t.Errorf("it is found: %v", err)
			}
			clean(t, store)
		})
	}
}

// TestOfAnIndexTheImageForThisMachineIsTaken has one for each of two machines.
func TestOfAnIndexTheImageForThisMachineIsTaken(t *testing.T) {
	t.Parallel()
	ours := made(t, map[string]string{"bin/sh": "ours"})
	theirs, err := mutate.ConfigFile(ours, &v1.ConfigFile{OS: "linux", Architecture: "mips", RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: theirs, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "mips"}}},
		mutate.IndexAddendum{Add: ours, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: runtime.GOARCH}}})
	reference, from := served(t, ours, plain)
	both, err := name.ParseReference(strings.Replace(reference, ":1", ":2", 1))
	if strings.Count(reference, ":") > 1 {
		both, err = name.ParseReference(reference[:strings.LastIndexByte(reference, ':')] + ":2")
	}
	if err == nil {
		err = remote.WriteIndex(both, index, remote.WithTransport(from.Transport))
	}
	if err != nil {
		t.Fatal(err)
	}
	content, err := from.Pull(t.Context(), both.Name())
	if digest, _ := ours.Digest(); err != nil || content.Digest != digest.String() {
		t.Errorf("%s, want %s: %v", content.Digest, digest, err)
	}
}

func TestSourcesAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"python:3.13-slim": "registry python:3.13-slim  python", "localhost:5000/acme/tool": "registry localhost:5000/acme/tool  tool",
		"ghcr.io/acme/Tool": "", "oci:": "", "docker-archive:": "", "": "",
		"oci:/srv/images/tool": "oci /srv/images/tool  tool", "oci:/srv/tool:1": "oci /srv/tool 1 tool", "docker-archive:out/tool.tar": "docker-archive out/tool.tar  tool",
		"acme/tool@sha256:" + strings.Repeat("a", 64): "registry acme/tool@sha256:" + strings.Repeat("a", 64) + "  tool",
	} {
		s, err := image.ParseSource(text)
		got := fmt.Sprintf("%s %s %s %s", s.Kind, s.At, s.Tag, s.Name())
		if (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
}

func nopLog() *log.Logger { return log.New(io.Discard, "", 0) }
