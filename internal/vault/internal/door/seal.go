package door

import (
	"errors"
	"fmt"
	"slices"

	"hotcell"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/envelope"
)

// Field is one named value of a credential.
type Field struct {
	Name  string
	Value sensitive.Bytes
}

// ClearFields clears every value.
func ClearFields(fields []Field) {
	for _, f := range fields {
		f.Value.Clear()
	}
}

// Receive opens a value that a person sealed to the vault's key, and returns
// the hash under which [Act.Receive] remembers the message. It gives nothing
// out: what it opens was the caller's own.
func (v *Vault) Receive(ws hotcell.WorkspaceID, in parcel.Context, message []byte) (sensitive.Bytes, error) {
	if ws != v.workspace || in.Workspace != string(ws) {
		return sensitive.Bytes{}, hotcell.ErrNotFound
	}
	held, err := v.keys.Get()
	if err != nil {
		return sensitive.Bytes{}, err
	}
	v.tidy.Used()
	v.used.pair.now(v.now)
	value, err := held.pair.Open(in, message)
	if err != nil && held.old != nil && v.now().Before(held.old.until) {
		return held.old.pair.Open(in, message)
	}
	return value, err
}

// NotReceived is what is told of an error of [Vault.Receive]: that the keys are closed,
// or what the message is not.
func NotReceived(err, what error) error {
	if errors.Is(err, hotcell.ErrUnavailable) {
		return err
	}
	return what
}

// Seal seals the fields as a new version of the credential, under a data key
// of its own, and stores them.
func (v *Vault) Seal(a *Act, c hotcell.Credential, fields []Field) error {
	binding := envelope.Binding{Workspace: string(c.Workspace), Credential: string(c.ID), Version: c.Version}
	held, err := v.keys.Get()
	if err != nil {
		return err
	}
	key, wrapped, err := held.keys.NewDataKey(binding)
	if err != nil {
		return fmt.Errorf("making a data key: %w", err)
	}
	defer key.Clear()
	v.tidy.Used()
	sealed := make([]hotcell.SealedField, 0, len(fields))
	for _, f := range fields {
		var blob []byte
		if err := f.Value.Use(func(b []byte) (err error) {
			blob, err = key.Seal(f.Name, b)
			return err
		}); err != nil {
			return fmt.Errorf("sealing a value: %w", err)
		}
		sealed = append(sealed, hotcell.SealedField{Credential: c.ID, Version: c.Version, Name: f.Name, Blob: blob})
	}
	return a.PutSealed(c.Workspace, hotcell.SealedKey{Credential: c.ID, Version: c.Version, Blob: wrapped}, sealed)
}

// Reopen opens the newest version's values within a change that was permitted,
// so that some of them can be kept in the next version. The caller clears them.
func (v *Vault) Reopen(a *Act, c hotcell.Credential) ([]Field, error) {
	if !a.permitted {
		return nil, errUnasked
	}
	if err := newest(a, c); err != nil {
		return nil, err
	}
	return v.open(a, c, c.Version)
}

// newest holds a credential's row against the audit log: a row that was put
// back to an older version is refused.
func newest(r hotcell.VaultReader, c hotcell.Credential) error {
	n, err := r.NewestVersion(c.Workspace, c.ID)
	if err != nil {
		return err
	}
	if n != c.Version {
		return fmt.Errorf("%w: %s %q is at version %d, and the audit log tells of version %d", hotcell.ErrTampered, c.Tier, c.Name, c.Version, n)
	}
	return nil
}

// open opens one version. Its callers have decided and recorded.
func (v *Vault) open(r hotcell.VaultReader, c hotcell.Credential, version int) ([]Field, error) {
	key, fields, err := sealed(r, c, version)
	if err != nil {
		return nil, err
	}
	return v.openSealed(c, version, key, fields)
}

// sealed reads one version as it is stored.
func sealed(r hotcell.VaultReader, c hotcell.Credential, version int) (hotcell.SealedKey, []hotcell.SealedField, error) {
	key, err := r.SealedKey(c.Workspace, c.ID, version)
	if err != nil {
		return key, nil, fmt.Errorf("%w: the data key of %s %q is gone", tamperedIfMissing(err), c.Tier, c.Name)
	}
	fields, err := r.SealedFields(c.Workspace, c.ID, version)
	return key, fields, err
}

// openSealed opens what was read of one version.
func (v *Vault) openSealed(c hotcell.Credential, version int, sealedKey hotcell.SealedKey, sealed []hotcell.SealedField) ([]Field, error) {
	held, err := v.keys.Get()
	if err != nil {
		return nil, err
	}
	key, err := held.keys.OpenDataKey(envelope.Binding{Workspace: string(c.Workspace), Credential: string(c.ID), Version: version}, sealedKey.Blob)
	if err != nil {
		return nil, tampered(c, version, err)
	}
	defer key.Clear()
	v.tidy.Used()
	v.used.keyset.now(v.now)
	fields := make([]Field, 0, len(sealed))
	for _, s := range sealed {
		value, err := key.Open(s.Name, s.Blob)
		if err != nil {
			ClearFields(fields)
			return nil, tampered(c, version, err)
		}
		fields = append(fields, Field{s.Name, value})
	}
	if version == c.Version && !complete(c, fields) {
		ClearFields(fields)
		return nil, fmt.Errorf("%w: the values of %s %q are not all there", hotcell.ErrTampered, c.Tier, c.Name)
	}
	return fields, nil
}

// complete says whether the values are those that the credential must have:
// each value is sealed by itself, so one that is gone leaves no trace in the rest.
func complete(c hotcell.Credential, fields []Field) bool {
	names := fieldsOf(c)
	if len(fields) != len(names) {
		return false
	}
	for _, name := range names {
		if !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == name }) {
			return false
		}
	}
	return true
}

// fieldsOf are the names of the fields that a credential must have.
func fieldsOf(c hotcell.Credential) []string {
	if c.Connected != nil {
		return c.Connected.Fields
	}
	if c.Login != nil {
		return c.Login.Fields()
	}
	if c.HTTP != nil {
		return []string{hotcell.FieldKey}
	}
	names := make([]string, len(c.Variables))
	for i, variable := range c.Variables {
		names[i] = variable.Name
	}
	return names
}

func tampered(c hotcell.Credential, version int, err error) error {
	if !errors.Is(err, envelope.ErrOpen) {
		return fmt.Errorf("opening %s %q: %w", c.Tier, c.Name, err)
	}
	return fmt.Errorf("%w: version %d of %s %q does not open: its bytes are not what the vault stored there", hotcell.ErrTampered, version, c.Tier, c.Name)
}

func tamperedIfMissing(err error) error {
	if errors.Is(err, hotcell.ErrNotFound) {
		return hotcell.ErrTampered
	}
	return err
}
