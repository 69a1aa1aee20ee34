package connector

import (
	"encoding/base64"
	"strings"
)

// phrase is a name as it is read: without its quotes, and with its encoded words (RFC
// 2047) decoded.
func (r *reading) phrase(s string) string {
	var out strings.Builder
	lone := false
	for at := 0; at < len(s); {
		if s[at] == '"' && !lone {
			if end := quoted(s[at:]); end > 0 {
				out.WriteString(unquoted(s[at : at+end]))
				at += end
				continue
			}
			lone = true
		}
		out.WriteByte(s[at])
		at++
	}
	text := strings.TrimSpace(out.String())
	if !strings.Contains(text, "=?") {
		return text
	}
	var words []string
	joined := false // what is encoded in a row has no space between
	for one := range strings.FieldsSeq(text) {
		said, encoded := r.word(one)
		if encoded && joined {
			words[len(words)-1] += said
		} else {
			words = append(words, said)
		}
		joined = encoded
	}
	return strings.Join(words, " ")
}

// word reads an encoded word; what is none, or cannot be read, stays as it is.
func (r *reading) word(s string) (text string, encoded bool) {
	inner, begins := strings.CutPrefix(s, "=?")
	inner, ends := strings.CutSuffix(inner, "?=")
	parts := strings.Split(inner, "?")
	if !begins || !ends || len(parts) != 3 {
		return s, false
	}
	var data []byte
	switch strings.ToLower(parts[1]) {
	case "b":
		var err error
		if data, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(parts[2], "=")); err != nil {
			return s, false
		}
	case "q":
		data = unquotedWord(parts[2])
	default:
		return s, false
	}
	said, _, _ := strings.Cut(parts[0], "*") // a language may follow
	text, ok := r.decoded(data, said)
	if !ok {
		return s, false
	}
	return text, true
}

// unquotedWord reads the Q encoding (RFC 2047 section 4.2).
func unquotedWord(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '_':
			out = append(out, ' ')
		case s[i] == '=' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			out = append(out, byte(hexDigit(s[i+1])<<4|hexDigit(s[i+2])))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return out
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
