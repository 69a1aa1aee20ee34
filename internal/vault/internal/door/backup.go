package door

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/store/backup"
)

// blobBackups is where the vault remembers the backups that it made, in clear: they say
// which key opens which, and nothing that is secret.
const blobBackups = "backups"

// maxBackups is how many of them are remembered.
const maxBackups = 1000

// The events of a backup: its intent, and that it was made.
const (
	kindBackup   = "backup.create"
	kindBackedUp = "backup.created"
)

// BackupWish is what a backup is to be.
type BackupWish struct {
	Folders, Outputs bool
	// Recipients may open it, beside the KMS key.
	Recipients []string
	// Alone is true where the KMS key is not lost with the disk, and may be the only one.
	Alone bool
}

// errNoRecipient is told where a backup would be of no use once it is needed.
var errNoRecipient = fmt.Errorf("%w: nobody could open this backup once the disk is lost, since the vault's key is lost with it: name a recipient in the configuration first (backup: recipients: [age1…]), of age-keygen or of hotcell backup passphrase", hotcell.ErrInvalid)

// Backup writes the vault's part of a backup: a copy of the store as it stands at one
// moment, and the workspace's keyset, encrypted to the recipients and under the KMS key.
// Begin gets the recipient of the control plane's part, and says where it goes. That
// it is made is on record before anything is read, and that it was made at its end.
func (v *Vault) Backup(ctx context.Context, p hotcell.Principal, wish BackupWish, begin func(control string) (io.Writer, error)) error {
	if !v.backing.TryLock() {
		return fmt.Errorf("%w: another backup is being made", hotcell.ErrConflict)
	}
	defer v.backing.Unlock()
	to := []age.Recipient{backup.KeyRecipient(ctx, v.kms.Load())}
	for _, text := range wish.Recipients {
		r, err := backup.ParseRecipient(text)
		if err != nil {
			return err
		}
		to = append(to, r)
	}
	made := hotcell.Backup{
		ID: hotcell.BackupID(hotcell.NewID(hotcell.PrefixBackup)), At: v.now(), Key: v.kms.Load().name, Recipients: wish.Recipients, Folders: wish.Folders, Outputs: wish.Outputs,
	}
	about := hotcell.Event{Kind: kindBackup, Name: string(made.ID), Reason: fmt.Sprintf("sealed by the key %s and to %d recipients", v.kms.Load().name, len(wish.Recipients))}
	err := v.Change(ctx, p, about, func(a *Act) error {
		if err := a.Permit(access.BackUp, access.Resource{}); err != nil {
			return err
		}
		if len(wish.Recipients) == 0 && !wish.Alone {
			return errNoRecipient
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := v.copyTo(ctx, &made, to, begin); err != nil {
		return fmt.Errorf("making a backup: %w", keyWords(err))
	}
	about.Kind = kindBackedUp
	return v.Change(context.WithoutCancel(ctx), p, about, func(a *Act) error {
		return errors.Join(a.Permit(access.BackUp, access.Resource{}), remember(a.VaultWriter, p.Workspace, made))
	})
}

// copyTo writes the part, and notes in made where the log stood.
func (v *Vault) copyTo(ctx context.Context, made *hotcell.Backup, to []age.Recipient, begin func(control string) (io.Writer, error)) error {
	m := backup.Manifest{ID: made.ID, Workspace: v.workspace, At: made.At, Key: v.kms.Load().name, Fingerprint: v.face.Load().public.Fingerprint(), Folders: made.Folders, Outputs: made.Outputs}
	err := v.store.View(ctx, func(r hotcell.VaultReader) error {
		last, err := r.Events(v.workspace, hotcell.EventFilter{Limit: 1})
		if err == nil && len(last) > 0 {
			m.Sequence, m.Head = last[0].Sequence, last[0].Hash
		}
		return err
	})
	if err != nil {
		return err
	}
	made.Sequence = m.Sequence
	var part *backup.Part
	err = v.store.Copy(ctx, func(size int64) (io.Writer, error) {
		// Behind the copy: a key that was added before it is in the keyset by now.
		held, err := v.keys.Get()
		if err != nil {
			return nil, err
		}
		keyset, err := held.keys.Export()
		if err != nil {
			return nil, err
		}
		defer keyset.Clear()
		v.tidy.Used()
		if part, err = backup.NewVault(begin, m, to...); err != nil {
			return nil, err
		}
		if err := keyset.Use(func(b []byte) error { return part.Bytes(backup.EntryKeyset, b) }); err != nil {
			return nil, err
		}
		return part.Create(backup.EntryVault, size)
	})
	if err != nil {
		return err
	}
	return part.Close()
}

// remember keeps what is said of a backup, of the newest ones.
func remember(w hotcell.VaultWriter, ws hotcell.WorkspaceID, made hotcell.Backup) error {
	list, err := backups(w, ws)
	if err != nil {
		return err
	}
	list = append([]hotcell.Backup{made}, list...)
	text, err := json.Marshal(list[:min(len(list), maxBackups)])
	if err != nil {
		return err
	}
	return w.PutBlob(ws, blobBackups, text)
}

func backups(r hotcell.VaultReader, ws hotcell.WorkspaceID) (list []hotcell.Backup, err error) {
	text, err := r.Blob(ws, blobBackups)
	if errors.Is(err, hotcell.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%w: the list of backups cannot be read", hotcell.ErrTampered)
	}
	return list, nil
}

// Backups lists the backups that the vault made, newest first: a key that one of them
// names opens it, and where that key is destroyed its recipients alone can.
func (v *Vault) Backups(ctx context.Context, p hotcell.Principal) (list []hotcell.Backup, err error) {
	err = v.Look(ctx, p, hotcell.Event{Kind: "backup.list"}, func(l *Look) (err error) {
		if err := l.Permit(access.BackUp, access.Resource{}); err != nil {
			return err
		}
		list, err = backups(l.VaultReader, p.Workspace)
		return err
	})
	return list, err
}
