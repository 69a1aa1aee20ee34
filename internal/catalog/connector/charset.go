package connector

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"

	"hotcell"
)

// kindCharset is the parser of texts in charsets. It is asked with the name of one, a
// line feed, and the text, and answers with the text in UTF-8; an unknown charset is a
// [*hotcell.FieldError].
const kindCharset = "charset"

func plainCharset(text []byte) ([]byte, error) {
	said, text, _ := bytes.Cut(text, []byte("\n"))
	r, err := charset.Reader(string(said), bytes.NewReader(text))
	if err != nil {
		return nil, hotcell.Invalid("/charset", "it is not known")
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(growth*len(text)+1)))
	if err != nil {
		return nil, err
	}
	return bytes.ToValidUTF8(out, []byte("\ufffd")), nil
}

// growth is how many times as long a text may become that is decoded: of two bytes of
// some charsets there are two characters, of three or four bytes each.
const growth = 4

// maxMark is how much longer a text may be for a mark where a value was, in bytes.
const maxMark = 1 << 10

// maxCharset bounds the name of a charset, in bytes.
const maxCharset = 64

// ours says whether a text in that charset needs no decoder: it is in UTF-8, or nobody
// can tell what in.
func ours(said string) bool {
	switch strings.ToLower(said) {
	case "", "utf-8", "utf8", "us-ascii":
		return true
	}
	return len(said) > maxCharset || strings.ContainsFunc(said, func(c rune) bool { return c <= ' ' || c > '~' })
}

// decoded is a text in the charset that it is said to be in, as UTF-8; not ok where that
// charset is not known.
func (r *reading) decoded(text []byte, said string) (out string, ok bool) {
	if ours(said) {
		return strings.ToValidUTF8(string(text), "\ufffd"), said == "" || len(said) <= maxCharset
	}
	plain, err := r.decode(append([]byte(said+"\n"), text...))
	if field, is := asField(err); is && field.Pointer != "" {
		return strings.ToValidUTF8(string(text), "\ufffd"), false
	}
	if err != nil || !utf8.Valid(plain) || len(plain) > growth*len(text)+maxMark {
		return "[a text in the charset " + said + ", which cannot be read]", true
	}
	return string(plain), true
}

// textIn is a text in the charset that it is said to be in, as UTF-8; without one that is
// known, it is taken for UTF-8.
func (r *reading) textIn(text []byte, said string) string {
	out, _ := r.decoded(text, said)
	return out
}
