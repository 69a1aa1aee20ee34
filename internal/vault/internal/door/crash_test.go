package door_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/policy/access"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/kms"
	"hotcell/test/prove"
)

// stepping tells of each change of the store, before it and after it.
type stepping struct {
	hotcell.VaultStore
	to io.Writer
}

func (s stepping) Update(ctx context.Context, fn func(hotcell.VaultWriter) error) error {
	_, _ = s.to.Write([]byte("<"))
	err := s.VaultStore.Update(ctx, fn)
	_, _ = s.to.Write([]byte(">"))
	return err
}

// childFolder names the folder to a process of this test that is to be killed.
const childFolder = "HOTCELL_TEST_ROTATING"

// TestMain is also that process: it opens the vault, and goes on with a rotation or
// begins one.
func TestMain(m *testing.M) {
	dir := os.Getenv(childFolder)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := rotating(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func rotating(dir string) error {
	f := files{filepath.Join(dir, "vault.db"), filepath.Join(dir, "local.key")}
	v, err := f.vault(func(s hotcell.VaultStore) hotcell.VaultStore { return stepping{s, os.Stdout} })
	if err != nil {
		return err
	}
	if err := v.Rotate(context.Background(), v.Local(), hotcell.KeyAll, false); err != nil && !errors.Is(err, hotcell.ErrConflict) {
		return err
	}
	for {
		r, err := v.KeyReport(context.Background(), v.Local())
		if err != nil {
			return err
		}
		if r.Rotation != nil && r.Rotation.EndedAt != nil {
			_, err := fmt.Print("!")
			return errors.Join(err, v.Close())
		}
		runtime.Gosched()
	}
}

// vault opens the vault, with something between it and its store.
func (f files) vault(wrap func(hotcell.VaultStore) hotcell.VaultStore) (*door.Vault, error) {
	log := slog.New(slog.DiscardHandler)
	store, err := sqlite.OpenVault(context.Background(), f.db, log)
	if err != nil {
		return nil, err
	}
	key, err := kms.OpenFile(f.key)
	if err != nil {
		return nil, err
	}
	return door.Open(context.Background(), door.Config{Store: wrap(store), Key: key, KeyName: key.ID(), Owner: "Olga", Now: time.Now, Log: log})
}

// stock stores credentials with a value each that says whose it is.
func stock(tb testing.TB, v *door.Vault, n int) {
	tb.Helper()
	p := v.Local()
	for i := 0; i < n; i += 500 {
		err := v.Change(tb.Context(), p, hotcell.Event{Kind: "secret.import"}, func(a *door.Act) error {
			for j := i; j < min(i+500, n); j++ {
				c := nth(p, j)
				if err := errors.Join(a.Permit(access.CreateCredential, access.OfCredential(c)), a.PutCredential(c),
					v.Seal(a, c, []door.Field{{Name: "A", Value: sensitive.New([]byte("value of " + c.Name))}})); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
}

func nth(p hotcell.Principal, i int) hotcell.Credential {
	c := secretOf(p)
	c.ID, c.Name = hotcell.CredentialID(fmt.Sprintf("sec_%08d", i)), fmt.Sprintf("secret-%d", i)
	return c
}

// holds says whether each value opens to what it was, and none is under an old key.
func holds(t *testing.T, v *door.Vault, n int) {
	t.Helper()
	p := v.Local()
	must(t, v.Change(t.Context(), p, hotcell.Event{Kind: "secret.check"}, func(a *door.Act) error {
		for i := range n {
			c := nth(p, i)
			if err := a.Permit(access.ChangeCredential, access.OfCredential(c)); err != nil {
				return err
			}
			fields, err := v.OpenForTest(a, c)
			if err != nil || len(fields) != 1 || !fields[0].Value.Equal([]byte("value of "+c.Name)) {
				return fmt.Errorf("%s: %d values, %w", c.Name, len(fields), err)
			}
			door.ClearFields(fields)
		}
		return nil
	}))
}

// A vault is killed at any moment of a rotation: before a change is stored, after it,
// before the new key is used. The next process goes on, and loses nothing.
func TestARotationGoesOnAfterItWasKilledAnywhere(t *testing.T) {
	t.Parallel()
	const n = 40
	for trial := range prove.Trials(4, 100) {
		f := place(t)
		v, err := f.vault(func(s hotcell.VaultStore) hotcell.VaultStore { return s })
		must(t, err)
		stock(t, v, n)
		before, err := v.KeyReport(t.Context(), v.Local())
		must(t, err)
		must(t, v.Close())
		kills := 0
		for ; killed(t, filepath.Dir(f.db), 1+rand.IntN(24)); kills++ {
			if kills > 50 {
				t.Fatal("it does not come to an end")
			}
		}
		v, err = f.vault(func(s hotcell.VaultStore) hotcell.VaultStore { return s })
		must(t, err)
		holds(t, v, n)
		after, err := v.KeyReport(t.Context(), v.Local())
		must(t, err)
		for _, k := range after.Keys {
			if k.State != hotcell.KeyOld {
				continue
			}
			if k.Holds != 0 {
				t.Errorf("trial %d, after %d kills: an old key holds %d things", trial, kills, k.Holds)
			}
			must(t, v.Destroy(t.Context(), v.Local(), k.ID))
		}
		// One that was killed when all was done, and had not said so yet, is followed by
		// another rotation, with a key of its own.
		made := len(after.Keys) - len(before.Keys)
		if made < 1 || made > 1+kills || len(after.Rotation.Broken) > 0 {
			t.Errorf("trial %d, after %d kills: keys %+v, broken %q", trial, kills, after.Keys, after.Rotation.Broken)
		}
		holds(t, v, n)
		must(t, v.Close())
	}
}

// killed runs a process that rotates, kills it when it has told of so many moments, and
// says whether it was killed before it came to the end.
func killed(t *testing.T, dir string, after int) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	text := bufio.NewReader(out)
	ended := false
	for range after {
		c, err := text.ReadByte()
		if err != nil || c == '!' {
			ended = c == '!'
			break
		}
	}
	if !ended {
		_ = cmd.Process.Kill()
	}
	err = cmd.Wait()
	if ended && err != nil {
		t.Fatalf("it ended with %v", err)
	}
	return !ended
}
