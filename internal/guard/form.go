package guard

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
)

// minLine is how long a line of a value must be to be looked for by itself.
const minLine = 12

// forms are the ways in which a value is usually written: raw; in one case, as
// host names and headers are; base64 in both
// alphabets at each of the three offsets within a longer text; hex in both
// cases; percent-encoded; escaped for JSON; reversed; UTF-16; and, for a value
// of several lines, each line that is long enough, since logs are read and
// written by line.
func forms(value []byte) [][]byte {
	out := encodings(value)
	if lines := bytes.Split(bytes.TrimRight(value, "\r\n"), []byte("\n")); len(lines) > 1 {
		for _, line := range lines {
			line = bytes.TrimSpace(line)
			if len(line) >= minLine && Guardable(line) == nil && !boundary(line) {
				out = append(out, encodings(line)...)
			}
		}
	}
	slices.SortFunc(out, bytes.Compare)
	return slices.CompactFunc(out, bytes.Equal)
}

// boundary lines of PEM (RFC 7468) are no secret.
func boundary(line []byte) bool {
	return bytes.HasPrefix(line, []byte("-----BEGIN ")) || bytes.HasPrefix(line, []byte("-----END "))
}

func encodings(value []byte) [][]byte {
	out := [][]byte{bytes.Clone(value), reversed(value), wide(value), escaped(value), bytes.ToLower(value), bytes.ToUpper(value)}
	out = append(out, base64s(value)...)
	lower := []byte(hex.EncodeToString(value))
	out = append(out, lower, bytes.ToUpper(lower))
	return append(out, []byte(url.QueryEscape(string(value))), []byte(url.PathEscape(string(value))))
}

// base64s are the characters that the value alone decides, at each offset: what
// stands before and after it in the encoded text does not matter. At most six
// bits at either edge of the value are in characters that are shared with its
// neighbours.
func base64s(value []byte) [][]byte {
	var out [][]byte
	for _, alphabet := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			text := []byte(alphabet.EncodeToString(append(make([]byte, offset), value...)))
			whole := (offset + len(value)) * 8 / 6
			shared := (offset*8 + 5) / 6
			if text = text[shared:whole]; len(text) >= minLength {
				out = append(out, text)
			}
		}
	}
	return out
}

func reversed(value []byte) []byte {
	out := bytes.Clone(value)
	slices.Reverse(out)
	return out
}

// wide is UTF-16LE of a value that is ASCII, which is what is ever widened.
func wide(value []byte) []byte {
	out := make([]byte, 0, 2*len(value))
	for _, b := range value {
		out = append(out, b, 0)
	}
	return out
}

// escaped is the value as the inside of a JSON string (RFC 8259 section 7).
func escaped(value []byte) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(string(value)) != nil {
		return bytes.Clone(value)
	}
	return bytes.Clone(bytes.TrimSuffix(out.Bytes(), []byte("\"\n"))[1:])
}
