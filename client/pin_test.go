package client_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hotcell"
	"hotcell/client"
)

func TestAKeyThatChangedIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "pins.json")
	pin := client.PinFile(path)
	for _, step := range []struct {
		server, fingerprint string
		may                 bool
	}{
		{"wsp_a", "SHA256:one", true}, {"wsp_a", "SHA256:one", true}, {"wsp_b", "SHA256:two", true}, {"wsp_a", "SHA256:two", false}, {"wsp_a", "", false}, {"wsp_a", "SHA256:one", true},
	} {
		err := pin.Check(step.server, step.fingerprint)
		if (err == nil) != step.may {
			t.Errorf("%s with %s: %v", step.server, step.fingerprint, err)
		}
		if changed, ok := errors.AsType[*client.PinError](err); err != nil && (!ok || !errors.Is(err, hotcell.ErrDenied) || changed.File != path) {
			t.Errorf("the refusal: %v", err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pin.Check("wsp_a", "SHA256:one"); err == nil {
		t.Error("a damaged file was taken for an empty one")
	}
}
