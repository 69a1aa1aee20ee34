package door

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hotcell"
	"hotcell/internal/store/backup"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/envelope"
)

// Restored is what a store that came out of a backup has in it, and what became of it.
type Restored struct {
	// Credentials and Versions are how many opened, value by value.
	Credentials int `json:"credentials"`
	Versions    int `json:"versions"`
	// Broken names those that do not open.
	Broken []string `json:"broken,omitempty"`
	// Grants, Links and Requests are how many were ended.
	Grants   int `json:"grants"`
	Requests int `json:"requests"`
	// Renewing names the connections whose tokens are renewed: their refresh tokens may
	// have been used since.
	Renewing []string `json:"renewing,omitempty"`
	// Sequence, At and Head are the last event of the log before the restore.
	Sequence int64     `json:"sequence"`
	At       time.Time `json:"at"`
	Head     []byte    `json:"head"`
	// Fingerprint is that of the key which values are sealed to.
	Fingerprint string `json:"fingerprint"`
}

// kindRestore is the event of a store that was restored.
const kindRestore = "workspace.restore"

// Restore makes a store that came out of a backup one that can be served: its keyset is
// wrapped under the key of its new place, each value of each credential is opened, the log
// is verified, and what was granted or asked is ended. A refresh token of it is never
// sent where the service takes a second use for a theft. It closes the store.
func Restore(ctx context.Context, c Config, m backup.Manifest, keyset sensitive.Bytes) (out *Restored, err error) {
	v, err := openRestored(ctx, c, m, keyset)
	if v != nil {
		defer func() { err = errors.Join(err, v.Close()) }()
	} else {
		defer func() { err = errors.Join(err, c.Store.Close()) }()
	}
	if err != nil {
		return nil, err
	}
	out = &Restored{Fingerprint: v.face.Load().public.Fingerprint()}
	if out.Fingerprint != m.Fingerprint {
		return nil, backup.ErrChanged
	}
	if err := v.proved(ctx, m, out); err != nil {
		return nil, err
	}
	journals, err := v.openAll(ctx, out)
	if err != nil {
		return nil, err
	}
	return out, v.endAll(ctx, m, journals, out)
}

// openRestored opens the door of a store whose keyset is not under its key yet.
func openRestored(ctx context.Context, c Config, m backup.Manifest, keyset sensitive.Bytes) (*Vault, error) {
	wrapped, keys, err := envelope.ImportKeyset(ctx, c.Key, string(m.Workspace), keyset)
	if err != nil {
		return nil, err
	}
	keys.Close()
	err = c.Store.Update(ctx, func(w hotcell.VaultWriter) error {
		if _, err := w.Workspace(m.Workspace); err != nil {
			return backup.ErrChanged
		}
		return w.PutBlob(m.Workspace, blobKeyset, wrapped)
	})
	if err != nil {
		return nil, err
	}
	v, err := Open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%w: the keys of the backup do not open: %w", hotcell.ErrTampered, err)
	}
	return v, nil
}

// proved verifies the log from its first event on, and that the backup's own event is
// in it.
func (v *Vault) proved(ctx context.Context, m backup.Manifest, out *Restored) error {
	chain, err := v.Verify(ctx, v.Local())
	if err != nil {
		return err
	}
	if chain.Broken != nil {
		return fmt.Errorf("%w: the audit log in the backup does not hold: %w", hotcell.ErrTampered, chain.Broken)
	}
	return v.store.View(ctx, func(r hotcell.VaultReader) error {
		list, err := r.Events(v.workspace, hotcell.EventFilter{Ascending: true, After: m.Sequence - 1, Limit: 1})
		if err != nil {
			return err
		}
		if len(list) == 0 || list[0].Sequence != m.Sequence || !bytes.Equal(list[0].Hash, m.Head) {
			return backup.ErrChanged
		}
		last, err := r.Events(v.workspace, hotcell.EventFilter{Limit: 1})
		if err != nil {
			return err
		}
		out.Sequence, out.At, out.Head = last[0].Sequence, last[0].At, last[0].Hash
		return nil
	})
}

