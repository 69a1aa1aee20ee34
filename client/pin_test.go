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
		err := pin.Check(step.server, client.Shown{Key: step.fingerprint})
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
	if err := pin.Check("wsp_a", client.Shown{Key: "SHA256:one"}); err == nil {
		t.Error("a damaged file was taken for an empty one")
	}
}

func TestWhatIsPinnedIsTheIdentityAndTheNewestOfItsKeys(t *testing.T) {
	t.Parallel()
	pin := client.PinFile(filepath.Join(t.TempDir(), "pins.json"))
	asked, says := 0, error(nil)
	vouch := func() error { asked++; return says }
	key := func(name, identity string, sequence uint64) client.Shown {
		return client.Shown{Key: "SHA256:" + name, Identity: identity, Sequence: sequence, Vouch: vouch}
	}
	liar := errors.New("it does not know this identity")
	for i, step := range []struct {
		shown client.Shown
		says  error
		may   bool
		asked int
	}{
		{client.Shown{Key: "SHA256:one"}, nil, true, 0},    // a server of old
		{key("one", "ID-SHA256:false", 1), liar, false, 1}, // somebody shows its key, with another identity
		{client.Shown{Key: "SHA256:one"}, nil, true, 1},    // which changed nothing
		{key("two", "ID-SHA256:false", 1), nil, false, 1},  // another key is not asked
		{key("one", "ID-SHA256:right", 1), nil, true, 2},   // the holder vouches
		{key("two", "ID-SHA256:right", 2), nil, true, 2},   // an ordinary rotation asks nobody
		{key("one", "ID-SHA256:right", 1), nil, false, 2},  // the key before it
		{client.Shown{Key: "SHA256:two"}, nil, false, 2},   // an identity that is left out
		{key("two", "ID-SHA256:false", 3), nil, false, 2},  // another identity
		{key("three", "ID-SHA256:right", 9), nil, true, 2}, // and on
	} {
		says = step.says
		if err := pin.Check("/run/hotcell.sock", step.shown); (err == nil) != step.may || err != nil && step.says == nil && !errors.Is(err, hotcell.ErrDenied) {
			t.Errorf("step %d: %v", i, err)
		}
		if asked != step.asked {
			t.Errorf("step %d: the holder was asked %d times", i, asked)
		}
	}
}
