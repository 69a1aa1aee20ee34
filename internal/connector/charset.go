package connector

import (
	"bytes"
	"io"
	"strings"

	"github.com/emersion/go-message/charset"
)

// textIn is a text in the charset that it is said to be in, as UTF-8; without
// one that is known, it is taken for UTF-8.
func textIn(text []byte, said string) string {
	switch strings.ToLower(said) {
	case "", "utf-8", "utf8", "us-ascii":
	default:
		if r, err := charset.Reader(said, bytes.NewReader(text)); err == nil {
			if read, err := io.ReadAll(r); err == nil {
				text = read
			}
		}
	}
	return strings.ToValidUTF8(string(text), "\ufffd")
}
