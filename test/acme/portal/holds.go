package portal

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/md5"  //nolint:gosec // to know it when it is seen
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"html"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Holds says in which form a text holds a value, or "".
func Holds(text, value string) string { return Judging(value).Find(text) }

// Judge finds values in texts. It shares nothing with what it judges: it undoes whatever
// can be undone, one thing after the other, and looks for values in all that comes out of
// it. It is for one goroutine at a time.
type Judge struct {
	// needles are what is looked for, by how they begin.
	needles map[string][]needle
	// seen are the texts that were looked through.
	seen map[string]bool
}

// Judging is a judge of values.
func Judging(values ...string) *Judge {
	j := &Judge{needles: map[string][]needle{}}
	for _, value := range values {
		if len(value) < shortest {
			continue
		}
		for _, n := range needlesOf(value) {
			if len(n.text) >= shortest {
				j.needles[n.text[:shortest]] = append(j.needles[n.text[:shortest]], n)
			}
		}
	}
	return j
}

// Find says in which form a text holds one of the values, or "".
func (j *Judge) Find(text string) string {
	j.seen = map[string]bool{}
	return j.look(text, "", depth)
}

// The bounds of a judgement.
const (
	// shortest is how long a value is, in bytes, that is not met with by chance.
	shortest = 6
	// depth is how many codings within each other are undone.
	depth = 3
	// large is how long a text is, in bytes, of which fewer are.
	large = 1 << 18
	// part is how much of a value, in bytes, is too much of it.
	part = 12
)

// needle is what is looked for, in lower case.
type needle struct{ name, text string }

// needlesOf are a value's forms that nothing below undoes.
func needlesOf(value string) (out []needle) {
	raw := []byte(value)
	add := func(name, text string) { out = append(out, needle{name, strings.ToLower(text)}) }
	add("raw", value)
	backwards := []rune(value)
	slices.Reverse(backwards)
	add("reversed", string(backwards))
	add("rot13", strings.Map(rotated, value))
	// What is in lower case, as in a host's name, cannot be decoded any more.
	for at := range 3 {
		text := base64.RawStdEncoding.EncodeToString(append(make([]byte, at), raw...))
		inner := text[(at*8+5)/6 : len(text)-1]
		add("base64", inner)
		add("base64", strings.NewReplacer("+", "-", "/", "_").Replace(inner))
	}
	for at := range 5 {
		text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(make([]byte, at), raw...))
		add("base32", text[(at*8+4)/5:len(text)-1])
	}
	m, s, l, x := md5.Sum(raw), sha1.Sum(raw), sha256.Sum256(raw), sha512.Sum512(raw) //nolint:gosec // see above
	for _, sum := range [][]byte{m[:], s[:], l[:], x[:]} {
		add("a hash", hex.EncodeToString(sum))
		add("a hash", base64.RawStdEncoding.EncodeToString(sum))
	}
	if len(raw) >= 2*part {
		for at := 0; at+part <= len(raw); at++ {
			add("a part", value[at:at+part])
		}
	}
	return out
}

func rotated(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return 'a' + (r-'a'+13)%26
	case r >= 'A' && r <= 'Z':
		return 'A' + (r-'A'+13)%26
	}
	return r
}

// look looks through a text, and through what can be made of it.
func (j *Judge) look(text, how string, deeper int) string {
	if len(text) < shortest || j.seen[text] {
		return ""
	}
	j.seen[text] = true
	low := strings.ToLower(text)
	for at := range len(low) - shortest + 1 {
		for _, n := range j.needles[low[at:at+shortest]] {
			if strings.HasPrefix(low[at:], n.text) {
				return how + n.name
			}
		}
	}
	if deeper == 0 || len(text) > large && deeper < depth {
		return ""
	}
	for _, u := range undoings {
		inner := u.undo(text)
		if inner == text {
			continue
		}
		if found := j.look(inner, how+u.name+", ", deeper-1); found != "" {
			return found
		}
	}
	return ""
}

// undoings undo one coding each, wherever it is in a text; they give the text
// itself, or nothing, where there is none.
var undoings = []struct {
	name string
	undo func(string) string
}{
	{"percent", func(s string) string { return percent.ReplaceAllStringFunc(s, unhex) }},
	{"plus", func(s string) string { return percent.ReplaceAllStringFunc(strings.ReplaceAll(s, "+", " "), unhex) }},
	{"entities", html.UnescapeString},
	{"escapes", func(s string) string { return escaped.ReplaceAllStringFunc(s, unescape) }},
	{"utf-16", func(s string) string { return strings.ReplaceAll(s, "\x00", "") }},
	{"quoted", func(s string) string {
		return quoted.ReplaceAllStringFunc(s, func(s string) string { return unhex(strings.ReplaceAll(s, "=\r\n", "=")) })
	}},
	{"base64", func(s string) string { return runs(s, sixtyFour, 4, unbase64) }},
	{"base32", func(s string) string { return runs(s, thirtyTwo, 8, unbase32) }},
	{"hex", func(s string) string { return runs(s, pairs, 2, unpair) }},
	{"numbers", unnumber},
	{"packed", unpack},
	{"spaced", func(s string) string { return separators.ReplaceAllString(s, "") }},
	{"spaced", func(s string) string { return single.ReplaceAllString(s, "$1") }},
}

