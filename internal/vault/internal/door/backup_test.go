package door_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/store/backup"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/kms"
)

// recovery is an age identity, and who has it.
func recovery(t testing.TB) (recipient string, by *backup.Opener) {
	t.Helper()
	own, err := age.GenerateX25519Identity()
	check(t, err)
	openers, err := backup.IdentityOpeners(sensitive.New([]byte(own.String())))
	check(t, err)
	return own.Recipient().String(), openers[0]
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// at is the door of a folder, with a key of its own.
func at(t testing.TB, dir string) (door.Config, kms.Key) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	key, err := kms.CreateFile(filepath.Join(dir, "local.key"))
	check(t, err)
	store, err := sqlite.OpenVault(t.Context(), filepath.Join(dir, "vault.db"), log)
	check(t, err)
	return door.Config{Store: store, Key: key, KeyName: key.ID(), Owner: "Olga", Now: time.Now, Log: log}, key
}

func openAt(t testing.TB, c door.Config) *door.Vault {
	t.Helper()
	v, err := door.Open(t.Context(), c)
	check(t, err)
	t.Cleanup(func() { _ = v.Close() })
	return v
}

// backUp writes the vault's part, and an empty one of the control plane's.
func backUp(t testing.TB, v *door.Vault, to io.Writer, recipients ...string) {
	t.Helper()
	control := ""
	check(t, v.Backup(t.Context(), v.Local(), door.BackupWish{Recipients: recipients}, func(r string) (io.Writer, error) {
		control = r
		return to, nil
	}))
	part, err := backup.NewControl(to, control)
	check(t, err)
	check(t, part.Close())
}

// restore restores into a folder with a key of its own.
func restore(t testing.TB, in io.Reader, by *backup.Opener, dir string) (*door.Restored, door.Config) {
	t.Helper()
	b, err := backup.Open(in, by)
	check(t, err)
	_, r, err := b.Next()
	check(t, err)
	keyset, err := io.ReadAll(r)
	check(t, err)
	_, r, err = b.Next()
	check(t, err)
	db, err := os.Create(filepath.Join(dir, "vault.db"))
	check(t, err)
	_, err = io.Copy(db, r)
	check(t, errors.Join(err, db.Sync(), db.Close(), b.Control(), b.End()))
	c, _ := at(t, dir)
	out, err := door.Restore(t.Context(), c, b.Manifest, sensitive.New(keyset))
	check(t, err)
	c.Store, err = sqlite.OpenVault(t.Context(), filepath.Join(dir, "vault.db"), c.Log)
	check(t, err)
	return out, c
}

func create(t testing.TB, v *door.Vault, c hotcell.Credential, fields ...door.Field) {
	t.Helper()
	check(t, v.CreateCredential(t.Context(), v.Local(), c, fields, func(*door.Act) error { return nil }))
}

func value(name, text string) door.Field {
	return door.Field{Name: name, Value: sensitive.New([]byte(text))}
}

// An access token is used as long as it is good, and a refresh token that goes on when it
// was used is no theft when it comes again.
func TestARestoredConnectionGoesOnWhereItMay(t *testing.T) {
	t.Parallel()
	c, _ := at(t, t.TempDir())
	v := openAt(t, c)
	p := v.Local()
	over := time.Now().Add(-time.Hour)
	later := time.Now().Add(time.Hour)
	for id, expires := range map[hotcell.CredentialID]*time.Time{"con_ended": &over, "con_good": &later} {
		create(t, v, hotcell.Credential{
			ID: id, Workspace: p.Workspace, Tier: hotcell.TierConnection, Name: string(id), Owner: p.Member, Version: 1, Revision: 1,
			Connected: &hotcell.Connected{Connector: "acme", Fields: []string{hotcell.FieldAccess, hotcell.FieldRefresh}, Expires: expires},
		}, value(hotcell.FieldAccess, "access-of-"+string(id)), value(hotcell.FieldRefresh, "refresh-of-"+string(id)))
	}
	recipient, by := recovery(t)
	var file bytes.Buffer
	backUp(t, v, &file, recipient)
	out, c := restore(t, &file, by, t.TempDir())
	if out.Credentials != 2 || len(out.Broken) != 0 || len(out.Renewing) != 2 {
		t.Fatalf("%+v", out)
	}
	v = openAt(t, c)
	begin := func(id hotcell.CredentialID, attempts int) (*door.Refreshing, error) {
		r, _, err := v.BeginRefresh(t.Context(), door.RefreshWish{Workspace: p.Workspace, Credential: id, Holder: "here", Attempts: func(hotcell.Connected) int { return attempts }})
		return r, err
	}
	if r, err := begin("con_good", 2); r != nil || err != nil {
		t.Errorf("one whose access token is good: %v, %v", r, err)
	}
	// A service whose refresh tokens go on takes it again.
	r, err := begin("con_ended", 0)
	if r == nil || err != nil {
		t.Fatalf("at a service that keeps them: %v", err)
	}
	r.Clear()
	check(t, v.FailRefresh(t.Context(), r, door.RefreshFailure{}))
}

