package door

import (
	"context"

	"hotcell"
)

// Renewal is what there is to know of a job's connection before it is used, and
// whether its tokens are renewed. It is read from what is remembered.
func (v *Vault) Renewal(ctx context.Context, job hotcell.JobID, attachment hotcell.AttachmentID) (ws hotcell.WorkspaceID, id hotcell.CredentialID, renewed bool, err error) {
	found, err := v.granted(ctx, job, attachment)
	if err != nil {
		return "", "", false, gone(err, "there is no grant for this job")
	}
	return found.grant.Workspace, found.use.Credential, found.credential.Renewed(), nil
}

// Fresh says whether the connection of an attachment can be used without a look
// at its tokens: they are not renewed, or far from their end.
func (v *Vault) Fresh(ctx context.Context, job hotcell.JobID, attachment hotcell.AttachmentID) (bool, error) {
	found, err := v.granted(ctx, job, attachment)
	if err != nil {
		return false, gone(err, "there is no grant for this job")
	}
	return good(found.credential, 0, v.now()), nil
}

// Prints counts the values that a job can touch: it is higher when one of its
// connections was renewed.
func (v *Vault) Prints(ctx context.Context, job hotcell.JobID) (n int64, err error) {
	held, err := v.Holding(ctx, job)
	if err != nil {
		return 0, err
	}
	for i := range held.Uses {
		if c := &held.Uses[i].Credential; c.Renewed() {
			n += int64(c.Version)
		}
	}
	return n, nil
}

// OpenForGuard opens all that a live job can touch, for the guard alone: what is
// made of it are fingerprints. It is recorded.
func (v *Vault) OpenForGuard(ctx context.Context, job hotcell.JobID) ([]Opened, error) {
	var opened []Opened
	about := hotcell.Event{Workspace: v.workspace, At: v.now(), Kind: "connection.guard", Job: job, Via: "job"}
	err := v.store.Update(ctx, func(w hotcell.VaultWriter) error {
		opened = nil
		grant, err := w.GrantOf(job)
		if err != nil {
			return gone(err, "there is no grant for this job")
		}
		about = v.ofGrant(about.Kind, grant)
		if err := alive(grant, v.steady()); err != nil {
			return err
		}
		for _, use := range grant.Uses {
			c, err := w.Credential(grant.Workspace, use.Credential)
			if err != nil {
				return gone(err, "a credential that the job was made with was deleted since")
			}
			use.Version = versionOf(use, c)
			opened = append(opened, Opened{Use: use, Credential: c})
		}
		about.Decision = hotcell.Allowed
		return w.Record(about)
	})
	if err != nil {
		return nil, v.refused(ctx, about, err)
	}
	for i := range opened {
		if err := v.openLeased(ctx, &opened[i]); err != nil {
			ClearOpened(opened)
			return nil, v.refused(ctx, about, err)
		}
	}
	return opened, nil
}

// versionOf is the version that a use takes: the newest of a connection whose
// tokens are renewed, else the one of the job's start.
func versionOf(use hotcell.Use, c hotcell.Credential) int {
	if c.Renewed() {
		return c.Version
	}
	return use.Version
}
