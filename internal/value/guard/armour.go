package guard

import (
	"bytes"
	"encoding/base64"
)

// strikeJWTs leaves out the header of a JWT (RFC 7519), and of its claims what
// many have: their names, what is not text, and what names no one token.
func strikeJWTs(b []byte, secret []bool) {
	for i := 0; i < len(b); i++ {
		if !bytes.HasPrefix(b[i:], []byte("eyJ")) || i > 0 && urlSafe(b[i-1]) {
			continue
		}
		header := span(b, i)
		if header == len(b) || b[header] != '.' {
			continue
		}
		leave(secret, i, header+1)
		claims := span(b, header+1)
		strikeClaims(b[header+1:claims], secret[header+1:claims])
		i = claims
	}
}

func urlSafe(b byte) bool { return letter(b) || digit(b) || b == '-' || b == '_' }

// span is where the characters of base64url end that begin at i.
func span(b []byte, i int) int {
	for i < len(b) && urlSafe(b[i]) {
		i++
	}
	return i
}

// own are the claims whose values are of one token, or of one person.
var own = map[string]bool{"jti": true, "sub": true, "sid": true, "nonce": true, "email": true, "name": true, "oid": true, "at_hash": true}

func strikeClaims(text []byte, secret []bool) {
	claims := make([]byte, base64.RawURLEncoding.DecodedLen(len(text)))
	if n, err := base64.RawURLEncoding.Decode(claims, text); err != nil || n == 0 || claims[0] != '{' {
		return
	}
	defer clear(claims)
	keep := make([]bool, len(claims))
	for i := 0; i < len(claims); i++ {
		if claims[i] != '"' {
			continue
		}
		to := i + 1
		for to < len(claims) && claims[to] != '"' {
			to++
		}
		at, is := assigned(claims, to, true)
		if !is || !own[string(claims[i+1:to])] {
			i = to
			continue
		}
		i = at
		for i < len(claims) && claims[i] != '"' {
			keep[i] = true
			i++
		}
	}
	for i := range text {
		// A character is of the bytes that its six bits are from.
		secret[i] = keep[i*6/8] && keep[min((i*6+5)/8, len(keep)-1)]
	}
}

// strikePEM leaves out the lines around each PEM block (RFC 7468), and of what is
// in it the structure: all but what is long and has no further parts.
func strikePEM(b []byte, secret []bool) {
	const begin, end = "-----BEGIN ", "-----END "
	for from := 0; ; {
		at := bytes.Index(b[from:], []byte(begin))
		if at < 0 {
			return
		}
		at += from
		title := bytes.Index(b[at+len(begin):], []byte("-----"))
		if title < 0 {
			return
		}
		body := at + len(begin) + title + 5
		leave(secret, at, body)
		to := len(b)
		if n := bytes.Index(b[body:], []byte(end)); n >= 0 {
			to = body + n
			from = to + len(end)
			if tail := bytes.Index(b[from:], []byte("-----")); tail >= 0 {
				from += tail + 5
			}
			leave(secret, to, from)
		} else {
			from = len(b)
		}
		strikeDER(b[body:to], secret[body:to])
	}
}

// strikeDER leaves out the structure of a body of PEM.
func strikeDER(body []byte, secret []bool) {
	var text []byte
	var at []int // where each character is
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '\\' && i+1 < len(body): // a line's end in JSON
			leave(secret, i, i+2)
			i++
		case letter(c), digit(c), c == '+', c == '/':
			text, at = append(text, c), append(at, i)
		default:
			secret[i] = false
		}
	}
	text = text[:len(text)/4*4]
	der := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.RawStdEncoding.Decode(der, text)
	if err != nil {
		return
	}
	defer clear(der)
	public := make([]bool, n)
	if bytes.HasPrefix(der[:n], []byte("openssh-key-v1\x00")) {
		strikeSSH(der[:n], public)
	} else {
		strikeTLV(der[:n], public, 0)
	}
	for i := range text {
		if public[min(i*6/8, n-1)] || public[min((i*6+5)/8, n-1)] {
			secret[at[i]] = false
		}
	}
}

// telling is how long a part of a key is at least that is of one key.
const telling = 16

// strikeTLV marks tags, lengths and short contents (X.690). It returns false where
// b is no sequence of such.
func strikeTLV(b []byte, public []bool, depth int) bool {
	for i := 0; i < len(b); {
		if i+2 > len(b) || depth > 8 {
			return false
		}
		tag, length, head := b[i], int(b[i+1]), 2
		if length >= 0x80 {
			size := length & 0x7f
			if size < 1 || size > 3 || i+2+size > len(b) {
				return false
			}
			length, head = 0, 2+size
			for _, c := range b[i+2 : i+head] {
				length = length<<8 | int(c)
			}
		}
		to := min(i+head+length, len(b)) // the last characters may be missing
		markAll(public[i : i+head])
		content, inside := b[i+head:to], public[i+head:to]
		nested := tag&0x20 != 0 || tag == 0x04 && nestedIn(content)
		switch {
		case nested:
			strikeTLV(content, inside, depth+1)
		case tag == 0x03: // a key for all to see
			markAll(inside)
		case tag == 0x06 || len(content) < telling:
			markAll(inside)
		case content[0] == 0:
			markAll(inside[:1])
		}
		i = to
	}
	return true
}

func nestedIn(b []byte) bool {
	return len(b) > 2 && (b[0] == 0x30 || b[0] == 0x04 || b[0] == 0x02) && strikeTLV(b, make([]bool, len(b)), 1)
}

func markAll(public []bool) {
	for i := range public {
		public[i] = true
	}
}

// strikeSSH marks all of OpenSSH's format but the long fields after the public key.
func strikeSSH(b []byte, public []bool) {
	markAll(public)
	// Fields: cipher, KDF, its options; then how many keys; the public one, the private part.
	at := len("openssh-key-v1\x00")
	for n := range 5 {
		if n == 3 {
			at += 4
		}
		if at+4 > len(b) {
			return
		}
		length := int(b[at])<<24 | int(b[at+1])<<16 | int(b[at+2])<<8 | int(b[at+3])
		at += 4
		if length > len(b)-at {
			length = len(b) - at
		}
		if n == 4 {
			for i := at; i < at+length; i++ {
				public[i] = false
			}
			fields := b[at : at+length]
			for i := 8; i+4 <= len(fields); {
				size := int(fields[i])<<24 | int(fields[i+1])<<16 | int(fields[i+2])<<8 | int(fields[i+3])
				markAll(public[at+i : at+i+4])
				if size < 0 || size > len(fields)-i-4 {
					markAll(public[at+i : at+length])
					return
				}
				if size < telling {
					markAll(public[at+i+4 : at+i+4+size])
				}
				i += 4 + size
			}
		}
		at += length
	}
}