// ended makes the connection con_1, whose access token has ended.
func ended(t testing.TB, v *door.Vault) {
	t.Helper()
	p, over := v.Local(), time.Now().Add(-time.Hour)
	create(t, v, hotcell.Credential{
		ID: "con_1", Workspace: p.Workspace, Tier: hotcell.TierConnection, Name: "acme", Owner: p.Member, Version: 1, Revision: 1,
		Connected: &hotcell.Connected{Connector: "acme", Fields: []string{hotcell.FieldAccess, hotcell.FieldRefresh}, Expires: &over},
	}, value(hotcell.FieldAccess, "an-access-token"), value(hotcell.FieldRefresh, "a-refresh-token"))
}

// A service that rotates refresh tokens takes a second use for a theft, and ends the
// whole grant: the server that was may have used the one in the backup.
func TestARestoredRefreshTokenIsNotReplayed(t *testing.T) {
	t.Parallel()
	c, _ := at(t, t.TempDir())
	v := openAt(t, c)
	p := v.Local()
	ended(t, v)
	recipient, by := recovery(t)
	var file bytes.Buffer
	backUp(t, v, &file, recipient)
	_, c = restore(t, &file, by, t.TempDir())
	v = openAt(t, c)
	r, _, err := v.BeginRefresh(t.Context(), door.RefreshWish{Workspace: p.Workspace, Credential: "con_1", Holder: "here", Attempts: func(hotcell.Connected) int { return 2 }})
	if r != nil || !errors.Is(err, hotcell.ErrNeedsReconnect) || !strings.Contains(err.Error(), "came out of a backup") {
		t.Errorf("it is sent: %v, %v", r, err)
	}
}

// Tokens that come for a connection which was deleted meanwhile are kept with it: taken
// back, it has the ones that are good.
func TestTokensThatCameAfterADeletionAreKept(t *testing.T) {
	t.Parallel()
	c, _ := at(t, t.TempDir())
	v := openAt(t, c)
	p := v.Local()
	ended(t, v)
	r, _, err := v.BeginRefresh(t.Context(), door.RefreshWish{Workspace: p.Workspace, Credential: "con_1", Holder: "here", Attempts: func(hotcell.Connected) int { return 2 }})
	check(t, err)
	defer r.Clear()
	_, err = v.BuryCredential(t.Context(), p, "con_1", 0)
	check(t, err)
	next := []door.Field{value(hotcell.FieldAccess, "the-next-access-token"), value(hotcell.FieldRefresh, "the-next-refresh-token")}
	later := time.Now().Add(time.Hour)
	check(t, v.FinishRefresh(t.Context(), r, next, func(c *hotcell.Connected) { c.Expires = &later }))
	back, err := v.Undelete(t.Context(), p, "con_1")
	check(t, err)
	if back.Version != 2 {
		t.Errorf("it is back at version %d", back.Version)
	}
	check(t, v.Change(t.Context(), p, hotcell.Event{Kind: "connection.change", Credential: back.ID}, func(a *door.Act) error {
		if err := a.Permit(access.ChangeCredential, access.OfCredential(back)); err != nil {
			return err
		}
		fields, err := v.Reopen(a, back)
		defer door.ClearFields(fields)
		if err != nil || len(fields) != 2 || !fields[1].Value.Equal([]byte("the-next-refresh-token")) {
			t.Errorf("it does not have the tokens that came: %v", err)
		}
		return err
	}))
	if journal := refreshOf(t, c.Store, back); journal.Attempts != 0 {
		t.Errorf("its journal: %+v", journal)
	}
}

func refreshOf(t *testing.T, s hotcell.VaultStore, c hotcell.Credential) (journal hotcell.Refresh) {
	t.Helper()
	check(t, s.View(t.Context(), func(r hotcell.VaultReader) (err error) {
		journal, err = r.Refresh(c.Workspace, c.ID)
		return err
	}))
	return journal
}

