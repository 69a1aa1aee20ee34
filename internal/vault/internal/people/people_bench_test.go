package people_test

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/store/sqlite"
	"hotcell/internal/value/parcel"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/kms"
	"hotcell/internal/vault/internal/people"
)

// desk is a service over a real store, with one account.
type desk struct {
	service *people.Service
	home    hotcell.Principal
	key     parcel.PublicKey
}

const password = "four words of a benchmark"

func open(b *testing.B) *desk {
	b.Helper()
	dir := b.TempDir()
	store, err := sqlite.OpenVault(b.Context(), filepath.Join(dir, "vault.db"), slog.New(slog.DiscardHandler))
	must(b, err)
	key, err := kms.Create(b.Context(), kms.Config{URL: "file://" + filepath.Join(dir, "local.key")})
	must(b, err)
	v, err := door.Open(b.Context(), door.Config{Store: store, Key: key, KeyName: "local", Owner: "ada", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	must(b, err)
	b.Cleanup(func() { _ = v.Close() })
	d := &desk{service: people.New(v, people.NewLocals(time.Now), time.Now), home: v.Local()}
	d.key, err = v.PublicKey(d.home.Workspace)
	must(b, err)
	_, err = d.service.SetPassword(b.Context(), &vaultrpc.SetPasswordRequest{By: vaultrpc.As(d.home), Name: "ada", Message: d.proof(b, vaultrpc.FieldPassword)})
	must(b, err)
	return d
}

func (d *desk) proof(b *testing.B, field string) []byte {
	b.Helper()
	text, err := json.Marshal(vaultrpc.Proof{Password: password})
	must(b, err)
	message, err := parcel.Seal(d.key, parcel.Context{Workspace: string(d.home.Workspace), Tier: vaultrpc.TierAccount, Item: "ada", Field: field}, text)
	must(b, err)
	return message
}

func (d *desk) signIn(b *testing.B) hotcell.Bearer {
	b.Helper()
	answer, err := d.service.SignIn(b.Context(), &vaultrpc.EnterRequest{Name: "ada", Device: "bench", Message: d.proof(b, vaultrpc.FieldSignIn)})
	must(b, err)
	return answer.Principal.Bearer
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// A request's bearer that is remembered; the goal is 20 µs.
func BenchmarkAuthenticate(b *testing.B) {
	d := open(b)
	claimed := hotcell.Principal{Bearer: d.signIn(b)}
	for b.Loop() {
		if _, err := d.service.Authenticate(b.Context(), claimed); err != nil {
			b.Fatal(err)
		}
	}
}

// A sign-in beside the bare argon2id of its costs; the goal is 12 a second and core.
func BenchmarkSignIn(b *testing.B) {
	d := open(b)
	b.Run("sign-in", func(b *testing.B) {
		for b.Loop() {
			d.signIn(b)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
	})
	b.Run("argon2id alone", func(b *testing.B) {
		for b.Loop() {
			argon2.IDKey([]byte(password), make([]byte, 16), 2, 19<<10, 1, 32)
		}
	})
}
