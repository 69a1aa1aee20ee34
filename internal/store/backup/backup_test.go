package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"hotcell"
	"hotcell/internal/store/backup"
	"hotcell/internal/value/sensitive"
)

const (
	database = "a database with the name billing in it"
	control  = "a database with the job of a colleague in it"
)

// scene is a backup, and what opens it.
type scene struct {
	text     []byte
	identity *backup.Opener
	words    sensitive.Bytes
}

// wrapped is a KMS of one key, which wraps by hiding.
type wrapped struct{ secret byte }

func (w wrapped) Wrap(_ context.Context, plain, bound []byte) ([]byte, error) {
	out := append([]byte{w.secret}, bound...)
	for _, b := range plain {
		out = append(out, b^w.secret)
	}
	return out, nil
}

func (w wrapped) Unwrap(_ context.Context, text, bound []byte) (sensitive.Bytes, error) {
	if text[0] != w.secret || !bytes.HasPrefix(text[1:], bound) {
		return sensitive.Bytes{}, errors.New("it is another key's")
	}
	out := bytes.Clone(text[1+len(bound):])
	for i := range out {
		out[i] ^= w.secret
	}
	return sensitive.New(out), nil
}

// step is between the places that are tried: each takes a whole opening.
const step = 5

// remembered is a passphrase and its recipient, once for all tests: it takes its time.
var remembered = sync.OnceValues(func() (string, error) {
	return backup.PassphraseRecipient(sensitive.New([]byte(words)))
})

const words = "five random words or more"

// made makes a backup under a key, to an identity and to a passphrase.
func made(t *testing.T, key byte, id string) scene {
	t.Helper()
	own, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	s := scene{words: sensitive.New([]byte(words))}
	openers, err := backup.IdentityOpeners(sensitive.New([]byte(own.String())))
	if err != nil {
		t.Fatal(err)
	}
	s.identity = openers[0]
	line, err := remembered()
	if err != nil {
		t.Fatal(err)
	}
	to := []age.Recipient{backup.KeyRecipient(t.Context(), wrapped{key})}
	for _, text := range []string{own.Recipient().String(), line} {
		r, err := backup.ParseRecipient(text)
		if err != nil {
			t.Fatal(err)
		}
		to = append(to, r)
	}
	s.text = write(t, backup.Manifest{ID: hotcell.BackupID(id), Workspace: "wsp_1", At: time.Unix(1, 0).UTC()}, to...)
	return s
}

