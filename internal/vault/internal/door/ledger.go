package door

import (
	"errors"
	"sync/atomic"
	"time"

	"hotcell"
	"hotcell/internal/vault/internal/envelope"
)

// ledger is what is known about keys beside the keys: it is sealed as they are, so that
// who can write the database cannot have an old key taken for a new one, or a rotation
// for one that has ended.
type ledger struct {
	// Made is when keys were made, by kind and id. What is not here was made with the
	// workspace.
	Made map[string]time.Time `json:"made,omitempty"`
	// Rotation is the one under way, Last the one before; After is the data key that it
	// has come to.
	Rotation *hotcell.Rotation `json:"rotation,omitempty"`
	Steps    []string          `json:"steps,omitempty"`
	After    hotcell.SealedKey `json:"after"`
	Last     *hotcell.Rotation `json:"last,omitempty"`
}

func made(kind hotcell.KeyKind, id string) string { return string(kind) + " " + id }

// madeAt is when a key was made.
func (l *ledger) madeAt(kind hotcell.KeyKind, id string, otherwise time.Time) time.Time {
	if at, known := l.Made[made(kind, id)]; known {
		return at
	}
	return otherwise
}

func (l *ledger) make(kind hotcell.KeyKind, id string, at time.Time) {
	if l.Made == nil {
		l.Made = map[string]time.Time{}
	}
	if _, known := l.Made[made(kind, id)]; !known {
		l.Made[made(kind, id)] = at
	}
}

// readLedger opens the ledger; where there is none yet, nothing has happened to keys.
func (v *Vault) readLedger(r hotcell.VaultReader, keys *envelope.Keyset) (l ledger, err error) {
	sealed, err := r.Blob(v.workspace, blobLedger)
	if errors.Is(err, hotcell.ErrNotFound) {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	return openJSON[ledger](keys, blobLedger, sealed)
}

// amend changes the ledger within an update.
func (v *Vault) amend(w hotcell.VaultWriter, keys *envelope.Keyset, fn func(*ledger) error) error {
	l, err := v.readLedger(w, keys)
	if err != nil {
		return err
	}
	if err := fn(&l); err != nil {
		return err
	}
	return v.putJSON(w, keys, blobLedger, l)
}

// used is when keys last opened something, since the vault was opened.
type used struct{ keyset, pair moments }

// moments is one such time.
type moments struct{ at atomic.Int64 }

func (m *moments) now(clock func() time.Time) { m.at.Store(clock().UnixNano()) }

func (m *moments) last() *time.Time {
	n := m.at.Load()
	if n == 0 {
		return nil
	}
	at := time.Unix(0, n).UTC()
	return &at
}
