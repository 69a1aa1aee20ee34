package envelope_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"hotcell/internal/vault/internal/envelope"
	"hotcell/internal/vault/internal/kms"
)

// golden is what was stored once, and must open for ever: a keyset of two keys,
// a row that each of them sealed, a blob of the older.
type golden struct {
	KeyFile   string
	Keyset    []byte
	Blob      []byte // "private", label "pair"
	Rows      []goldenRow
	Workspace string
}

type goldenRow struct {
	Binding envelope.Binding
	DataKey []byte
	Field   string
	Sealed  []byte // "value of " and the field
}

func TestWhatWasStoredOfOldStillOpens(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	file := t.TempDir() + "/local.key"
	if err := errors.Join(json.Unmarshal(raw, &g), os.WriteFile(file, []byte(g.KeyFile), 0o600)); err != nil {
		t.Fatal(err)
	}
	key, err := kms.OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ks, err := envelope.OpenKeyset(context.Background(), key, g.Workspace, g.Keyset)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Rows) != 2 {
		t.Errorf("%d rows", len(g.Rows))
	}
	for _, r := range g.Rows {
		got, err := open(ks, r.Binding, r.Field, r.DataKey, r.Sealed)
		if s := text(t, got, err); s != "value of "+r.Field {
			t.Errorf("%v opened as %q", r.Binding, s)
		}
	}
	got, err := ks.OpenBlob("pair", g.Blob)
	if s := text(t, got, err); s != "private" {
		t.Errorf("the blob opened as %q", s)
	}
}
