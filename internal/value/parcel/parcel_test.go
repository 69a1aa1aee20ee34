package parcel_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hotcell/internal/value/parcel"
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
	// fmt does not ask the methods of what lies in fields that are not exported.
	holder := struct{ k parcel.PrivateKey }{k}
	hidden := fmt.Sprintf("%v %+v %#v", holder, holder, &holder)
	_ = k.Bytes().Use(func(b []byte) error {
		for _, form := range []string{string(b), hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)), fmt.Sprint(b), fmt.Sprintf("%#v", b)} {
			if strings.Contains(hidden, strings.Trim(form, "[]")) {
				t.Errorf("printed from a hidden field: %s", hidden)
			}
		}
		if strings.Contains(out, fmt.Sprintf("%x", b)) || strings.Contains(out, string(b)) || strings.Count(out, "[redacted]") != 6 {
			t.Errorf("printed: %s", out)
		}
		return nil
	})
}

func TestKeysOfNoValueDoNotPanic(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		if _, err := parcel.ParsePublic(make([]byte, n)); (err == nil) != (n == 32) {
			t.Errorf("a public key of %d bytes: %v", n, err)
		}
		if _, err := parcel.ParsePrivate(make([]byte, n)); (err == nil) != (n == 32) {
			t.Errorf("a private key of %d bytes: %v", n, err)
		}
	}
	zero, err := parcel.ParsePublic(make([]byte, 32)) // a point of low order
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []parcel.PublicKey{{}, zero} {
		if _, err := parcel.Seal(to, in, []byte("value")); err == nil {
			t.Error("sealed to a key that nobody owns")
		}
	}
	var none parcel.PrivateKey
	if b := none.Bytes(); b.Len() != 0 || none.Public().Bytes() != nil {
		t.Error("the zero key has bytes")
	}
	if _, err := none.Open(in, make([]byte, 100)); !errors.Is(err, parcel.ErrOpen) {
		t.Errorf("the zero key opens: %v", err)
	}
}

func TestMessagesOfOneValueDiffer(t *testing.T) {
	t.Parallel()
	k := pair(t)
	a, _ := parcel.Seal(k.Public(), in, []byte("value"))
	b, _ := parcel.Seal(k.Public(), in, []byte("value"))
	if bytes.Equal(a, b) || parcel.Hash(a) == parcel.Hash(b) || parcel.Hash(a) != parcel.Hash(bytes.Clone(a)) {
		t.Error("a message does not have a hash of its own")
	}
}

func FuzzContexts(f *testing.F) {
	k := pair(f)
	f.Add("wsp", "secret", "item", "field", "wsp", "secret", "itemf", "ield", []byte("value"))
	f.Add("", "", "", "\x00", "", "", "\x00", "", []byte{})
	f.Fuzz(func(t *testing.T, w1, t1, i1, f1, w2, t2, i2, f2 string, plaintext []byte) {
		from, to := parcel.Context{Workspace: w1, Tier: t1, Item: i1, Field: f1}, parcel.Context{Workspace: w2, Tier: t2, Item: i2, Field: f2}
		message, err := parcel.Seal(k.Public(), from, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := k.Open(from, message); err != nil || !v.Equal(plaintext) {
			t.Errorf("does not open in its own context: %v", err)
		}
		if _, err := k.Open(to, message); (err == nil) != (from == to) {
			t.Errorf("sealed in %q, opened in %q: %v", from, to, err)
		}
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
