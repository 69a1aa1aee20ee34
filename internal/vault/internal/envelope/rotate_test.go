package envelope_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/envelope"
	"hotcell/internal/vault/internal/kms"
)

func TestRotationStillOpensTheOld(t *testing.T) {
	t.Parallel()
	key, before, ks := newKeyset(t)
	wrapped, sealed := row(t, ks, binding, "A")
	blob, err := ks.SealBlob("pair", []byte("private"))
	if err != nil {
		t.Fatal(err)
	}
	after := rotate(t, ks, key)
	newer, newerSealed := row(t, ks, binding, "A")
	reopened, err := envelope.OpenKeyset(context.Background(), key, workspace, after)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []*envelope.Keyset{ks, reopened} {
		got, err := open(set, binding, "A", wrapped, sealed)
		text(t, got, err)
		got, err = open(set, binding, "A", newer, newerSealed)
		text(t, got, err)
		got, err = set.OpenBlob("pair", blob)
		text(t, got, err)
	}
	old, err := envelope.OpenKeyset(context.Background(), key, workspace, before)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.OpenDataKey(binding, newer); !errors.Is(err, envelope.ErrOpen) {
		t.Errorf("the keyset from before the rotation opens what came after: %v", err)
	}
}

// rotate rotates, and returns what was stored.
func rotate(t *testing.T, ks *envelope.Keyset, w envelope.Wrapper) (stored []byte) {
	t.Helper()
	if err := ks.Rotate(context.Background(), w, func(wrapped []byte) error { stored = wrapped; return nil }); err != nil {
		t.Fatal(err)
	}
	return stored
}

// What is sealed under a key that was never stored would be lost.
func TestNothingIsSealedUnderAKeyThatIsNotStored(t *testing.T) {
	t.Parallel()
	key, before, ks := newKeyset(t)
	stored, err := envelope.OpenKeyset(context.Background(), key, workspace, before)
	if err != nil {
		t.Fatal(err)
	}
	opens := func(when string) {
		t.Helper()
		wrapped, sealed := row(t, ks, binding, "A")
		if _, err := open(stored, binding, "A", wrapped, sealed); err != nil {
			t.Errorf("sealed %s, does not open with the keyset that is stored: %v", when, err)
		}
	}
	full := errors.New("the disk is full")
	err = ks.Rotate(context.Background(), key, func([]byte) error { opens("while storing"); return full })
	if !errors.Is(err, full) {
		t.Errorf("Rotate = %v", err)
	}
	opens("after storing failed")
	if err := ks.Rotate(context.Background(), down{}, func([]byte) error { return nil }); !errors.Is(err, kms.ErrUnavailable) {
		t.Errorf("Rotate without a KMS = %v", err)
	}
	opens("after wrapping failed")
}

// down is a KMS that does not answer.
type down struct{}

func (down) Wrap(context.Context, []byte, []byte) ([]byte, error) { return nil, kms.ErrUnavailable }
func (down) Unwrap(context.Context, []byte, []byte) (sensitive.Bytes, error) {
	return sensitive.Bytes{}, kms.ErrUnavailable
}

// loose is a KMS that keeps what it is given, as it is.
type loose struct{ calls int }

func (l *loose) Wrap(_ context.Context, plain, _ []byte) ([]byte, error) {
	l.calls++
	return append([]byte(nil), plain...), nil
}

func (l *loose) Unwrap(_ context.Context, wrapped, _ []byte) (sensitive.Bytes, error) {
	l.calls++
	return sensitive.Copy(wrapped), nil
}

func TestKMSIsAskedForKeysetsOnly(t *testing.T) {
	t.Parallel()
	k := &loose{}
	wrapped, ks, err := envelope.NewKeyset(context.Background(), k, workspace)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		dk, sealed := row(t, ks, binding, "A")
		if _, err := open(ks, binding, "A", dk, sealed); err != nil {
			t.Fatal(err)
		}
	}
	if k.calls != 1 {
		t.Errorf("%d calls to the KMS", k.calls)
	}
	for n := range wrapped { // a KMS that gives back something else
		if ks, err := envelope.OpenKeyset(context.Background(), k, workspace, wrapped[:n]); err == nil || ks != nil {
			t.Errorf("a keyset cut to %d bytes was taken", n)
		}
	}
}

func TestKMSThatIsDownSaysSo(t *testing.T) {
	t.Parallel()
	if _, _, err := envelope.NewKeyset(context.Background(), down{}, workspace); !errors.Is(err, kms.ErrUnavailable) {
		t.Errorf("NewKeyset = %v", err)
	}
	if ks, err := envelope.OpenKeyset(context.Background(), down{}, workspace, nil); !errors.Is(err, kms.ErrUnavailable) || ks != nil {
		t.Errorf("OpenKeyset = %v", err)
	}
}

func TestUsesGoOnWhileKeysRotate(t *testing.T) {
	t.Parallel()
	key, _, ks := newKeyset(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				dk, wrapped, err := ks.NewDataKey(binding)
				if err != nil {
					t.Error(err)
					return
				}
				sealed, err := dk.Seal("A", []byte("value"))
				if err != nil {
					t.Error(err)
				}
				if _, err := open(ks, binding, "A", wrapped, sealed); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 5 {
				if err := ks.Rotate(context.Background(), key, func([]byte) error { return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
