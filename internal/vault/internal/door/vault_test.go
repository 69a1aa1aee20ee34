package door_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/parcel"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/kms"
)

// The tests of package vault drive the vault through its lines; here is what only a
// caller within the process could do wrong.

type files struct{ db, key string }

func place(t *testing.T) files {
	t.Helper()
	dir := t.TempDir()
	f := files{filepath.Join(dir, "vault.db"), filepath.Join(dir, "local.key")}
	_, err := kms.CreateFile(f.key)
	must(t, err)
	return f
}

func (f files) open(t *testing.T) (*door.Vault, hotcell.VaultStore) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := sqlite.OpenVault(t.Context(), f.db, log)
	must(t, err)
	key, err := kms.OpenFile(f.key)
	must(t, err)
	now := func() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }
	v, err := door.Open(t.Context(), door.Config{Store: store, Key: key, Owner: "Olga", Now: now, Log: log})
	must(t, err)
	t.Cleanup(func() { _ = v.Close() })
	return v, store
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func secretOf(p hotcell.Principal) hotcell.Credential {
	return hotcell.Credential{
		ID: "sec_1", Workspace: p.Workspace, Tier: hotcell.TierSecret, Name: "billing", Owner: p.Member,
		Version: 1, Revision: 1, Variables: []hotcell.Variable{{Name: "A"}},
	}
}

func TestAChangeThatNobodyAskedAboutIsUndone(t *testing.T) {
	t.Parallel()
	v, store := place(t).open(t)
	p := v.Local()
	err := v.Change(t.Context(), p, hotcell.Event{Kind: "secret.create"}, func(a *door.Act) error {
		return a.PutCredential(secretOf(p))
	})
	if err == nil || !strings.Contains(err.Error(), "without asking") {
		t.Errorf("it went through: %v", err)
	}
	must(t, store.View(t.Context(), func(r hotcell.VaultReader) error {
		if _, err := r.Credential(p.Workspace, "sec_1"); !errors.Is(err, hotcell.ErrNotFound) {
			t.Errorf("it is there: %v", err)
		}
		return nil
	}))
}

func TestNothingIsReopenedBeforeItIsPermitted(t *testing.T) {
	t.Parallel()
	v, _ := place(t).open(t)
	p := v.Local()
	c := secretOf(p)
	value := []byte("canary-value-of-billing")
	must(t, v.Change(t.Context(), p, hotcell.Event{Kind: "secret.create", Credential: c.ID, Version: 1}, func(a *door.Act) error {
		return errors.Join(a.Permit(access.CreateCredential, access.OfCredential(c)), a.PutCredential(c),
			v.Seal(a, c, []door.Field{{Name: "A", Value: sensitive.Copy(value)}}))
	}))
	err := v.Change(t.Context(), p, hotcell.Event{Kind: "secret.change"}, func(a *door.Act) error {
		if fields, err := v.Reopen(a, c); err == nil || fields != nil {
			t.Errorf("opened before it was asked: %v", fields)
		}
		if err := a.Permit(access.ChangeCredential, access.OfCredential(c)); err != nil {
			return err
		}
		fields, err := v.Reopen(a, c)
		if err != nil {
			return err
		}
		defer door.ClearFields(fields)
		if len(fields) != 1 || !fields[0].Value.Equal(value) {
			t.Error("opened to something else")
		}
		if printed := fmt.Sprintf("%v %+v %#v", fields, fields, fields); strings.Contains(printed, string(value)) {
			t.Error("a field prints its value")
		}
		return nil
	})
	must(t, err)
}

func TestAWatcherThatDoesNotKeepUpIsTold(t *testing.T) {
	t.Parallel()
	v, store := place(t).open(t)
	p := v.Local()
	slow, cancel := v.Watch()
	defer cancel()
	must(t, store.Update(t.Context(), func(w hotcell.VaultWriter) error {
		if err := w.PutAssignment(hotcell.Assignment{ID: "asg_1", Workspace: p.Workspace, Name: "report", Owner: p.Member}); err != nil {
			return err
		}
		for i := range 1100 {
			job := hotcell.JobID(fmt.Sprintf("job_%04d", i))
			if err := w.PutGrant(hotcell.Grant{Job: job, Workspace: p.Workspace, Assignment: "asg_1", Principal: p.Member, State: hotcell.GrantLive}); err != nil {
				return err
			}
		}
		return nil
	}))
	must(t, v.Change(t.Context(), p, hotcell.Event{Kind: "assignment.delete"}, func(a *door.Act) error {
		if err := a.Permit(access.DeleteAssignment, access.Resource{Owner: p.Member}); err != nil {
			return err
		}
		return a.RevokeUses(p.Workspace, "", "all", func(hotcell.Grant) bool { return true })
	}))
	n := 0
	for range slow {
		n++
	}
	if n != 1024 {
		t.Errorf("%d were told before the channel closed", n)
	}
	dead, err := v.Dead(t.Context(), []hotcell.JobID{"job_0000", "job_1099", "job_never"})
	must(t, err)
	if len(dead) != 3 || dead[0].Reason != "all" || dead[2].Reason != "its grant is gone" {
		t.Errorf("dead: %v", dead)
	}
}

func TestTheSameVaultOpensAgain(t *testing.T) {
	t.Parallel()
	f := place(t)
	v, store := f.open(t)
	p := v.Local()
	before, err := v.PublicKey(p.Workspace)
	must(t, err)
	in := parcel.Context{Workspace: string(p.Workspace), Tier: "secret", Item: "x", Field: "A"}
	message, err := parcel.Seal(before, in, []byte("canary-before-the-restart"))
	must(t, err)
	must(t, store.Update(t.Context(), func(w hotcell.VaultWriter) error {
		return w.PutMember(hotcell.Member{ID: hotcell.MemberID(hotcell.NewID(hotcell.PrefixMember)), Workspace: p.Workspace, Name: "Second", Role: hotcell.RoleOwner})
	}))
	must(t, v.Close())
	v, _ = f.open(t)
	if v.Local() != p {
		t.Errorf("whoever owns the folder was %v and is %v", p, v.Local())
	}
	after, err := v.PublicKey(p.Workspace)
	if err != nil || !bytes.Equal(before.Bytes(), after.Bytes()) {
		t.Errorf("another key: %v", err)
	}
	value, err := v.Receive(p.Workspace, in, message)
	if err != nil || !value.Equal([]byte("canary-before-the-restart")) {
		t.Errorf("what was sealed before does not open: %v", err)
	}
	if _, err := v.Receive("wsp_other", in, message); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("for another workspace: %v", err)
	}
	if _, err := v.PublicKey("wsp_other"); !errors.Is(err, hotcell.ErrNotFound) {
		t.Errorf("another workspace's key: %v", err)
	}
}

func TestAnotherKeyOpensNothing(t *testing.T) {
	t.Parallel()
	f := place(t)
	v, _ := f.open(t)
	must(t, v.Close())
	other := place(t)
	log := slog.New(slog.DiscardHandler)
	store, err := sqlite.OpenVault(t.Context(), f.db, log)
	must(t, err)
	defer func() { _ = store.Close() }()
	key, err := kms.OpenFile(other.key)
	must(t, err)
	if _, err := door.Open(t.Context(), door.Config{Store: store, Key: key, Now: time.Now, Log: log}); err == nil {
		t.Error("a vault opened with another key")
	}
}
