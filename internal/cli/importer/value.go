package importer

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// value is what stands behind a =, and where it ends.
type value struct {
	bytes   []byte
	end     int // an offset on its last line
	notices []string
}

// value reads from offset, where a = has just been. Its errors say what is
// wrong, without the line.
func (p *parser) value(offset int) (value, error) {
	line := p.restOf(offset)
	text := bytes.TrimLeft(line, " \t")
	start := offset + len(line) - len(text)
	v, err := p.either(text, start)
	if err == nil {
		v.bytes, err = p.fit(v.bytes)
	}
	if err != nil {
		sensitive.Wipe(v.bytes)
	}
	return v, err
}

func (p *parser) either(text []byte, start int) (value, error) {
	if len(text) > 0 && strings.IndexByte("'\"`", text[0]) >= 0 {
		v, err := p.quoted(start)
		p.lost = err != nil
		return v, err
	}
	return unquoted(text, start), nil
}

// unquoted reads up to the line's end, or to a # after white space.
func unquoted(text []byte, start int) value {
	v := value{end: start}
	if i := commentIn(text); i >= 0 {
		text = text[:i]
	}
	if bytes.IndexByte(text, '#') >= 0 {
		v.notices = append(v.notices, noticeHash)
	}
	if bytes.IndexByte(text, '$') >= 0 {
		v.notices = append(v.notices, noticeDollar)
	}
	v.bytes = bytes.Clone(bytes.TrimRight(text, " \t"))
	return v
}

// commentIn is where a comment begins in an unquoted value, or -1. A # within
// a word is part of the value: half a secret is worse than a refused one.
func commentIn(text []byte) int {
	for i, c := range text {
		if c == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
			return i
		}
	}
	return -1
}

// quoted reads a value that begins with a quote, over as many lines as it has.
func (p *parser) quoted(start int) (value, error) {
	first := p.src[start]
	end, err := p.closing(start)
	if err != nil {
		return value{}, err
	}
	if end < 0 {
		text := p.restOf(start)
		if bytes.ContainsAny(text, `#\`) {
			return value{}, errors.New("a quoted value has no end: close it")
		}
		v := unquoted(text, start)
		v.notices = append(v.notices, noticeOpen)
		return v, nil
	}
	v := value{end: end}
	inner := p.src[start+1 : end]
	if first != '"' {
		v.bytes = bytes.Clone(inner)
		return v, nil
	}
	v.bytes, v.notices = unescape(inner)
	if bytes.IndexByte(inner, '$') >= 0 {
		v.notices = append(v.notices, noticeDollar)
	}
	return v, nil
}

// closing is where the quote at start is closed, or -1 if it never is. A quote
// behind a backslash closes for Node and may go on for npm's dotenv: where both
// could be meant, and where anything follows but a comment, it is refused.
func (p *parser) closing(start int) (int, error) {
	quote := p.src[start]
	found, escaped := -1, false
	for i := start + 1; i < len(p.src); i++ {
		if p.src[i] != quote {
			continue
		}
		behind := p.src[i-1] == '\\'
		if p.endsAt(i + 1) {
			if found >= 0 {
				return 0, errors.New(sayAmbiguous)
			}
			found = i
		} else if behind && found < 0 {
			escaped = true
		}
		if !behind {
			return p.agreed(quote, found, escaped)
		}
	}
	if found < 0 && !escaped {
		return -1, nil
	}
	return p.agreed(quote, found, escaped)
}

// endsAt says whether nothing but white space and a comment stands on the line
// from offset on.
func (p *parser) endsAt(offset int) bool {
	tail := bytes.TrimLeftFunc(p.src[offset:], func(r rune) bool { return r != '\n' && outer(r) })
	return len(tail) == 0 || tail[0] == '\n' || tail[0] == '#'
}

// agreed refuses a closing quote that one could read otherwise.
func (p *parser) agreed(quote byte, found int, escaped bool) (int, error) {
	switch {
	case found < 0:
		return 0, errors.New("something stands behind the closing quote: a value that contains a quote needs quotes of another kind around it")
	case escaped && (quote != '"' || p.src[found-1] == '\\'):
		return 0, errors.New(sayAmbiguous)
	}
	return found, nil
}

// unescape reads what stands within double quotes.
func unescape(inner []byte) (out []byte, notices []string) {
	out = make([]byte, 0, len(inner))
	note := func(text string) {
		if text != "" && !slices.Contains(notices, text) {
			notices = append(notices, text)
		}
	}
	for i := 0; i < len(inner); i++ {
		c := inner[i]
		if c != '\\' || i+1 == len(inner) {
			out = append(out, c)
			continue
		}
		e, known := escapes[inner[i+1]]
		if !known {
			e.plain, e.notice = '\\', noticeBackslash
		} else {
			i++
		}
		out = append(out, e.plain)
		note(e.notice)
	}
	return out, notices
}

// escapes are what a backslash makes of a character within double quotes.
var escapes = map[byte]struct {
	plain  byte
	notice string
}{'n': {'\n', ""}, 'r': {'\r', noticeReturn}, '"': {'"', noticeQuote}}

// fit holds a value against what a variable may be. It may return a part of b.
func (p *parser) fit(b []byte) ([]byte, error) {
	trimmed := bytes.TrimFunc(b, outer)
	switch {
	case bytes.IndexByte(b, 0) >= 0:
		return b, errors.New("its value has a NUL byte, which no environment variable can hold")
	case len(b) == 0, len(trimmed) == 0 && p.space != Verbatim:
		return b, errors.New("it has no value: give it one, or remove it")
	case len(trimmed) != len(b) && p.space == Refuse:
		return b, errors.New("its value begins or ends with white space: say --verbatim to keep it or --trim-space to cut it off")
	case p.space == Trim:
		b = trimmed
	}
	if len(b) > hotcell.MaxValue {
		return b, fmt.Errorf("its value has more than %d bytes", hotcell.MaxValue)
	}
	return b, nil
}
