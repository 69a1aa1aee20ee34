package door

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"hotcell"
)

// What a connection's tools are made of is kept as text, and beside it the hash of what
// was made plain (SHA-256). So a version of Hotcell that knew no plain forms reads and
// writes the text as it did, and what it wrote is known as not plain.
func labelDefinition(id hotcell.CredentialID) string { return "definition " + string(id) }
func labelPlain(id hotcell.CredentialID) string      { return "plain definition " + string(id) }

// PutDefinition stores what a connection's tools are made of, made plain, within a change
// that was permitted: an OpenAPI document, an MCP server's list.
func (v *Vault) PutDefinition(a *Act, id hotcell.CredentialID, text []byte) error {
	return v.putDefinition(a.VaultWriter, v.workspace, id, text)
}

func (v *Vault) putDefinition(w hotcell.VaultWriter, ws hotcell.WorkspaceID, id hotcell.CredentialID, text []byte) error {
	sum := sha256.Sum256(text)
	sealed, err := v.sealBlob(labelDefinition(id), text)
	mark, failed := v.sealBlob(labelPlain(id), sum[:])
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("sealing a definition: %w", err)
	}
	return errors.Join(w.PutBlob(ws, labelDefinition(id), sealed), w.PutBlob(ws, labelPlain(id), mark))
}

func deleteDefinition(w hotcell.VaultWriter, ws hotcell.WorkspaceID, id hotcell.CredentialID) error {
	return errors.Join(w.DeleteBlob(ws, labelDefinition(id)), w.DeleteBlob(ws, labelPlain(id)))
}

// Definition is what a connection's tools are made of, and whether that was made plain:
// what an earlier version stored is as a stranger wrote it. It is [hotcell.ErrNotFound]
// where there is none.
func (v *Vault) Definition(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID) (text []byte, plain bool, err error) {
	var sealed, mark []byte
	err = v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
		if sealed, err = r.Blob(ws, labelDefinition(id)); err != nil {
			return err
		}
		if mark, err = r.Blob(ws, labelPlain(id)); errors.Is(err, hotcell.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if text, err = v.openDefinition(labelDefinition(id), sealed); err != nil || mark == nil {
		return text, false, err
	}
	sum, err := v.openDefinition(labelPlain(id), mark)
	if err != nil {
		return nil, false, err
	}
	now := sha256.Sum256(text)
	return text, subtle.ConstantTimeCompare(sum, now[:]) == 1, nil
}

func (v *Vault) openDefinition(label string, sealed []byte) (text []byte, err error) {
	opened, err := v.openBlob(label, sealed)
	if errors.Is(err, hotcell.ErrUnavailable) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the definition of a connection's tools does not open", hotcell.ErrTampered)
	}
	defer opened.Clear()
	err = opened.Use(func(b []byte) error {
		text = append([]byte(nil), b...)
		return nil
	})
	return text, err
}

// kindPlain is the event of a definition that was made plain after it was stored.
const kindPlain = "connection.plain"

// MakePlain stores the plain form of what an earlier version stored, where the connection
// is still of that version: who would use it reads no other from then on.
func (v *Vault) MakePlain(ctx context.Context, ws hotcell.WorkspaceID, id hotcell.CredentialID, version int, text []byte) error {
	return v.store.Update(context.WithoutCancel(ctx), func(w hotcell.VaultWriter) error {
		c, err := w.Credential(ws, id)
		if err != nil || c.Connected == nil || c.Version != version {
			return err
		}
		about := v.ofConnection(kindPlain, c)
		about.Decision, about.Reason = hotcell.Allowed, "what it describes its tools by was kept as it came"
		return errors.Join(v.putDefinition(w, ws, id, text), w.Record(about))
	})
}
