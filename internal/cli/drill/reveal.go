package drill

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"html"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// piece is how much of a value in a row is a leak.
const piece = 12

// maxDeep is how much is looked at in every way within every way.
const maxDeep = 256 << 10

// reveals says whether a text holds a piece of one of the values, in any way that a
// person would find. It knows nothing of package guard, whose work it judges.
func reveals(text []byte, values ...string) bool {
	looked := sought(values)
	if looked.in(text) {
		return true
	}
	for _, undo := range ways {
		once := undo(text)
		if bytes.Equal(once, text) {
			continue // most ways change nothing in most texts
		}
		if looked.in(once) {
			return true
		}
		if len(text) > maxDeep {
			continue
		}
		for _, again := range ways {
			if twice := again(once); !bytes.Equal(twice, once) && looked.in(twice) {
				return true
			}
		}
	}
	return false
}

// pieces are what is sought, in lower case.
type pieces [][]byte

func sought(values []string) (out pieces) {
	for _, value := range values {
		small := bytes.ToLower([]byte(value))
		for _, v := range [][]byte{small, backwards(small)} {
			for i := 0; i+piece <= len(v); i++ {
				out = append(out, v[i:i+piece])
			}
		}
	}
	return out
}

func (p pieces) in(text []byte) bool {
	if len(text) < piece {
		return false
	}
	text = bytes.ToLower(text)
	return slices.ContainsFunc(p, func(one []byte) bool { return bytes.Contains(text, one) })
}

func backwards(b []byte) []byte {
	out := bytes.Clone(b)
	slices.Reverse(out)
	return out
}

var (
	colours = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)
	chunks  = regexp.MustCompile(`\r\n[0-9a-fA-F]+\r\n`)
)

// ways are the ways to undo a disguise.
var ways = []func([]byte) []byte{
	drop("\x00"), drop("\r\n \t"), drop(":- ,"), numbers, words,
	// What stands behind a prefix on each line, and the texts of events.
	joined(`(?m)^[^\n]*[|>\]:] ([^\n\r]*)`), joined(`"(?:text|delta|content)":"([^"]*)"`),
	func(b []byte) []byte { return colours.ReplaceAll(b, nil) },
	replace(`%([0-9a-fA-F]{2})`), replace(`\\x([0-9a-fA-F]{2})`), replace(`\\u00([0-9a-fA-F]{2})`),
	func(b []byte) []byte { return []byte(html.UnescapeString(string(b))) },
	runs(`[0-9a-fA-F]{24,}`, func(run []byte) []byte {
		var out []byte
		for odd := range 2 {
			part := run[odd : odd+(len(run)-odd)/2*2]
			decoded, _ := hex.DecodeString(string(part))
			out = append(out, decoded...)
		}
		return out
	}),
	runs(`[A-Za-z0-9+/_-]{16,}`, func(run []byte) []byte {
		run = bytes.ReplaceAll(bytes.ReplaceAll(run, []byte("-"), []byte("+")), []byte("_"), []byte("/"))
		var out []byte
		for shift := range 4 {
			part := run[min(shift, len(run)):]
			part = part[:len(part)/4*4]
			decoded, _ := base64.StdEncoding.DecodeString(string(part))
			out = append(append(out, decoded...), ' ')
		}
		return out
	}),
	runs(`[A-Z2-7]{20,}`, func(run []byte) []byte {
		var out []byte
		for shift := range 8 {
			part := run[min(shift, len(run)):]
			decoded, _ := base32.StdEncoding.DecodeString(string(part[:len(part)/8*8]))
			out = append(append(out, decoded...), ' ')
		}
		return out
	}),
	unpack([]byte{0x1f, 0x8b}, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }),
	unpack([]byte{0x78}, func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }),
	// Chunks of a body: a line with a size before each.
	func(b []byte) []byte { return chunks.ReplaceAll(b, nil) },
}

func drop(set string) func([]byte) []byte {
	return func(b []byte) []byte {
		return bytes.Map(func(r rune) rune {
			if strings.ContainsRune(set, r) {
				return -1
			}
			return r
		}, b)
	}
}

// joined is what a pattern's group has, one after the other.
func joined(pattern string) func([]byte) []byte {
	compiled := regexp.MustCompile(pattern)
	return func(b []byte) []byte {
		var out []byte
		for _, m := range compiled.FindAllSubmatch(b, -1) {
			out = append(out, m[1]...)
		}
		return out
	}
}

func replace(pattern string) func([]byte) []byte {
	compiled := regexp.MustCompile(pattern)
	return func(b []byte) []byte {
		return compiled.ReplaceAllFunc(b, func(m []byte) []byte {
			v, _ := strconv.ParseUint(string(m[len(m)-2:]), 16, 8)
			return []byte{byte(v)}
		})
	}
}

func runs(pattern string, decode func([]byte) []byte) func([]byte) []byte {
	compiled := regexp.MustCompile(pattern)
	return func(b []byte) (out []byte) {
		for _, run := range compiled.FindAll(b, -1) {
			out = append(append(out, decode(run)...), '\n')
		}
		return out
	}
}

func unpack(magic []byte, open func(io.Reader) (io.Reader, error)) func([]byte) []byte {
	return func(b []byte) (out []byte) {
		for at := 0; ; at++ {
			next := bytes.Index(b[at:], magic)
			if next < 0 || len(out) > maxDeep {
				return out
			}
			at += next
			if r, err := open(bytes.NewReader(b[at:])); err == nil {
				text, _ := io.ReadAll(io.LimitReader(r, maxDeep))
				out = append(out, text...)
			}
		}
	}
}
