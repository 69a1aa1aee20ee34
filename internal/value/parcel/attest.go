package parcel

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// ErrAttested says that a key is not one that the identity has signed.
var ErrAttested = errors.New("the key is not signed by the identity that is shown with it")

// Attestation is an identity's word on which key values are sealed to: an Ed25519
// signature (RFC 8032) over the workspace, a number that grows with each key, and the key.
type Attestation struct {
	// Identity is the public key of 32 bytes.
	Identity []byte `json:"identity"`
	Sequence uint64 `json:"sequence"`
	// Signature has 64 bytes.
	Signature []byte `json:"signature"`
}

// IdentitySize is the length in bytes of an identity's private seed.
const IdentitySize = ed25519.SeedSize

// Attest signs a key as the sequence's one, by the identity of a seed of [IdentitySize]
// bytes.
func Attest(seed []byte, workspace string, sequence uint64, key PublicKey) (Attestation, error) {
	if len(seed) != IdentitySize {
		return Attestation{}, errors.New("signing a key: the identity is none")
	}
	private := ed25519.NewKeyFromSeed(seed)
	defer clear(private)
	public, _ := private.Public().(ed25519.PublicKey)
	return Attestation{public, sequence, ed25519.Sign(private, attested(workspace, sequence, key))}, nil
}

// Check is [ErrAttested] where the identity has not signed the key.
func (a Attestation) Check(workspace string, key PublicKey) error {
	if len(a.Identity) != ed25519.PublicKeySize || !ed25519.Verify(a.Identity, attested(workspace, a.Sequence, key), a.Signature) {
		return ErrAttested
	}
	return nil
}

// Fingerprint names the identity for people and pins: "ID-SHA256:" and unpadded base64.
func (a Attestation) Fingerprint() string {
	sum := sha256.Sum256(a.Identity)
	return "ID-SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// attested is what is signed.
func attested(workspace string, sequence uint64, key PublicKey) []byte {
	out := []byte("hotcell identity v1\x00")
	out = binary.BigEndian.AppendUint32(out, uint32(len(workspace)))
	out = append(out, workspace...)
	out = binary.BigEndian.AppendUint64(out, sequence)
	return append(out, key.Bytes()...)
}

// vouchInfo is what a question to the holder of a key is sealed under.
const vouchInfo = "hotcell vouch v1"

// AskVouch is a question that the holder of a key alone can answer, and the answer: that
// an identity is its own. It is asked by who knows the key and not the identity yet.
func AskVouch(key PublicKey, identity []byte) (question, answer []byte, err error) {
	nonce := make([]byte, sha256.Size)
	_, _ = rand.Read(nonce) // never fails
	question, err = SealInfo(key, []byte(vouchInfo), nonce)
	return question, vouched(nonce, identity), err
}

// Vouch answers the question.
func (k PrivateKey) Vouch(question, identity []byte) (answer []byte, err error) {
	nonce, err := k.OpenInfo([]byte(vouchInfo), question)
	if err != nil {
		return nil, err
	}
	defer nonce.Clear()
	if nonce.Len() != sha256.Size {
		return nil, ErrOpen
	}
	err = nonce.Use(func(b []byte) error { answer = vouched(b, identity); return nil })
	return answer, err
}

// Vouched says whether an answer is the one, in constant time.
func Vouched(answer, wanted []byte) bool { return hmac.Equal(answer, wanted) }

func vouched(nonce, identity []byte) []byte {
	mac := hmac.New(sha256.New, nonce)
	mac.Write([]byte(vouchInfo))
	mac.Write(identity)
	return mac.Sum(nil)
}