var (
	percent    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	quoted     = regexp.MustCompile(`=(\r?\n|[0-9A-F]{2})`)
	escaped    = regexp.MustCompile(`\\(u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|[0-3][0-7]{2}|[^ux])`)
	sixtyFour  = regexp.MustCompile(`[A-Za-z0-9+/_-]{8,}`)
	thirtyTwo  = regexp.MustCompile(`[A-Za-z2-7]{10,}`)
	pairs      = regexp.MustCompile(`(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ ,:;-]{0,2}){6,}`)
	decimals   = regexp.MustCompile(`(?:\d{1,3}[^\d]{1,3}){5,}\d{1,3}`)
	number     = regexp.MustCompile(`\d+`)
	separators = regexp.MustCompile(`[\s,"'\[\]|;]+`)
	single     = regexp.MustCompile(`(.)[-., _|/:;]`)
)

func unhex(s string) string {
	b, err := hex.DecodeString(s[1:])
	if err != nil {
		return ""
	}
	return string(b)
}

func unescape(s string) string {
	digits := strings.Trim(s[1:], "ux{}")
	if s[1] == 'u' || s[1] == 'x' {
		n, _ := strconv.ParseUint(digits, 16, 32)
		return string(rune(n))
	}
	if len(s) == 4 {
		n, _ := strconv.ParseUint(digits, 8, 8)
		return string(rune(n))
	}
	return s[1:]
}

// runs decodes each run of a text, from each of the first places where a group of
// what is written together could begin.
func runs(text string, of *regexp.Regexp, group int, decode func(string) []byte) string {
	var out bytes.Buffer
	for _, run := range of.FindAllString(text, -1) {
		for at := range min(group, len(run)) {
			decoded := decode(run[at:])
			legible(&out, decoded)
			if len(decoded) >= 2*shortest {
				legible(&out, []byte(unpack(string(decoded))))
			}
		}
	}
	return out.String()
}

// legible writes what can be text of what was decoded: of what was none, nearly all can't,
// and it would be looked through again and again.
func legible(out *bytes.Buffer, decoded []byte) {
	begin, long := 0, 0
	end := func(at int) {
		if long >= shortest {
			out.Write(decoded[begin:at])
			out.WriteByte('\n')
		}
	}
	for at := 0; at < len(decoded); {
		r, size := utf8.DecodeRune(decoded[at:])
		switch {
		case r == utf8.RuneError && size < 2 || r != 0 && r < ' ' && r != '\n' && r != '\r' && r != '\t':
			end(at)
			begin, long = at+size, 0
		case r != 0: // UTF-16 has zeros between
			long++
		}
		at += size
	}
	end(len(decoded))
}

func unbase64(s string) []byte {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	out, _ := base64.RawStdEncoding.DecodeString(s[:len(s)/4*4])
	if rest := s[len(s)/4*4:]; len(rest) > 1 {
		tail, _ := base64.RawStdEncoding.DecodeString(rest)
		out = append(out, tail...)
	}
	return out
}

func unbase32(s string) []byte {
	s = strings.ToUpper(s)
	out, _ := base32.StdEncoding.DecodeString(s[:len(s)/8*8])
	tail, _ := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s[len(s)/8*8:])
	return append(out, tail...)
}

func unpair(s string) []byte {
	s = strings.NewReplacer("0x", "", `\x`, "", " ", "", ",", "", ":", "", ";", "", "-", "").Replace(s)
	out, _ := hex.DecodeString(s[:len(s)/2*2])
	return out
}

// unnumber reads lists of characters' numbers.
func unnumber(s string) string {
	var out strings.Builder
	for _, run := range decimals.FindAllString(s, -1) {
		for _, n := range number.FindAllString(run, -1) {
			if c, err := strconv.ParseUint(n, 10, 8); err == nil {
				out.WriteByte(byte(c))
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// unpack unpacks what a browser can have packed, wherever it begins.
func unpack(s string) string {
	var out bytes.Buffer
	take := func(r io.Reader, err error) {
		if err == nil {
			_, _ = io.Copy(&out, io.LimitReader(r, 1<<20))
			out.WriteByte('\n')
		}
	}
	for at := 0; at+2 < len(s); at++ {
		switch s[at : at+2] {
		case "\x1f\x8b":
			take(gzip.NewReader(strings.NewReader(s[at:])))
		case "\x78\x01", "\x78\x5e", "\x78\x9c", "\x78\xda":
			take(zlib.NewReader(strings.NewReader(s[at:])))
		}
	}
	// What has no mark begins where a body does.
	if _, body, found := strings.Cut(s, "\r\n\r\n"); !utf8.ValidString(s) {
		if !found {
			body = s
		}
		take(flate.NewReader(strings.NewReader(body)), nil)
	}
	return out.String()
}

// Count is how often a body holds a value as forms, JSON and text write it.
func Count(body, value string) int {
	plain := escaped.ReplaceAllStringFunc(percent.ReplaceAllStringFunc(body, unhex), unescape)
	return strings.Count(plain, value)
}
