package parcel_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"hotcell/internal/value/parcel"
)

// reference is HPKE written from RFC 9180's text, apart from crypto/hpke: base
// mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, sequence 0.
type reference struct {
	gcm   cipher.AEAD
	nonce []byte
}

var (
	suiteKEM  = []byte("KEM\x00\x20")                  // section 4.1
	suiteHPKE = []byte("HPKE\x00\x20\x00\x01\x00\x02") // section 5.1
)

func extract(suite []byte, salt []byte, label string, ikm []byte) []byte {
	out, err := hkdf.Extract(sha256.New, slices.Concat([]byte("HPKE-v1"), suite, []byte(label), ikm), salt)
	if err != nil {
		panic(err)
	}
	return out
}

func expand(suite, prk []byte, label string, info []byte, n int) []byte {
	labeled := slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(n)), []byte("HPKE-v1"), suite, []byte(label), info)
	out, err := hkdf.Expand(sha256.New, prk, string(labeled), n)
	if err != nil {
		panic(err)
	}
	return out
}

// newReference derives from the Diffie-Hellman secret of either side (sections
// 4.1 and 5.1).
func newReference(t *testing.T, own *ecdh.PrivateKey, other, enc, receiver, info []byte) reference {
	t.Helper()
	peer, err := ecdh.X25519().NewPublicKey(other)
	if err != nil {
		t.Fatal(err)
	}
	dh, err := own.ECDH(peer)
	if err != nil {
		t.Fatal(err)
	}
	shared := expand(suiteKEM, extract(suiteKEM, nil, "eae_prk", dh), "shared_secret", slices.Concat(enc, receiver), 32)
	context := slices.Concat([]byte{0}, extract(suiteHPKE, nil, "psk_id_hash", nil), extract(suiteHPKE, nil, "info_hash", info))
	secret := extract(suiteHPKE, shared, "secret", nil)
	block, err := aes.NewCipher(expand(suiteHPKE, secret, "key", context, 32))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return reference{gcm, expand(suiteHPKE, secret, "base_nonce", context, 12)}
}

// vector is the first encryption of the entry with mode 0, kem_id 32, kdf_id 1
// and aead_id 2 in RFC 9180's test-vectors.json.
var vector = map[string]string{
	"info": "4f6465206f6e2061204772656369616e2055726e",
	"skEm": "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11",
	"enc":  "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
	"skRm": "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
	"pkRm": "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c",
	"aad":  "436f756e742d30",
	"pt":   "4265617574792069732074727574682c20747275746820626561757479",
	"ct":   "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
}

func sender(t *testing.T, info []byte) reference {
	t.Helper()
	ephemeral, err := ecdh.X25519().NewPrivateKey(unhex(t, vector["skEm"]))
	if err != nil {
		t.Fatal(err)
	}
	if enc := ephemeral.PublicKey().Bytes(); !bytes.Equal(enc, unhex(t, vector["enc"])) {
		t.Errorf("enc = %x", enc)
	}
	receiver := unhex(t, vector["pkRm"])
	return newReference(t, ephemeral, receiver, unhex(t, vector["enc"]), receiver, info)
}

func TestReferenceIsRFC9180(t *testing.T) {
	t.Parallel()
	r := sender(t, unhex(t, vector["info"]))
	if ct := r.gcm.Seal(nil, r.nonce, unhex(t, vector["pt"]), unhex(t, vector["aad"])); !bytes.Equal(ct, unhex(t, vector["ct"])) {
		t.Errorf("ct = %x", ct)
	}
}

func TestOpensWhatTheReferenceSealed(t *testing.T) {
	t.Parallel()
	k := private(t, vector["skRm"])
	if !bytes.Equal(k.Public().Bytes(), unhex(t, vector["pkRm"])) {
		t.Errorf("public key %x", k.Public().Bytes())
	}
	r := sender(t, []byte("info"))
	message := slices.Concat([]byte{1}, unhex(t, vector["enc"]), r.gcm.Seal(nil, r.nonce, []byte("value"), nil))
	if v, err := k.OpenInfo([]byte("info"), message); err != nil || !v.Equal([]byte("value")) {
		t.Errorf("opening: %v", err)
	}
	withData := slices.Concat([]byte{1}, unhex(t, vector["enc"]), r.gcm.Seal(nil, r.nonce, []byte("value"), []byte("x")))
	if _, err := k.OpenInfo([]byte("info"), withData); !errors.Is(err, parcel.ErrOpen) {
		t.Errorf("opened with foreign associated data: %v", err)
	}
}

// The context's bytes are written out here once more, as docs/formats.md has them.
func TestReferenceOpensWhatWasSealed(t *testing.T) {
	t.Parallel()
	own, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := parcel.ParsePublic(own.PublicKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	message, err := parcel.Seal(public, parcel.Context{Workspace: "wsp", Tier: "secret", Item: "b", Field: ""}, []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	info := []byte("hotcell value v1\x00\x00\x00\x03wsp\x00\x00\x00\x06secret\x00\x00\x00\x01b\x00\x00\x00\x00")
	enc := message[1:33]
	r := newReference(t, own, enc, enc, own.PublicKey().Bytes(), info)
	if got, err := r.gcm.Open(nil, r.nonce, message[33:], nil); err != nil || string(got) != "value" || message[0] != 1 {
		t.Errorf("the reference reads %q, %v", got, err)
	}
}
