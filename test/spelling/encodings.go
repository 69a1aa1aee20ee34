package spelling

import (
	"bytes"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"mime/quotedprintable"
	"slices"
	"strings"
	"unicode/utf16"
)

func plainOnes() []named {
	return []named{
		text("raw", func(s string) string { return s }),
		text("lower case", strings.ToLower),
		text("upper case", strings.ToUpper),
		fixed("reversed by bytes", func(v []byte) []byte {
			out := bytes.Clone(v)
			slices.Reverse(out)
			return out
		}),
		text("reversed by characters", func(s string) string {
			out := []rune(s)
			slices.Reverse(out)
			return string(out)
		}),
	}
}

func encodings() []named {
	coded := func(e *base64.Encoding, before, after string) func([]byte) []byte {
		return func(v []byte) []byte { return []byte(e.EncodeToString([]byte(before + string(v) + after))) }
	}
	var out []named
	for n, before := range []string{"", "u", "us"} {
		out = append(out,
			fixed(fmt.Sprintf("base64, %d bytes into it", n), coded(base64.StdEncoding, before, ":end")),
			fixed(fmt.Sprintf("base64 for URLs, %d bytes into it", n), coded(base64.RawURLEncoding, before, ":end")))
	}
	for n := range 5 {
		before := strings.Repeat("u", n)
		out = append(out,
			text(fmt.Sprintf("base32, %d bytes into it", n), func(s string) string { return base32.StdEncoding.EncodeToString([]byte(before + s)) }),
			text(fmt.Sprintf("base32 in lower case, %d bytes into it", n), func(s string) string {
				return strings.ToLower(base32.StdEncoding.EncodeToString([]byte(before + s)))
			}))
	}
	return append(out,
		text("base64 in lines of 76", func(s string) string { return wrap(base64.StdEncoding.EncodeToString([]byte(s)), 76, "\r\n") }),
		text("base64 in lines of 20", func(s string) string { return wrap(base64.StdEncoding.EncodeToString([]byte(s)), 20, "\n  ") }),
		text("base64 of base64", func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte("user:" + base64.StdEncoding.EncodeToString([]byte("x:"+s))))
		}),
		text("docker's config", func(s string) string {
			inner := base64.StdEncoding.EncodeToString([]byte("app:" + s))
			return base64.StdEncoding.EncodeToString([]byte(`{"auths":{"registry.acme.test":{"auth":"` + inner + `"}}}`))
		}),
		text("base64 of JSON", func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte(`{"data":` + quoted(s) + `}`))
		}),
		text("a JWT's payload", func(s string) string {
			return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"a","note":`+quoted(s)+`}`)) + "."
		}),
		text("base64 of UTF-16", func(s string) string { return base64.StdEncoding.EncodeToString(wide(s, binary.LittleEndian)) }),
		text("hex of base64", func(s string) string {
			return hex.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s))))
		}),
		text("base64 of hex", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString([]byte(s)))) }),
		text("base64, percent-encoded", func(s string) string {
			return strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(base64.StdEncoding.EncodeToString([]byte(s)))
		}),
		text("UTF-16, low byte first", func(s string) string { return string(wide(s, binary.LittleEndian)) }),
		text("UTF-16, high byte first", func(s string) string { return string(wide(s, binary.BigEndian)) }),
		text("quoted-printable", func(s string) string {
			var out bytes.Buffer
			w := quotedprintable.NewWriter(&out)
			_, _ = w.Write([]byte(s)) // a buffer takes all
			_ = w.Close()
			return out.String()
		}),
		text("quoted-printable of all", func(s string) string { return wrap(spell(s, "=%02X"), 72, "=\r\n") }),
	)
}

// beyond are spellings that nobody promises to find.
func beyond() []named {
	return []named{
		text("without its last character", func(s string) string { r := []rune(s); return string(r[:len(r)-1]) }),
		text("without its first character", func(s string) string { r := []rune(s); return string(r[1:]) }),
		text("its first half", func(s string) string { return s[:len(s)/2] }),
		text("ASCII85", func(s string) string {
			out := make([]byte, ascii85.MaxEncodedLen(len(s)))
			return string(out[:ascii85.Encode(out, []byte(s))])
		}),
		text("base32 with the alphabet of hex", func(s string) string { return base32.HexEncoding.EncodeToString([]byte(s)) }),
		text("base64 of base64 of base64", func(s string) string {
			for range 3 {
				s = base64.StdEncoding.EncodeToString([]byte(s))
			}
			return s
		}),
		text("cases that change", func(s string) string {
			out := []rune(s)
			for i, c := range out {
				if up := strings.ToUpper(string(c)); i%2 == 0 && len(up) == 1 {
					out[i] = rune(up[0])
				} else if low := strings.ToLower(string(c)); i%2 == 1 && len(low) == 1 {
					out[i] = rune(low[0])
				}
			}
			return string(out)
		}),
		text("ROT13", func(s string) string {
			return strings.Map(func(c rune) rune {
				switch {
				case c >= 'a' && c <= 'z':
					return 'a' + (c-'a'+13)%26
				case c >= 'A' && c <= 'Z':
					return 'A' + (c-'A'+13)%26
				}
				return c
			}, s)
		}),
		text("every second character", func(s string) string {
			var out strings.Builder
			for i := range len(s) / 2 {
				out.WriteByte(s[2*i])
			}
			return out.String()
		}),
		fixed("exclusive-or with a byte", func(v []byte) []byte {
			out := bytes.Clone(v)
			for i := range out {
				out[i] ^= 0x5a
			}
			return out
		}),
		{"enciphered with a key", func(v []byte, r *rand.Rand) []byte {
			out := bytes.Clone(v)
			for i := range out {
				out[i] ^= byte(r.UintN(256))
			}
			return out
		}},
	}
}

// wide is UTF-16.
func wide(s string, order binary.AppendByteOrder) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

// spell writes each byte by a format.
func spell(s, format string) string {
	var out strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&out, format, s[i])
	}
	return out.String()
}

// runes writes each character by a format.
func runes(s, format string) string {
	var out strings.Builder
	for _, c := range s {
		fmt.Fprintf(&out, format, c)
	}
	return out.String()
}

// wrap breaks a text after each n bytes.
func wrap(s string, n int, by string) string {
	var out []string
	for ; len(s) > n; s = s[n:] {
		out = append(out, s[:n])
	}
	return strings.Join(append(out, s), by)
}

// quoted is a text as a string of JSON.
func quoted(s string) string {
	out, _ := json.Marshal(s) // strings are always written
	return string(out)
}
