package backup_test

import (
	"testing"

	"filippo.io/age"

	"hotcell/internal/store/backup"
)

// FuzzOpen: whatever is read ends in an error, or is what was written: the seed is another in each process.
func FuzzOpen(f *testing.F) {
	seed := writeTo(f)
	f.Add(seed)
	f.Add(seed[:len(seed)/2])
	f.Add([]byte("hotcell-backup-v1\n\x00\x00\x00\x01a\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, got, err := read(text, backup.KeyOpener(t.Context(), wrapped{7}))
		if err == nil && got != whole {
			t.Errorf("something else opens, of %d bytes", len(text))
		}
	})
}

func writeTo(f *testing.F) []byte {
	f.Helper()
	return write(f, backup.Manifest{ID: "bak_1"}, []age.Recipient{backup.KeyRecipient(f.Context(), wrapped{7})}...)
}
