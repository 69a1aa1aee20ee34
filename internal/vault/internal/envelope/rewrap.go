package envelope

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"hotcell/internal/value/sensitive"
)

// KeyID names one key of a keyset; it says nothing of the key.
type KeyID uint32

// String is eight hexadecimal digits.
func (id KeyID) String() string { return fmt.Sprintf("%08x", uint32(id)) }

// ParseKeyID reads what [KeyID.String] wrote.
func ParseKeyID(text string) (id KeyID, ok bool) {
	n, err := strconv.ParseUint(text, 16, 32)
	return KeyID(n), err == nil && len(text) == 8
}

// prefixSize is the length of what Tink writes before what a key sealed: a byte of its
// own, and the key's id.
const prefixSize = 5

// SealedBy says by which key of a keyset something was sealed, by what stands before
// it: what somebody else wrote may say anything, and does not open.
func SealedBy(sealed []byte) (id KeyID, ok bool) {
	if len(sealed) < prefixSize || sealed[0] != 1 {
		return 0, false
	}
	return KeyID(binary.BigEndian.Uint32(sealed[1:prefixSize])), true
}

// Keys are the ids of the keyset's keys; the first is the one that seals.
func (ks *Keyset) Keys() ([]KeyID, error) {
	k, err := ks.keys()
	if err != nil {
		return nil, err
	}
	info := k.handle.KeysetInfo()
	out := []KeyID{KeyID(info.GetPrimaryKeyId())}
	for _, key := range info.GetKeyInfo() {
		if id := KeyID(key.GetKeyId()); id != out[0] {
			out = append(out, id)
		}
	}
	return out, nil
}

// without is the same keys but some, of which none may be the one that seals.
func (k *keys) without(ids []KeyID) (*keys, error) {
	manager := keyset.NewManagerFromHandle(k.handle)
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if err := manager.Delete(uint32(id)); err != nil {
			return nil, fmt.Errorf("taking a key out of a keyset: %w", err)
		}
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, fmt.Errorf("taking a key out of a keyset: %w", err)
	}
	return newKeys(handle)
}

// RewrapDataKey wraps the data key of a row anew, by the key that seals now; [ErrOpen]
// where it is not that row's.
func (ks *Keyset) RewrapDataKey(b Binding, wrapped []byte) ([]byte, error) {
	if b.Workspace != ks.workspace {
		return nil, ErrOpen
	}
	data := b.data("data key", "")
	raw, err := ks.unseal(wrapped, data)
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(raw)
	if len(raw) != keySize {
		return nil, ErrOpen
	}
	return ks.seal(raw, data)
}

// RewrapBlob seals one of the vault's own things anew, by the key that seals now.
func (ks *Keyset) RewrapBlob(label string, sealed []byte) ([]byte, error) {
	data := associated("blob", ks.workspace, label)
	plain, err := ks.unseal(sealed, data)
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(plain)
	return ks.seal(plain, data)
}
