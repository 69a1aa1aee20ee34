// Package backup is the form of a backup: two age files (age-encryption.org/v1) one
// behind the other. The first is the vault's, and is written by the vault's process
// alone; the second is the control plane's, encrypted to a key that the first holds.
//
// It guards that a backup tells nothing but its size and which kinds of keys open it,
// that one which was cut off, changed or put together of two does not open, and that
// the control plane can add its part without being able to read either. It does not say
// who made a backup: whoever knows its recipients can make one. It never wraps a key
// itself. One way to use it:
//
//	part, err := backup.NewVault(begin, manifest, recipients...)
//	err = part.Put(backup.EntryVault, size, database)
package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"hotcell"
)

// magic is how each backup begins; the digit is the version of its form.
const magic = "hotcell-backup-v1\n"

// What is wrong with a backup. Each is a whole sentence.
var (
	ErrForm     = fmt.Errorf("%w: this file is no backup of Hotcell's", hotcell.ErrInvalid)
	ErrNewer    = fmt.Errorf("%w: this backup was made by a newer version of Hotcell: restore it with that", hotcell.ErrInvalid)
	ErrCut      = fmt.Errorf("%w: this backup is cut off: its end is missing", hotcell.ErrInvalid)
	ErrChanged  = fmt.Errorf("%w: this backup is not as it was made", hotcell.ErrTampered)
	ErrTrailing = fmt.Errorf("%w: behind the end of this backup there is something else", hotcell.ErrInvalid)
)

// Manifest is what a backup says of itself: the first thing in the vault's part.
type Manifest struct {
	ID        hotcell.BackupID    `json:"id"`
	Workspace hotcell.WorkspaceID `json:"workspace"`
	At        time.Time           `json:"at"`
	// Key names the KMS key that the workspace's keys were wrapped by.
	Key string `json:"key"`
	// Fingerprint is the one of the key that values are sealed to, which people have pinned.
	Fingerprint string `json:"fingerprint"`
	// Sequence and Head are an event of the audit log that is in it, and its hash: the
	// last one before the copy was made, or so.
	Sequence int64  `json:"sequence"`
	Head     []byte `json:"head"`
	// Folders and Outputs say whether assignments' folders, and what jobs left, are in
	// the control plane's part.
	Folders bool `json:"folders"`
	Outputs bool `json:"outputs"`
}

// The names of what is in the parts.
const (
	EntryManifest = "manifest.json"
	entryKey      = "control.key"
	EntryKeyset   = "keyset"
	EntryVault    = "vault.db"
	EntryControl  = "control.db"
	// FolderFiles and FolderOutputs are where archives lie, each by its name.
	FolderFiles   = "files/"
	FolderOutputs = "out/"
)

// parse reads a manifest.
func parse(r io.Reader) (m Manifest, err error) {
	if err := json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(&m); err != nil {
		return m, errors.Join(ErrChanged, errors.New("its manifest cannot be read"))
	}
	return m, nil
}
