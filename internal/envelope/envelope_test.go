package envelope_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"hotcell/internal/envelope"
	"hotcell/internal/kms"
	"hotcell/internal/sensitive"
)

const workspace = "wsp_a"

var binding = envelope.Binding{Workspace: workspace, Credential: "sec_a", Version: 3}

func local(t testing.TB) *kms.File {
	t.Helper()
	key, err := kms.CreateFile(t.TempDir() + "/local.key")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newKeyset(t testing.TB) (*kms.File, []byte, *envelope.Keyset) {
	t.Helper()
	key := local(t)
	wrapped, ks, err := envelope.NewKeyset(context.Background(), key, workspace)
	if err != nil {
		t.Fatal(err)
	}
	return key, wrapped, ks
}

func text(t *testing.T, s sensitive.Bytes, err error) string {
	t.Helper()
	if err != nil {
		t.Fatalf("opening: %v", err)
	}
	out := ""
	_ = s.Use(func(b []byte) error { out = string(b); return nil })
	return out
}

// row is all that is stored of one value.
func row(t testing.TB, ks *envelope.Keyset, b envelope.Binding, field string) (wrapped, sealed []byte) {
	t.Helper()
	key, wrapped, err := ks.NewDataKey(b)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Clear()
	if sealed, err = key.Seal(field, []byte("value of "+field)); err != nil {
		t.Fatal(err)
	}
	return wrapped, sealed
}

func open(ks *envelope.Keyset, b envelope.Binding, field string, wrapped, sealed []byte) (sensitive.Bytes, error) {
	key, err := ks.OpenDataKey(b, wrapped)
	if err != nil {
		return sensitive.Bytes{}, err
	}
	defer key.Clear()
	return key.Open(field, sealed)
}

func TestAValueOpensInItsRowOnly(t *testing.T) {
	t.Parallel()
	_, _, ks := newKeyset(t)
	var rows []envelope.Binding
	for _, w := range []string{workspace, "wsp_b"} {
		for _, c := range []string{"sec_a", "sec_b", "sec_a1"} {
			for _, v := range []int{1, 3, 13} {
				rows = append(rows, envelope.Binding{Workspace: w, Credential: c, Version: v})
			}
		}
	}
	for _, from := range rows {
		for _, field := range []string{"A", "B"} {
			wrapped, sealed := row(t, ks, from, field)
			for _, to := range rows {
				for _, as := range []string{"A", "B"} {
					got, err := open(ks, to, as, wrapped, sealed)
					if same := to == from && as == field; same {
						if s := text(t, got, err); s != "value of "+field {
							t.Errorf("%v: opened as %q", from, s)
						}
					} else if !errors.Is(err, envelope.ErrOpen) {
						t.Errorf("%v/%s opened as %v/%s: %v", from, field, to, as, err)
					}
				}
			}
		}
	}
}

func TestABlobOfAnotherDataKeyDoesNotOpen(t *testing.T) {
	t.Parallel()
	_, _, ks := newKeyset(t)
	first, sealed := row(t, ks, binding, "A")
	second, _ := row(t, ks, binding, "A")
	if _, err := open(ks, binding, "A", second, sealed); !errors.Is(err, envelope.ErrOpen) {
		t.Errorf("opened under another data key of the same row: %v", err)
	}
	if _, err := open(ks, binding, "A", first, sealed); err != nil {
		t.Errorf("the true one does not open: %v", err)
	}
}

func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	key, keyset, ks := newKeyset(t)
	wrapped, sealed := row(t, ks, binding, "A")
	blob, err := ks.SealBlob("pair", []byte("private"))
	if err != nil {
		t.Fatal(err)
	}
	flips(t, "wrapped data key", wrapped, func(b []byte) error { _, err := open(ks, binding, "A", b, sealed); return err })
	flips(t, "sealed value", sealed, func(b []byte) error { _, err := open(ks, binding, "A", wrapped, b); return err })
	flips(t, "blob", blob, func(b []byte) error { _, err := ks.OpenBlob("pair", b); return err })
	flips(t, "keyset", keyset, func(b []byte) error {
		_, err := envelope.OpenKeyset(context.Background(), key, workspace, b)
		return err
	})
}

func flips(t *testing.T, what string, whole []byte, open func([]byte) error) {
	t.Helper()
	if err := open(whole); err != nil {
		t.Fatalf("%s: the true bytes do not open: %v", what, err)
	}
	for i := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		if open(b) == nil {
			t.Errorf("%s: opened with bit %d flipped", what, i)
		}
	}
	for n := range whole {
		if open(whole[:n]) == nil {
			t.Errorf("%s: opened when cut to %d bytes", what, n)
		}
	}
}

func TestKeysetBelongsToItsWorkspaceAndKey(t *testing.T) {
	t.Parallel()
	key, wrapped, _ := newKeyset(t)
	if _, err := envelope.OpenKeyset(context.Background(), key, "wsp_b", wrapped); !errors.Is(err, kms.ErrRefused) {
		t.Errorf("opened for another workspace: %v", err)
	}
	if _, err := envelope.OpenKeyset(context.Background(), local(t), workspace, wrapped); !errors.Is(err, kms.ErrRefused) {
		t.Errorf("opened under another key: %v", err)
	}
}

func TestRotationStillOpensTheOld(t *testing.T) {
	t.Parallel()
	key, before, ks := newKeyset(t)
	wrapped, sealed := row(t, ks, binding, "A")
	after, err := ks.Rotate(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	newer, newerSealed := row(t, ks, binding, "A")
	reopened, err := envelope.OpenKeyset(context.Background(), key, workspace, after)
	if err != nil {
		t.Fatal(err)
	}
	got, err := open(reopened, binding, "A", wrapped, sealed)
	text(t, got, err)
	got, err = open(reopened, binding, "A", newer, newerSealed)
	text(t, got, err)
	old, err := envelope.OpenKeyset(context.Background(), key, workspace, before)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.OpenDataKey(binding, newer); !errors.Is(err, envelope.ErrOpen) {
		t.Errorf("the keyset from before the rotation opens what came after: %v", err)
	}
}

func TestClosedKeysetOpensNothing(t *testing.T) {
	t.Parallel()
	_, _, ks := newKeyset(t)
	wrapped, sealed := row(t, ks, binding, "A")
	ks.Close()
	if _, err := open(ks, binding, "A", wrapped, sealed); !errors.Is(err, envelope.ErrClosed) {
		t.Errorf("a closed keyset: %v", err)
	}
}

func BenchmarkSealOpen1KiB(b *testing.B) {
	_, _, ks := newKeyset(b)
	value := bytes.Repeat([]byte("x"), 1024)
	for b.Loop() {
		key, wrapped, err := ks.NewDataKey(binding)
		if err != nil {
			b.Fatal(err)
		}
		sealed, err := key.Seal("A", value)
		if err != nil {
			b.Fatal(err)
		}
		key.Clear()
		opened, err := open(ks, binding, "A", wrapped, sealed)
		if err != nil {
			b.Fatal(err)
		}
		opened.Clear()
	}
}
