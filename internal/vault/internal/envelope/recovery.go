package envelope

import (
	"bytes"
	"context"
	"errors"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"hotcell/internal/value/sensitive"
)

// Export is the keyset itself, for a backup that is encrypted to those who may recover
// it. The caller clears it.
func (ks *Keyset) Export() (sensitive.Bytes, error) {
	k, err := ks.keys()
	if err != nil {
		return sensitive.Bytes{}, err
	}
	plain := bytes.NewBuffer(make([]byte, 0, 4096)) // so that it does not grow, and leave copies behind
	if err := insecurecleartextkeyset.Write(k.handle, keyset.NewBinaryWriter(plain)); err != nil {
		return sensitive.Bytes{}, errors.New("writing a keyset")
	}
	return sensitive.New(plain.Bytes()), nil
}

// ImportKeyset opens a keyset that was exported, and wraps it under a KMS of its own.
func ImportKeyset(ctx context.Context, w Wrapper, workspace string, plain sensitive.Bytes) (wrapped []byte, ks *Keyset, err error) {
	err = plain.Use(func(b []byte) error {
		handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(b)))
		if err != nil {
			return errors.New("reading a keyset: it is damaged")
		}
		opened, err := newKeys(handle)
		if err != nil {
			return err
		}
		wrapped, err = opened.wrap(ctx, w, workspace)
		ks = &Keyset{workspace: workspace, open: opened}
		return err
	})
	return wrapped, ks, err
}
