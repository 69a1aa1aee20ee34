package kms_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/internal/kms"
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
	key, err := kms.Open(ctx, "file://"+p)
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
	for i := range wrapped {
		flipped := append([]byte(nil), wrapped...)
		flipped[i] ^= 1
		if _, err := key.Unwrap(ctx, flipped, []byte("wsp_a")); !errors.Is(err, kms.ErrRefused) {
			t.Errorf("unwrapped with byte %d changed: %v", i, err)
		}
	}
}

func TestKeyFileThatOthersCouldReadIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o610, 0o602, 0o644, 0o666} {
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
	}
	p := path(t)
	if _, err := kms.CreateFile(p); err != nil {
		t.Fatal(err)
	}
	link := p + ".link"
	if err := os.Symlink(p, link); err != nil {
		t.Fatal(err)
	}
	if _, err := kms.OpenFile(link); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("a symbolic link: %v", err)
	}
}

func TestDamagedOrMissingKeyFileIsRefusedWithoutItsContent(t *testing.T) {
	t.Parallel()
	if _, err := kms.OpenFile(path(t)); !errors.Is(err, fs.ErrNotExist) {
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
	for _, content := range []string{"", "x", string(whole[:len(whole)-2]), string(whole) + "x", strings.ToLower(string(whole)) + "=", "hotcell-local-key-v1 " + strings.Repeat("!", 44) + "\n"} {
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := kms.OpenFile(p)
		if err == nil {
			t.Errorf("a file of %d other bytes was taken", len(content))
		} else if len(content) > 30 && strings.Contains(err.Error(), content[25:35]) {
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

func TestUnknownServicesAreRefused(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "awskms://x", "local.key", "http://a/b", "%"} {
		if _, err := kms.Open(ctx, url); err == nil {
			t.Errorf("%q was opened", url)
		}
	}
}
