package otp_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"hotcell/internal/value/otp"
)

// naive reads base32 bit by bit and keeps the whole bytes.
func naive(text string) []byte {
	var bits []byte
	for _, c := range text {
		value := strings.IndexRune("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", c)
		for shift := 4; shift >= 0; shift-- {
			bits = append(bits, byte(value>>shift&1))
		}
	}
	out := make([]byte, len(bits)/8)
	for n := range out {
		for _, bit := range bits[8*n : 8*n+8] {
			out[n] = out[n]<<1 | bit
		}
	}
	return out
}

func keyOf(t *testing.T, text string) []byte {
	t.Helper()
	s, err := otp.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%d characters: %v", len(text), err)
	}
	var key []byte
	_ = s.Key.Use(func(b []byte) error { key = bytes.Clone(b); return nil })
	return key
}

// A secret of any length gives the key that its whole bytes are: one byte less is a key
// that makes wrong codes, and says nothing.
func TestASecretOfAnyLengthIsReadWhole(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for size := 16; size <= 64; size++ {
		for range 50 {
			b := make([]byte, size)
			for n := range b {
				b[n] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[random.IntN(32)]
			}
			text, want := string(b), naive(string(b))
			if len(want) != size*5/8 {
				t.Fatalf("the model gives %d bytes of %d characters", len(want), size)
			}
			for name, written := range map[string]string{
				"plain": text, "padded": text + strings.Repeat("=", (8-size%8)%8), "small, in fours": strings.ToLower(spaced(text)),
				"a URI": "otpauth://totp/x?secret=" + text, "a padded URI": "otpauth://totp/x?secret=" + text + strings.Repeat("%3D", (8-size%8)%8),
			} {
				if got := keyOf(t, written); !bytes.Equal(got, want) {
					t.Errorf("%d characters, %s: %s, want %s", size, name, hex.EncodeToString(got), hex.EncodeToString(want))
				}
			}
		}
		for _, wrong := range []string{"1", "8", "!", "0"} {
			if _, err := otp.Parse([]byte(strings.Repeat("A", size-1) + wrong)); err == nil {
				t.Errorf("%d characters with %s at the end are taken", size, wrong)
			}
		}
	}
}

func spaced(text string) string {
	var out strings.Builder
	for n, c := range text {
		if n > 0 && n%4 == 0 {
			out.WriteByte(' ')
		}
		out.WriteRune(c)
	}
	return out.String()
}