func write(t testing.TB, m backup.Manifest, to ...age.Recipient) []byte {
	t.Helper()
	var file bytes.Buffer
	recipient := ""
	part, err := backup.NewVault(func(r string) (io.Writer, error) { recipient = r; return &file, nil }, m, to...)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(part.Bytes(backup.EntryKeyset, []byte("the keyset")), part.Put(backup.EntryVault, int64(len(database)), strings.NewReader(database)), part.Close())
	if err != nil {
		t.Fatal(err)
	}
	second, err := backup.NewControl(&file, recipient)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(second.Put(backup.EntryControl, int64(len(control)), strings.NewReader(control)), second.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// read reads all of a backup.
func read(text []byte, by ...*backup.Opener) (backup.Manifest, string, error) {
	b, err := backup.Open(bytes.NewReader(text), by...)
	if err != nil {
		return backup.Manifest{}, "", err
	}
	var all strings.Builder
	files := func() error {
		for {
			name, in, err := b.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			all.WriteString(name + "=")
			if _, err := io.Copy(&all, in); err != nil {
				return err
			}
			all.WriteString(";")
		}
	}
	if err := files(); err != nil {
		return b.Manifest, "", err
	}
	if err := b.Control(); err != nil {
		return b.Manifest, "", err
	}
	if err := files(); err != nil {
		return b.Manifest, "", err
	}
	return b.Manifest, all.String(), b.End()
}

const whole = "keyset=the keyset;vault.db=" + database + ";control.db=" + control + ";"

func TestEachOfThoseItIsForOpensIt(t *testing.T) {
	t.Parallel()
	s := made(t, 7, "bak_1")
	for name, by := range map[string]*backup.Opener{
		"the key": backup.KeyOpener(t.Context(), wrapped{7}), "an identity": s.identity, "a passphrase": backup.PassphraseOpener(s.words),
	} {
		m, got, err := read(s.text, by)
		if err != nil || got != whole || m.ID != "bak_1" {
			t.Errorf("%s: %v, %v, %q", name, err, m, got)
		}
	}
}

func TestWhoeverElseReadsNothing(t *testing.T) {
	t.Parallel()
	s, other := made(t, 7, "bak_1"), made(t, 8, "bak_2")
	for name, c := range map[string]struct {
		by   *backup.Opener
		says string
	}{
		"another vault's key": {backup.KeyOpener(t.Context(), wrapped{8}), "it is another key's"},
		"another identity":    {other.identity, "made for other recipients, or by another vault"},
		"a wrong passphrase":  {backup.PassphraseOpener(sensitive.New([]byte("five other words or more"))), "the passphrase is wrong"},
	} {
		if _, got, err := read(s.text, c.by); err == nil || got != "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := read(s.text); !errors.Is(err, hotcell.ErrInvalid) {
		t.Errorf("nothing that could open it: %v", err)
	}
	for _, word := range []string{"billing", "wsp_1", "bak_1", "keyset", "vault.db", "colleague", "the keyset"} {
		if bytes.Contains(s.text, []byte(word)) {
			t.Errorf("the file tells %q", word)
		}
	}
}

func TestWhatIsCutOffOrChangedDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := made(t, 7, "bak_1")
	by := backup.KeyOpener(t.Context(), wrapped{7})
	for n := 0; n < len(s.text); n += step {
		_, _, err := read(s.text[:n], by)
		if n == 0 && errors.Is(err, backup.ErrForm) {
			continue
		}
		if !errors.Is(err, backup.ErrCut) {
			t.Fatalf("cut off behind %d of %d bytes: %v", n, len(s.text), err)
		}
	}
	for i := 0; i < len(s.text); i += step {
		spoilt := bytes.Clone(s.text)
		spoilt[i] ^= 1
		if _, _, err := read(spoilt, by); err == nil {
			t.Fatalf("byte %d changed: it opens", i)
		}
	}
	if _, _, err := read(append(bytes.Clone(s.text), '\n'), by); !errors.Is(err, backup.ErrTrailing) {
		t.Errorf("more behind it: %v", err)
	}
	if _, _, err := read([]byte("SQLite format 3\x00 and so on"), by); !errors.Is(err, backup.ErrForm) {
		t.Errorf("another file: %v", err)
	}
	if _, _, err := read(append([]byte("hotcell-backup-v2\n"), s.text[18:]...), by); !errors.Is(err, backup.ErrNewer) {
		t.Errorf("a newer one: %v", err)
	}
}

// Of two backups of one vault, the parts are not put together: an old control plane
// beside a new vault would have jobs again that were ended.
func TestPartsOfTwoBackupsDoNotOpenTogether(t *testing.T) {
	t.Parallel()
	first, second := made(t, 7, "bak_1"), made(t, 7, "bak_2")
	cut := func(text []byte) int {
		at := 18
		for {
			n := int(text[at])<<24 | int(text[at+1])<<16 | int(text[at+2])<<8 | int(text[at+3])
			if at += 4 + n; n == 0 {
				return at
			}
		}
	}
	mixed := append(bytes.Clone(first.text[:cut(first.text)]), second.text[cut(second.text):]...)
	if _, _, err := read(mixed, backup.KeyOpener(t.Context(), wrapped{7})); err == nil {
		t.Error("they open")
	}
}

func TestRecipientsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "age1", "ssh-ed25519 AAAA", "passphrase:", "passphrase:AA:AA", "AGE-SECRET-KEY-1QQQ"} {
		if _, err := backup.ParseRecipient(text); !errors.Is(err, hotcell.ErrInvalid) || len(text) > 5 && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
