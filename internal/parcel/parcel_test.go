package parcel_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hotcell/internal/parcel"
)

var in = parcel.Context{Workspace: "wsp_a", Tier: "secret", Item: "billing", Field: "API_KEY"}

func pair(t testing.TB) parcel.PrivateKey {
	t.Helper()
	k, err := parcel.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOpensInItsContextOnly(t *testing.T) {
	t.Parallel()
	k := pair(t)
	message, err := parcel.Seal(k.Public(), in, []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := k.Open(in, message); err != nil || !v.Equal([]byte("value")) {
		t.Fatalf("opening: %v", err)
	}
	others := []parcel.Context{
		{}, {Workspace: "wsp_b", Tier: in.Tier, Item: in.Item, Field: in.Field}, {Workspace: in.Workspace, Tier: "login", Item: in.Item, Field: in.Field},
		{Workspace: in.Workspace, Tier: in.Tier, Item: "billin", Field: "gAPI_KEY"}, {Workspace: in.Workspace, Tier: in.Tier, Item: in.Item, Field: "api_key"},
		{Workspace: in.Workspace, Tier: in.Tier, Item: in.Item + "API_KEY"},
	}
	for _, other := range others {
		if _, err := k.Open(other, message); !errors.Is(err, parcel.ErrOpen) {
			t.Errorf("opened in %+v: %v", other, err)
		}
	}
	if _, err := pair(t).Open(in, message); !errors.Is(err, parcel.ErrOpen) {
		t.Errorf("opened by another key: %v", err)
	}
	for i := range len(message) * 8 {
		flipped := bytes.Clone(message)
		flipped[i/8] ^= 1 << (i % 8)
		// X25519 ignores the top bit of a point (RFC 7748 section 5), but HPKE
		// binds the encapsulated key as it was sent.
		if _, err := k.Open(in, flipped); !errors.Is(err, parcel.ErrOpen) {
			t.Errorf("opened with bit %d flipped: %v", i, err)
		}
	}
}

func TestKeysSurviveStorage(t *testing.T) {
	t.Parallel()
	k := pair(t)
	var again parcel.PrivateKey
	if err := k.Bytes().Use(func(b []byte) (err error) { again, err = parcel.ParsePrivate(b); return err }); err != nil {
		t.Fatal(err)
	}
	public, err := parcel.ParsePublic(k.Public().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if public.Fingerprint() != again.Public().Fingerprint() || !strings.HasPrefix(public.Fingerprint(), "SHA256:") {
		t.Errorf("fingerprints %s and %s", public.Fingerprint(), again.Public().Fingerprint())
	}
	message, err := parcel.SealInfo(public, []byte("info"), []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.OpenInfo([]byte("info"), message); err != nil {
		t.Errorf("the stored key does not open: %v", err)
	}
}

func TestPrivateKeysAreNotPrinted(t *testing.T) {
	t.Parallel()
	k := pair(t)
	js, err := json.Marshal(map[string]any{"k": k})
	if err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprintf("%v %+v %#v %x %s %s", k, k, k, k, k, js)
	_ = k.Bytes().Use(func(b []byte) error {
		if strings.Contains(out, fmt.Sprintf("%x", b)) || strings.Contains(out, string(b)) || strings.Count(out, "[redacted]") != 6 {
			t.Errorf("printed: %s", out)
		}
		return nil
	})
}

func FuzzOpen(f *testing.F) {
	k := pair(f)
	message, _ := parcel.Seal(k.Public(), in, []byte("value"))
	f.Add(message)
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := k.Open(in, b); err == nil && !bytes.Equal(b, message) {
			t.Error("a forged message opened")
		}
	})
}
