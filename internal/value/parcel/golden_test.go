package parcel_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"hotcell/internal/value/parcel"
)

// golden is messages that were sealed once, and must open for ever.
type golden struct {
	PrivateKey  string // hex
	Fingerprint string
	Values      []goldenMessage
	Infos       []goldenMessage
}

type goldenMessage struct {
	Context   *parcel.Context `json:",omitempty"`
	Info      string
	Plaintext []byte
	Message   []byte
}

func TestMessagesOfOldStillOpen(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	k := private(t, g.PrivateKey)
	if got := k.Public().Fingerprint(); got != g.Fingerprint {
		t.Errorf("fingerprint %s, want %s", got, g.Fingerprint)
	}
	if len(g.Values) != 9 || len(g.Infos) != 2 {
		t.Fatalf("%d and %d messages in the file", len(g.Values), len(g.Infos))
	}
	for i, m := range g.Values {
		if v, err := k.Open(*m.Context, m.Message); err != nil || !v.Equal(m.Plaintext) {
			t.Errorf("value %d: %v", i, err)
		}
	}
	for i, m := range g.Infos {
		if v, err := k.OpenInfo([]byte(m.Info), m.Message); err != nil || !v.Equal(m.Plaintext) {
			t.Errorf("info %d: %v", i, err)
		}
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func private(t testing.TB, s string) parcel.PrivateKey {
	t.Helper()
	k, err := parcel.ParsePrivate(unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
