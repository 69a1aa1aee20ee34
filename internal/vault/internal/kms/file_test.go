package kms_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/internal/vault/internal/kms"
)

var ctx = context.Background()

func path(t *testing.T) string { return filepath.Join(t.TempDir(), "local.key") }

func TestWhatOneOpeningWrapsAnotherUnwraps(t *testing.T) {
	t.Parallel()
	p := path(t)
	made, err := kms.CreateFile(p)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := made.Wrap(ctx, []byte("keyset"), []byte("wsp_a"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := kms.Open(ctx, kms.Config{URL: "file://" + p})
	if err != nil {
		t.Fatal(err)
	}
	got, err := key.Unwrap(ctx, wrapped, []byte("wsp_a"))
	if err != nil || !got.Equal([]byte("keyset")) {
		t.Errorf("unwrapping: %v", err)
	}
	if _, err := key.Unwrap(ctx, wrapped, []byte("wsp_b")); !errors.Is(err, kms.ErrRefused) {
		t.Errorf("unwrapped with other associated data: %v", err)
	}
	for i := range len(wrapped) * 8 {
		flipped := bytes.Clone(wrapped)
		flipped[i/8] ^= 1 << (i % 8)
		if _, err := key.Unwrap(ctx, flipped, []byte("wsp_a")); !errors.Is(err, kms.ErrRefused) {
			t.Errorf("unwrapped with bit %d flipped: %v", i, err)
		}
	}
	for n := range wrapped {
		if _, err := key.Unwrap(ctx, wrapped[:n], []byte("wsp_a")); !errors.Is(err, kms.ErrRefused) {
			t.Errorf("unwrapped when cut to %d bytes: %v", n, err)
		}
	}
	if made.ID() != key.ID() || !strings.HasPrefix(key.ID(), "local:") {
		t.Errorf("ids %s and %s", made.ID(), key.ID())
	}
}

func TestAnotherKeyRefusesByName(t *testing.T) {
	t.Parallel()
	first, second := create(t), create(t)
	wrapped, err := first.Wrap(ctx, []byte("keyset"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Unwrap(ctx, wrapped, nil); !errors.Is(err, kms.ErrRefused) || !strings.Contains(err.Error(), second.ID()) {
		t.Errorf("another key: %v", err)
	}
}

func create(t *testing.T) *kms.File {
	t.Helper()
	key, err := kms.CreateFile(path(t))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyFileThatOthersCouldReadIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o610, 0o602, 0o644, 0o666, 0o700, 0o600 | fs.ModeSetuid} {
		p := path(t)
		if _, err := kms.CreateFile(p); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := kms.OpenFile(p); err == nil || !strings.Contains(err.Error(), "chmod 600 "+p) {
			t.Errorf("mode %o: %v", mode, err)
		}
		if err := os.Truncate(p, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := kms.CreateFile(p); err == nil || !strings.Contains(err.Error(), "chmod 600 "+p) {
			t.Errorf("filling one of mode %o: %v", mode, err)
		}
	}
	p := path(t)
	if _, err := kms.CreateFile(p); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := kms.OpenFile(p); err != nil {
		t.Errorf("mode 400, stricter than asked for: %v", err)
	}
}

func TestAdviceCanBePastedIntoAShell(t *testing.T) {
	t.Parallel()
	p := filepath.Join(t.TempDir(), "it's; a key")
	if err := os.WriteFile(p, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := kms.OpenFile(p)
	if err == nil {
		t.Fatal("a loose file was taken")
	}
	_, advice, _ := strings.Cut(err.Error(), ": run ")
	if out, err := exec.Command("sh", "-c", advice).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v, %s", advice, err, out)
	}
	if info, err := os.Stat(p); err != nil || info.Mode() != 0o600 {
		t.Errorf("after the advice: %v, %v", info.Mode(), err)
	}
}

func TestOnlyAFileOfOursIsAKeyFile(t *testing.T) {
	t.Parallel()
	target := path(t)
	if _, err := kms.CreateFile(target); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	link, dangling, pipe := filepath.Join(folder, "link"), filepath.Join(folder, "dangling"), filepath.Join(folder, "pipe")
	if err := errors.Join(os.Symlink(target, link), os.Symlink(target+"x", dangling), unix.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]string{link: "symbolic link", dangling: "symbolic link", pipe: "not a file", folder: "a folder"} {
		if _, err := kms.OpenFile(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opening a %s: %v", filepath.Base(p), err)
		}
		if _, err := kms.CreateFile(p); err == nil {
			t.Errorf("a key was made in a %s", filepath.Base(p))
		}
	}
	if _, err := os.Lstat(target + "x"); err == nil {
		t.Error("a key was made through a symbolic link")
	}
	if os.Geteuid() != 0 {
		t.Skip("a file of somebody else's can be made by root only")
	}
	if err := os.Chown(target, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if _, err := kms.OpenFile(target); err == nil || !strings.Contains(err.Error(), "belongs to the uid 65534") {
		t.Errorf("opening a file of somebody else's: %v", err)
	}
}

func TestDamagedOrMissingKeyFileIsRefusedWithoutItsContent(t *testing.T) {
	t.Parallel()
	if _, err := kms.OpenFile(path(t)); !errors.Is(err, kms.ErrMissing) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	p := path(t)
	if _, err := kms.CreateFile(p); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{
		"", "x", "\n", string(whole[:len(whole)-2]), string(whole[:len(whole)-1]), string(whole) + "x", string(whole) + string(whole),
		string(whole[:30]) + "\n\n" + string(whole[32:]), strings.Replace(string(whole), "v1", "v2", 1), strings.TrimSpace(string(whole)) + "\r\n",
		string(whole[:len(whole)-3]) + "B=\n", strings.ToLower(string(whole)) + "=", "hotcell-local-key-v1 " + strings.Repeat("!", 44) + "\n",
	} {
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := kms.OpenFile(p)
		switch {
		case err == nil:
			t.Errorf("a file of %d other bytes was taken", len(content))
		case (content == "") != errors.Is(err, kms.ErrMissing):
			t.Errorf("a file of %d bytes: %v", len(content), err)
		case len(content) > 30 && strings.Contains(err.Error(), content[25:35]):
			t.Errorf("the error tells of the content: %v", err)
		}
	}
}

func TestCreateFillsAReservedFileAndNoOther(t *testing.T) {
	t.Parallel()
	p := path(t)
	if err := os.WriteFile(p, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := kms.CreateFile(p); err != nil {
		t.Fatalf("filling a reserved file: %v", err)
	}
	if _, err := kms.CreateFile(p); err == nil {
		t.Error("a key was overwritten")
	}
}

func TestOfManyAtOnceOneMakesTheKey(t *testing.T) {
	t.Parallel()
	p := path(t)
	var made atomic.Pointer[kms.File]
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if key, err := kms.CreateFile(p); err == nil && made.Swap(key) != nil {
				t.Error("two made a key in one file")
			}
		})
	}
	all.Wait()
	opened, err := kms.OpenFile(p)
	if err != nil || made.Load() == nil || opened.ID() != made.Load().ID() {
		t.Errorf("what was made is not what is there: %v", err)
	}
}

func TestURLsThatNameNoKeyAreRefused(t *testing.T) {
	t.Parallel()
	p := path(t)
	if _, err := kms.Create(ctx, kms.Config{URL: "file://" + p}); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{
		"", "awskms://x", "local.key", "http://a:hc-canary@b/b", "%", p, "file:" + p[1:], "file://local.key", "file://host" + p,
		"file://hc-canary@" + p, "file://" + p + "?hc-canary", "file://" + p + "?", "file://" + p + "#hc-canary", "file:///", "file://",
	} {
		for _, open := range []func(context.Context, kms.Config) (kms.Key, error){kms.Open, kms.Create} {
			key, err := open(ctx, kms.Config{URL: url})
			if err == nil || key != nil {
				t.Errorf("%q was opened", url)
			} else if strings.Contains(err.Error(), "hc-canary") {
				t.Errorf("the error tells of the URL: %v", err)
			}
		}
	}
}

func TestKeysOfOldStillUnwrap(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/local.key")
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := os.ReadFile("testdata/wrapped")
	if err != nil {
		t.Fatal(err)
	}
	p := path(t)
	if err := os.WriteFile(p, text, 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := kms.OpenFile(p)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key.Unwrap(ctx, wrapped, []byte("associated")); err != nil || !got.Equal([]byte("keyset")) {
		t.Errorf("unwrapping: %v", err)
	}
}

func FuzzKeyFile(f *testing.F) {
	text, err := os.ReadFile("testdata/local.key")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("hotcell-local-key-v1 " + strings.Repeat("A", 43) + "=\n"))
	p := filepath.Join(f.TempDir(), "local.key")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(p, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := kms.OpenFile(p)
		// One key is written in one way: what is read, prints the same.
		encoded := strings.TrimPrefix(string(text), "hotcell-local-key-v1 ")
		key, _ := base64.StdEncoding.DecodeString(encoded)
		same := len(key) == 32 && "hotcell-local-key-v1 "+base64.StdEncoding.EncodeToString(key)+"\n" == string(text)
		if (err == nil) != same {
			t.Errorf("canonical %v, opened with %v", same, err)
		}
	})
}
