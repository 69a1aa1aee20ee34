package envelope_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/envelope"
	"hotcell/internal/vault/internal/kms"
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
	for _, c := range []string{"", "sec_a", "sec_b", "sec_a1"} {
		for _, v := range []int{1, 3, 13} {
			rows = append(rows, envelope.Binding{Workspace: workspace, Credential: c, Version: v})
		}
	}
	for _, from := range rows {
		for _, field := range []string{"A", "B", ""} {
			wrapped, sealed := row(t, ks, from, field)
			for _, to := range rows {
				for _, as := range []string{"A", "B", ""} {
					got, err := open(ks, to, as, wrapped, sealed)
					if same := to == from && as == field; same {
						if s := text(t, got, err); s != "value of "+field {
							t.Errorf("%v: opened as %q", from, s)
						}
					} else if err != envelope.ErrOpen {
						t.Errorf("%v/%s opened as %v/%s: %v", from, field, to, as, err)
					}
				}
			}
		}
	}
}

func TestAnotherWorkspacesRowDoesNotOpen(t *testing.T) {
	t.Parallel()
	_, _, ks := newKeyset(t)
	key := local(t)
	_, other, err := envelope.NewKeyset(context.Background(), key, "wsp_b")
	if err != nil {
		t.Fatal(err)
	}
	theirs := binding
	theirs.Workspace = "wsp_b"
	wrapped, sealed := row(t, other, theirs, "A")
	for _, b := range []envelope.Binding{binding, theirs} {
		if _, err := open(ks, b, "A", wrapped, sealed); err != envelope.ErrOpen {
			t.Errorf("opened as %v: %v", b, err)
		}
	}
	if _, _, err := ks.NewDataKey(theirs); err == nil {
		t.Error("a data key was made for another workspace's row")
	}
}

func TestABlobOpensUnderItsLabelOnly(t *testing.T) {
	t.Parallel()
	_, _, ks := newKeyset(t)
	sealed, err := ks.SealBlob("pair", []byte("private"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := ks.OpenBlob("pair", sealed)
	if s := text(t, got, err); s != "private" {
		t.Errorf("opened as %q", s)
	}
	wrapped, _ := row(t, ks, binding, "A")
	for label, b := range map[string][]byte{"": sealed, "pai": sealed, "pair ": sealed, "data key": wrapped, workspace: wrapped} {
		if _, err := ks.OpenBlob(label, b); err != envelope.ErrOpen {
			t.Errorf("opened as %q: %v", label, err)
		}
	}
	if _, err := ks.OpenDataKey(binding, sealed); err != envelope.ErrOpen {
		t.Errorf("opened as a data key: %v", err)
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
	flips(t, "wrapped data key", envelope.ErrOpen, wrapped, func(b []byte) error { _, err := open(ks, binding, "A", b, sealed); return err })
	flips(t, "sealed value", envelope.ErrOpen, sealed, func(b []byte) error { _, err := open(ks, binding, "A", wrapped, b); return err })
	flips(t, "blob", envelope.ErrOpen, blob, func(b []byte) error { _, err := ks.OpenBlob("pair", b); return err })
	flips(t, "keyset", kms.ErrRefused, keyset, func(b []byte) error {
		_, err := envelope.OpenKeyset(context.Background(), key, workspace, b)
		return err
	})
}

func flips(t *testing.T, what string, want error, whole []byte, open func([]byte) error) {
	t.Helper()
	if err := open(whole); err != nil {
		t.Fatalf("%s: the true bytes do not open: %v", what, err)
	}
	for i := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		if err := open(b); !errors.Is(err, want) {
			t.Errorf("%s: with bit %d flipped: %v", what, i, err)
		}
	}
	for n := range whole {
		if err := open(whole[:n]); !errors.Is(err, want) {
			t.Errorf("%s: cut to %d bytes: %v", what, n, err)
		}
	}
	if err := open(append(bytes.Clone(whole), 0)); !errors.Is(err, want) {
		t.Errorf("%s: with a byte more: %v", what, err)
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

func TestClosedKeysOpenNothing(t *testing.T) {
	t.Parallel()
	key, _, ks := newKeyset(t)
	wrapped, sealed := row(t, ks, binding, "A")
	dk, err := ks.OpenDataKey(binding, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	dk.Clear()
	_, sealing := dk.Seal("A", []byte("x"))
	_, opening := dk.Open("A", sealed)
	ks.Close()
	_, reopening := open(ks, binding, "A", wrapped, sealed)
	_, _, making := ks.NewDataKey(binding)
	_, blob := ks.SealBlob("pair", nil)
	_, blobBack := ks.OpenBlob("pair", nil)
	rotating := ks.Rotate(context.Background(), key, func([]byte) error { t.Error("stored"); return nil })
	for i, err := range []error{sealing, opening, reopening, making, blob, blobBack, rotating} {
		if !errors.Is(err, envelope.ErrClosed) {
			t.Errorf("use %d: %v", i, err)
		}
	}
}

func TestOneValueIsNeverSealedAlike(t *testing.T) {
	t.Parallel()
	_, _, ks := newKeyset(t)
	key, _, err := ks.NewDataKey(binding)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range [][]byte{nil, []byte("value"), bytes.Repeat([]byte{0xff}, 65536)} {
		a, errA := key.Seal("A", value)
		b, errB := key.Seal("A", value)
		if err := errors.Join(errA, errB); err != nil || bytes.Equal(a[1:], b[1:]) {
			t.Errorf("two seals of one value are alike: %v", err)
		}
		if got, err := key.Open("A", a); err != nil || !got.Equal(value) {
			t.Errorf("a value of %d bytes: %v", len(value), err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	_, _, ks := newKeyset(f)
	wrapped, sealed := row(f, ks, binding, "A")
	f.Add(wrapped, sealed)
	f.Add([]byte{1}, []byte{1})
	f.Fuzz(func(t *testing.T, w, s []byte) {
		_, err := open(ks, binding, "A", w, s)
		if same := bytes.Equal(w, wrapped) && bytes.Equal(s, sealed); same != (err == nil) || !same && err != envelope.ErrOpen {
			t.Errorf("same %v: %v", same, err)
		}
	})
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
