package sqlite

import (
	"database/sql"
	"time"

	"hotcell"
)

// SealedKey implements [hotcell.VaultReader].
func (r *reader) SealedKey(ws hotcell.WorkspaceID, id hotcell.CredentialID, version int) (hotcell.SealedKey, error) {
	key := hotcell.SealedKey{Credential: id, Version: version}
	err := r.s.one([]any{&key.Blob},
		"SELECT blob FROM sealed_keys WHERE workspace = ? AND credential = ? AND version = ?", string(ws), string(id), version)
	return scoped(key, true, err)
}

// SealedKeys implements [hotcell.VaultReader].
func (r *reader) SealedKeys(ws hotcell.WorkspaceID, after hotcell.SealedKey, limit int) ([]hotcell.SealedKey, error) {
	var out []hotcell.SealedKey
	err := r.s.each(func(rows *sql.Rows) error {
		var key hotcell.SealedKey
		err := rows.Scan(&key.Credential, &key.Version, &key.Blob)
		out = append(out, key)
		return err
	}, `SELECT credential, version, blob FROM sealed_keys WHERE workspace = ? AND (credential, version) > (?, ?)
		ORDER BY credential, version LIMIT ?`, string(ws), string(after.Credential), after.Version, limit)
	return out, err
}

// SealedKeyPrefixes implements [hotcell.VaultReader].
func (r *reader) SealedKeyPrefixes(ws hotcell.WorkspaceID) (map[string]int, error) {
	out := map[string]int{}
	err := r.s.each(func(rows *sql.Rows) error {
		var prefix []byte
		var n int
		err := rows.Scan(&prefix, &n)
		out[string(prefix)] = n
		return err
	}, "SELECT substr(blob, 1, ?) AS prefix, count(*) FROM sealed_keys WHERE workspace = ? GROUP BY prefix", hotcell.SealedKeyPrefix, string(ws))
	return out, err
}

// SealedFields implements [hotcell.VaultReader].
func (r *reader) SealedFields(ws hotcell.WorkspaceID, id hotcell.CredentialID, version int) ([]hotcell.SealedField, error) {
	var out []hotcell.SealedField
	err := r.s.each(func(rows *sql.Rows) error {
		field := hotcell.SealedField{Credential: id, Version: version}
		if err := rows.Scan(&field.Name, &field.Blob); err != nil {
			return err
		}
		out = append(out, field)
		return nil
	}, `SELECT name, blob FROM sealed_fields WHERE workspace = ? AND credential = ? AND version = ?
		ORDER BY name`, string(ws), string(id), version)
	return out, err
}

// Versions implements [hotcell.VaultReader].
func (r *reader) Versions(ws hotcell.WorkspaceID, id hotcell.CredentialID) ([]int, error) {
	var out []int
	err := r.s.each(func(rows *sql.Rows) error {
		var version int
		err := rows.Scan(&version)
		out = append(out, version)
		return err
	}, "SELECT version FROM sealed_keys WHERE workspace = ? AND credential = ? ORDER BY version", string(ws), string(id))
	return out, err
}

// PutSealed implements [hotcell.VaultWriter]. What the version held before is
// gone, fields that are no longer named included.
func (u *updater) PutSealed(ws hotcell.WorkspaceID, key hotcell.SealedKey, fields []hotcell.SealedField) error {
	if err := u.dropVersion(ws, key.Credential, key.Version); err != nil {
		return err
	}
	if _, err := u.s.exec("INSERT INTO sealed_keys (workspace, credential, version, blob) VALUES (?, ?, ?, ?)",
		string(ws), string(key.Credential), key.Version, whole(key.Blob)); err != nil {
		return err
	}
	for _, f := range fields {
		if f.Credential != key.Credential || f.Version != key.Version {
			return hotcell.Invalid("", "a sealed value belongs to another version than its key")
		}
		if _, err := u.s.exec("INSERT INTO sealed_fields (workspace, credential, version, name, blob) VALUES (?, ?, ?, ?, ?)",
			string(ws), string(key.Credential), key.Version, f.Name, whole(f.Blob)); err != nil {
			return err
		}
	}
	return nil
}

// SwapSealedKeys implements [hotcell.VaultWriter].
func (u *updater) SwapSealedKeys(ws hotcell.WorkspaceID, were, are []hotcell.SealedKey) (int, error) {
	swapped := 0
	for i, now := range are {
		if were[i].Credential != now.Credential || were[i].Version != now.Version {
			return 0, hotcell.Invalid("", "a data key is put in the place of another version's")
		}
		n, err := u.s.exec("UPDATE sealed_keys SET blob = ? WHERE workspace = ? AND credential = ? AND version = ? AND blob = ?",
			whole(now.Blob), string(ws), string(now.Credential), now.Version, whole(were[i].Blob))
		if err != nil {
			return 0, err
		}
		swapped += int(n)
	}
	return swapped, nil
}

func (u *updater) dropVersion(ws hotcell.WorkspaceID, id hotcell.CredentialID, version int) error {
	if _, err := u.s.exec("DELETE FROM sealed_fields WHERE workspace = ? AND credential = ? AND version = ?",
		string(ws), string(id), version); err != nil {
		return err
	}
	_, err := u.s.exec("DELETE FROM sealed_keys WHERE workspace = ? AND credential = ? AND version = ?",
		string(ws), string(id), version)
	return err
}

// DeleteVersion implements [hotcell.VaultWriter].
func (u *updater) DeleteVersion(ws hotcell.WorkspaceID, id hotcell.CredentialID, version int) error {
	if _, err := u.SealedKey(ws, id, version); err != nil {
		return err
	}
	return u.dropVersion(ws, id, version)
}

// See implements [hotcell.VaultWriter].
func (u *updater) See(ws hotcell.WorkspaceID, message [32]byte, at time.Time) error {
	_, err := u.s.exec("INSERT INTO seen (workspace, message, at) VALUES (?, ?, ?)",
		string(ws), message[:], at.UnixNano())
	return err
}