func TestAKeyThatIsLostWithTheDiskNeedsARecipient(t *testing.T) {
	t.Parallel()
	c, _ := at(t, t.TempDir())
	v := openAt(t, c)
	begun := func(string) (io.Writer, error) { t.Error("it has begun"); return io.Discard, nil }
	if err := v.Backup(t.Context(), v.Local(), door.BackupWish{}, begun); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("without one: %v", err)
	}
	// A key that is not lost opens it alone.
	var file bytes.Buffer
	control := ""
	check(t, v.Backup(t.Context(), v.Local(), door.BackupWish{Alone: true}, func(r string) (io.Writer, error) { control = r; return &file, nil }))
	if b, err := backup.Open(&file, backup.KeyOpener(t.Context(), c.Key)); err != nil || b.Manifest.Workspace != v.Local().Workspace || control == "" {
		t.Errorf("by its key alone: %v", err)
	}
	list, err := v.Backups(t.Context(), v.Local())
	if err != nil || len(list) != 1 || list[0].Key != c.KeyName {
		t.Errorf("what is remembered: %+v, %v", list, err)
	}
	recipient, _ := recovery(t)
	for _, role := range []hotcell.Role{hotcell.RoleAdministrator, hotcell.RoleMember} {
		id := hotcell.MemberID("mem_" + role)
		check(t, c.Store.Update(t.Context(), func(w hotcell.VaultWriter) error {
			return w.PutMember(hotcell.Member{ID: id, Workspace: v.Local().Workspace, Name: string(role), Role: role, CreatedAt: time.Now()})
		}))
		p := hotcell.Principal{Workspace: v.Local().Workspace, Member: id}
		if err := v.Backup(t.Context(), p, door.BackupWish{Recipients: []string{recipient}}, begun); !errors.Is(err, hotcell.ErrDenied) {
			t.Errorf("by the role %s: %v", role, err)
		}
	}
}

// BenchmarkBackup is 100,000 credentials (or BACKUP_CREDENTIALS) out and back, beside
// a copy of the same database in the same run.
func BenchmarkBackup(b *testing.B) {
	n := 100_000
	if text := os.Getenv("BACKUP_CREDENTIALS"); text != "" {
		_, err := fmt.Sscan(text, &n)
		check(b, err)
	}
	from := b.TempDir()
	c, _ := at(b, from)
	v := openAt(b, c)
	fill(b, v, n)
	recipient, by := recovery(b)
	for b.Loop() {
		began := time.Now()
		path := filepath.Join(b.TempDir(), "a.backup")
		file, err := os.Create(path)
		check(b, err)
		backUp(b, v, file, recipient)
		check(b, errors.Join(file.Sync(), file.Close()))
		out := time.Since(began)
		began = time.Now()
		file, err = os.Open(path)
		check(b, err)
		restored, c := restore(b, file, by, b.TempDir())
		back := time.Since(began)
		check(b, errors.Join(file.Close(), c.Store.Close()))
		if restored.Credentials != n || len(restored.Broken) > 0 {
			b.Fatalf("%d of %d came back, %d broken", restored.Credentials, n, len(restored.Broken))
		}
		plain := plainCopy(b, filepath.Join(from, "vault.db"))
		b.ReportMetric(out.Seconds(), "s-out")
		b.ReportMetric(back.Seconds(), "s-back")
		b.ReportMetric(float64(out)/float64(plain), "out/copy")
		b.ReportMetric(float64(back)/float64(plain), "back/copy")
	}
}

// fill makes credentials, many at once: they share the sync of the disk.
func fill(b *testing.B, v *door.Vault, n int) {
	b.Helper()
	p := v.Local()
	var wait sync.WaitGroup
	for w := range 64 {
		wait.Go(func() {
			for i := w; i < n; i += 64 {
				c := hotcell.Credential{ID: hotcell.CredentialID(fmt.Sprintf("sec_%08d", i)), Workspace: p.Workspace, Tier: hotcell.TierSecret, Name: fmt.Sprintf("secret-%d", i), Owner: p.Member, Version: 1, Revision: 1, Variables: []hotcell.Variable{{Name: "A"}}}
				err := v.Change(b.Context(), p, hotcell.Event{Kind: "secret.create", Credential: c.ID, Version: 1}, func(a *door.Act) error {
					return errors.Join(a.Permit(access.CreateCredential, access.OfCredential(c)), a.PutCredential(c), v.Seal(a, c, []door.Field{value("A", "a value of some length")}))
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
}

// plainCopy is how long it takes to copy a file and have it on the disk.
func plainCopy(b *testing.B, path string) time.Duration {
	b.Helper()
	began := time.Now()
	in, err := os.Open(path)
	check(b, err)
	to, err := os.Create(filepath.Join(b.TempDir(), "copy"))
	check(b, err)
	_, err = io.Copy(to, in)
	check(b, errors.Join(err, to.Sync(), to.Close(), in.Close()))
	return time.Since(began)
}
