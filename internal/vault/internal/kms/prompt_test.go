package kms_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/internal/vault/internal/kms"
)

// remembered opens a key that is a passphrase.
func remembered(t *testing.T, words string) kms.Key {
	t.Helper()
	variables := map[string]string{kms.PassphraseVariable: base64.StdEncoding.EncodeToString([]byte(words))}
	key, err := kms.Open(t.Context(), kms.Config{URL: kms.Prompt, Environment: kms.Gather(kms.Prompt, variables)})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAPassphraseOpensWhatItWrapped(t *testing.T) {
	t.Parallel()
	key := remembered(t, "five random words or more")
	wrapped, err := key.Wrap(t.Context(), []byte("a keyset"), []byte("wsp_1"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(key.ID(), "five") || bytes.Contains(wrapped, []byte("keyset")) {
		t.Errorf("the key is called %q", key.ID())
	}
	// Another process, with a salt of its own.
	plain, err := remembered(t, "five random words or more").Unwrap(t.Context(), wrapped, []byte("wsp_1"))
	if err != nil || !plain.Equal([]byte("a keyset")) {
		t.Fatalf("by another process: %v", err)
	}
	refuses := func(what string, by kms.Key, text, bound []byte, says string) {
		t.Helper()
		if _, err := by.Unwrap(t.Context(), text, bound); !errors.Is(err, kms.ErrRefused) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refuses("another passphrase", remembered(t, "five other words or more"), wrapped, []byte("wsp_1"), "the passphrase is wrong")
	refuses("another workspace", key, wrapped, []byte("wsp_2"), "the passphrase is wrong")
	for _, i := range []int{0, 1, 20, len(wrapped) - 1} {
		spoilt := bytes.Clone(wrapped)
		spoilt[i] ^= 1
		refuses("changed", key, spoilt, []byte("wsp_1"), "")
	}
	for _, n := range []int{0, 1, 17, 28} {
		refuses("cut off", key, wrapped[:n], []byte("wsp_1"), "")
	}
	file, err := kms.CreateFile(filepath.Join(t.TempDir(), "local.key"))
	if err != nil {
		t.Fatal(err)
	}
	refuses("by a key file", file, wrapped, []byte("wsp_1"), "set key: to the key that wrapped it")
	byFile, err := file.Wrap(t.Context(), []byte("a keyset"), nil)
	if err != nil {
		t.Fatal(err)
	}
	refuses("what a key file wrapped", key, byFile, nil, "set key: to the key that wrapped it")
}

func TestWithoutAPassphraseItIsSaidHowToGiveOne(t *testing.T) {
	t.Parallel()
	_, err := kms.Open(t.Context(), kms.Config{URL: kms.Prompt})
	if !errors.Is(err, kms.ErrUnusable) || !strings.Contains(err.Error(), "--key-passphrase-file") {
		t.Error(err)
	}
}
