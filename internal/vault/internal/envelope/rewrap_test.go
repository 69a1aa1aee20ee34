package envelope_test

import (
	"context"
	"errors"
	"testing"

	"hotcell/internal/vault/internal/envelope"
)

func TestWhatIsWrappedAnewNeedsTheOldKeyNoMore(t *testing.T) {
	t.Parallel()
	kms, _, ks := newKeyset(t)
	wrapped, sealed := row(t, ks, binding, "A")
	blob, err := ks.SealBlob("pair", []byte("private"))
	must(t, err)
	old, err := ks.Keys()
	must(t, err)
	rotate(t, ks, kms)
	now, err := ks.Keys()
	must(t, err)
	if len(old) != 1 || len(now) != 2 || now[0] == old[0] || now[1] != old[0] {
		t.Fatalf("keys %v, then %v", old, now)
	}
	newWrapped, err := ks.RewrapDataKey(binding, wrapped)
	must(t, err)
	newBlob, err := ks.RewrapBlob("pair", blob)
	must(t, err)
	for what, of := range map[string][2][]byte{"data key": {wrapped, newWrapped}, "blob": {blob, newBlob}} {
		before, one := envelope.SealedBy(of[0])
		after, two := envelope.SealedBy(of[1])
		if !one || !two || before != old[0] || after != now[0] {
			t.Errorf("the %s was sealed by %v, and is by %v", what, before, after)
		}
	}
	var stored []byte
	must(t, ks.Drop(context.Background(), kms, old, func(b []byte) error { stored = b; return nil }))
	reopened, err := envelope.OpenKeyset(context.Background(), kms, workspace, stored)
	must(t, err)
	for _, set := range []*envelope.Keyset{ks, reopened} {
		got, err := open(set, binding, "A", newWrapped, sealed)
		text(t, got, err)
		got, err = set.OpenBlob("pair", newBlob)
		text(t, got, err)
		if _, err := set.OpenDataKey(binding, wrapped); !errors.Is(err, envelope.ErrOpen) {
			t.Errorf("the old data key opens by a key that is gone: %v", err)
		}
		if _, err := set.RewrapBlob("pair", blob); !errors.Is(err, envelope.ErrOpen) {
			t.Errorf("the old blob opens by a key that is gone: %v", err)
		}
	}
}

func TestOfAnotherRowNothingIsWrappedAnew(t *testing.T) {
	t.Parallel()
	_, _, ks := newKeyset(t)
	wrapped, _ := row(t, ks, binding, "A")
	for _, other := range []envelope.Binding{{Workspace: workspace, Credential: "sec_b", Version: 3}, {Workspace: workspace, Credential: "sec_a", Version: 4}, {Workspace: "wsp_b", Credential: "sec_a", Version: 3}} {
		if _, err := ks.RewrapDataKey(other, wrapped); !errors.Is(err, envelope.ErrOpen) {
			t.Errorf("%v: %v", other, err)
		}
	}
	blob, err := ks.SealBlob("pair", []byte("private"))
	must(t, err)
	if _, err := ks.RewrapBlob("seed", blob); !errors.Is(err, envelope.ErrOpen) {
		t.Errorf("under another label: %v", err)
	}
	if _, ok := envelope.SealedBy([]byte("4567")); ok {
		t.Error("a short text was sealed by a key")
	}
}

func TestTheKeyThatSealsStays(t *testing.T) {
	t.Parallel()
	kms, _, ks := newKeyset(t)
	ids, err := ks.Keys()
	must(t, err)
	for _, gone := range [][]envelope.KeyID{ids, {ids[0] + 1}} {
		if err := ks.Drop(context.Background(), kms, gone, func([]byte) error { t.Error("it was stored"); return nil }); err == nil {
			t.Errorf("%v of %v was taken out", gone, ids)
		}
	}
	full := errors.New("the disk is full")
	rotate(t, ks, kms)
	wrapped, sealed := row(t, ks, binding, "A")
	if err := ks.Drop(context.Background(), kms, ids, func([]byte) error { return full }); !errors.Is(err, full) {
		t.Errorf("Drop = %v", err)
	}
	got, err := open(ks, binding, "A", wrapped, sealed)
	text(t, got, err)
	if id, ok := envelope.ParseKeyID(ids[0].String()); !ok || id != ids[0] {
		t.Errorf("%s reads as %v", ids[0], id)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
