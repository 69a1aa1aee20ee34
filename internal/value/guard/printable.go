package guard

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// maxNear is how far from another an escape of quoted-printable is that is taken for
// one: text is full of equals signs with digits behind them.
const maxNear = 4

// printable decodes quoted-printable (RFC 2045 section 6.7): escapes that stand near
// each other, that of the equals sign itself, and breaks of lines that are none.
func printable(l *lane, final bool) {
	b := l.fresh()
	from, start := 0, l.taken
	for i := equals(b, 0); i < len(b); i = equals(b, i) {
		near := l.state > 0 && start+int64(i)-int64(l.state) <= maxNear
		if unprinted(b[i:], near) {
			i++
			continue
		}
		before := l.after
		if i > from {
			before = b[i-1]
		}
		took, meaning, more := 0, []byte(nil), false
		if before != '=' { // two of them pad base64
			took, meaning, more = printed(b[i:], near, final)
		}
		if more {
			l.keep(b[from:i])
			return
		}
		if took == 0 {
			i++
			continue
		}
		l.keep(b[from:i])
		l.means(took, meaning...)
		i += took
		from, l.state, l.after = i, int(start)+i, 0
	}
	l.keep(b[from:])
}

// unprinted says at a first look that what begins with an equals sign is no escape: it
// has no two digits, or those of another sign, and none is near.
func unprinted(b []byte, near bool) bool {
	if len(b) < 3+maxNear || b[1] == '\n' || b[1] == '\r' {
		return false
	}
	if nibbles[b[1]]|nibbles[b[2]] < 0 {
		return true
	}
	return !near && nibbles[b[1]]<<4|nibbles[b[2]] != '=' && eights(uint64(binary.LittleEndian.Uint32(b[3:])), '=')&(1<<(8*maxNear)-1) == 0
}

// equals is where the next equals sign is from i on, the end of b without one. In most
// text that has any the next is near.
func equals(b []byte, i int) int {
	for range 3 {
		if i+8 > len(b) {
			break
		}
		if found := eights(binary.LittleEndian.Uint64(b[i:]), '='); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
		i += 8
	}
	if n := bytes.IndexByte(b[i:], '='); n >= 0 {
		return i + n
	}
	return len(b)
}

// eights has the top bit of each of eight bytes set that is c, up to the first of them;
// behind that, perhaps also of others.
func eights(w uint64, c byte) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	w ^= uint64(c) * ones
	return (w - ones) &^ w & tops
}

// keep takes bytes as they are, and remembers the last.
func (l *lane) keep(b []byte) {
	if len(b) > 0 {
		l.after = b[len(b)-1]
	}
	l.raw(b)
}

// printed reads what begins with an equals sign.
func printed(b []byte, near, final bool) (taken int, meaning []byte, more bool) {
	switch {
	case len(b) < 2, b[1] == '\r' && len(b) < 3:
		return 0, nil, !final
	case b[1] == '\n':
		return 2, nil, false
	case b[1] == '\r' && b[2] == '\n':
		return 3, nil, false
	}
	v, ok, more := digits(b, 1, 2, final)
	if !ok {
		return 0, nil, more
	}
	if near || v == '=' || bytes.IndexByte(b[3:min(len(b), 3+maxNear)], '=') >= 0 {
		return 3, []byte{byte(v)}, false
	}
	return 0, nil, len(b) < 3+maxNear && !final
}
