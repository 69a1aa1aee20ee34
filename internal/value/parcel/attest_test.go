package parcel_test

import (
	"bytes"
	"errors"
	"testing"

	"hotcell/internal/value/parcel"
)

func TestAnIdentitySignsOneKeyOfOneWorkspace(t *testing.T) {
	t.Parallel()
	one, err := parcel.Generate()
	fail(t, err)
	other, err := parcel.Generate()
	fail(t, err)
	a, err := parcel.Attest(bytes.Repeat([]byte{7}, parcel.IdentitySize), "wsp_a", 3, one.Public())
	fail(t, err)
	if err := a.Check("wsp_a", one.Public()); err != nil {
		t.Errorf("what was signed: %v", err)
	}
	later, short, forged := a, a, a
	later.Sequence++
	short.Identity = short.Identity[:31]
	forged.Signature = bytes.Clone(a.Signature)
	forged.Signature[5] ^= 1
	for what, err := range map[string]error{
		"another workspace": a.Check("wsp_b", one.Public()), "another key": a.Check("wsp_a", other.Public()), "a later number": later.Check("wsp_a", one.Public()),
		"a bit": forged.Check("wsp_a", one.Public()), "a short identity": short.Check("wsp_a", one.Public()), "nothing": parcel.Attestation{}.Check("wsp_a", one.Public()),
	} {
		if !errors.Is(err, parcel.ErrAttested) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := parcel.Attest([]byte("short"), "wsp_a", 1, one.Public()); err == nil {
		t.Error("a short seed signs")
	}
}

func TestTheHolderOfAKeyAloneVouches(t *testing.T) {
	t.Parallel()
	holder, err := parcel.Generate()
	fail(t, err)
	other, err := parcel.Generate()
	fail(t, err)
	identity := []byte("an identity")
	question, wanted, err := parcel.AskVouch(holder.Public(), identity)
	fail(t, err)
	answer, err := holder.Vouch(question, identity)
	fail(t, err)
	if !parcel.Vouched(answer, wanted) {
		t.Error("the holder's answer is not taken")
	}
	if answer, err := holder.Vouch(question, []byte("another identity")); err != nil || parcel.Vouched(answer, wanted) {
		t.Error("an answer for another identity is taken")
	}
	if _, err := other.Vouch(question, identity); !errors.Is(err, parcel.ErrOpen) {
		t.Errorf("another key: %v", err)
	}
	value, err := parcel.Seal(holder.Public(), parcel.Context{Workspace: "wsp_a", Tier: "secret", Item: "a", Field: "A"}, []byte("a value of 32 bytes, as a nonce!"))
	fail(t, err)
	if _, err := holder.Vouch(value, identity); !errors.Is(err, parcel.ErrOpen) {
		t.Errorf("a value is opened as a question: %v", err)
	}
}

func fail(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
