package audit_test

import (
	"encoding/hex"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
)

// The vector of docs/formats.md: logs that were written stay verifiable.
func TestVector(t *testing.T) {
	t.Parallel()
	first, head, err := audit.Start("wsp_1").Add(hotcell.Event{
		Workspace: "wsp_1", At: time.Unix(1761998400, 5), Kind: "secret.create", Decision: hotcell.Allowed,
		Member: "mem_1", Credential: "sec_1", Version: 1, Name: "billing", Size: 42,
	})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := audit.Encode(first)
	if err != nil {
		t.Fatal(err)
	}
	genesis := audit.Genesis("wsp_1")
	for what, pair := range map[string][2]string{
		"genesis": {hex.EncodeToString(genesis[:]), vectorGenesis},
		"encoded": {hex.EncodeToString(encoded), vectorEncoded},
		"hash":    {hex.EncodeToString(head.Hash[:]), vectorHash},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s = %s, want %s", what, pair[0], pair[1])
		}
	}
}

const (
	vectorGenesis = "5186a95e27ed309bc78befed63e94120566d7a1e8f2b45b856ad400ee943e072"
	vectorEncoded = "010000000000000001000000057773705f31000000006905f640000000050000000d7365637265742e63726561746500000005616c6c6f7700000000000000056d656d5f31000000000000000000000000000000057365635f310000000762696c6c696e6700000000000000000000000000000001000000000000002a0000000000000000"
	vectorHash    = "42ba7926f30f790247964059dae32023e04b7776474e37151f8f92c829338172"
)