// openAll opens each value of each version of each credential, and returns the journals
// of those connections whose refresh tokens may have been used since.
func (v *Vault) openAll(ctx context.Context, out *Restored) (journals []hotcell.Refresh, err error) {
	page := hotcell.Page{Limit: hotcell.MaxPage}
	for {
		var list []hotcell.Credential
		err := v.store.View(ctx, func(r hotcell.VaultReader) (err error) {
			if list, err = r.Credentials(v.workspace, hotcell.CredentialFilter{}, page); err != nil {
				return err
			}
			for _, c := range list {
				journal, err := v.openOne(r, c, out)
				if err != nil {
					return err
				}
				if journal != nil {
					journals = append(journals, *journal)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(list) < page.Limit {
			return journals, ctx.Err()
		}
		page.After = string(list[len(list)-1].ID)
	}
}

func (v *Vault) openOne(r hotcell.VaultReader, c hotcell.Credential, out *Restored) (*hotcell.Refresh, error) {
	versions, err := r.Versions(c.Workspace, c.ID)
	if err != nil {
		return nil, err
	}
	out.Credentials++
	var token []byte
	if err := newest(r, c); err != nil {
		out.Broken = append(out.Broken, err.Error())
		return nil, nil //nolint:nilnil // it is told of, and the others are opened
	}
	if !slices.Contains(versions, c.Version) {
		versions = append(versions, c.Version) // which does not open, and says so
	}
	for _, version := range versions {
		fields, err := v.open(r, c, version)
		if err != nil {
			out.Broken = append(out.Broken, err.Error())
			return nil, nil //nolint:nilnil // as above
		}
		if version == c.Version {
			token = hashOf(fields)
		}
		ClearFields(fields)
		out.Versions++
	}
	if token == nil {
		return nil, nil //nolint:nilnil // nothing of it is renewed
	}
	out.Renewing = append(out.Renewing, c.Name)
	at := v.now()
	return &hotcell.Refresh{Workspace: c.Workspace, Credential: c.ID, Token: token, Restored: &at}, nil
}

// endAll ends what was granted and asked, and says in the log that there was a restore.
func (v *Vault) endAll(ctx context.Context, m backup.Manifest, journals []hotcell.Refresh, out *Restored) error {
	now := v.now()
	return v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		out.Grants, out.Requests = 0, 0
		for _, j := range journals {
			if err := w.PutRefresh(j); err != nil {
				return err
			}
		}
		if err := v.markDeleted(w); err != nil {
			return err
		}
		grants, err := w.Grants(v.workspace, "")
		if err != nil {
			return err
		}
		for _, g := range grants {
			g.State, g.Reason, g.EndedAt = hotcell.GrantDead, "the server was restored from a backup", &now
			if err := w.PutGrant(g); err != nil {
				return err
			}
			out.Grants++
		}
		if err := v.expireAll(w, out); err != nil {
			return err
		}
		about := hotcell.Event{
			Workspace: v.workspace, At: now, Kind: kindRestore, Decision: hotcell.Allowed, Member: v.owner, Via: "restore", Name: string(m.ID),
			Reason: fmt.Sprintf("from a backup of %s: what happened after event %d is not in this log", m.At.UTC().Format(time.RFC3339), out.Sequence),
		}
		const ever = 100 * 365 * 24 * time.Hour
		return errors.Join(w.DropLinks(v.workspace, now.Add(ever)), w.DropSessions(now.Add(ever)), v.dropTokens(w), w.Record(about))
	})
}

// dropTokens deletes all API tokens: one that was deleted since the backup would be back.
func (v *Vault) dropTokens(w hotcell.VaultWriter) error {
	all, err := w.Tokens(v.workspace, "")
	for _, t := range all {
		err = errors.Join(err, w.DeleteToken(t.Workspace, t.ID))
	}
	return err
}

// markDeleted keeps the refresh tokens of deleted connections from being sent when they
// are taken back.
func (v *Vault) markDeleted(w hotcell.VaultWriter) error {
	list, err := w.Deleted(v.workspace)
	if err != nil {
		return err
	}
	for _, d := range list {
		journal, err := v.openOne(w, d.Credential, &Restored{})
		if err != nil {
			return err
		}
		if journal == nil {
			continue
		}
		d.Refresh = *journal
		if err := w.PutDeleted(d); err != nil {
			return err
		}
	}
	return nil
}

// expireAll ends the requests that wait.
func (v *Vault) expireAll(w hotcell.VaultWriter, out *Restored) error {
	for {
		list, err := w.Requests(v.workspace, hotcell.RequestFilter{State: hotcell.RequestPending}, hotcell.Page{Limit: hotcell.MaxPage})
		if err != nil || len(list) == 0 {
			return err
		}
		for _, q := range list {
			q.State = hotcell.RequestExpired
			if err := w.PutRequest(q); err != nil {
				return err
			}
			out.Requests++
		}
	}
}
