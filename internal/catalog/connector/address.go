package connector

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message/mail"
)

// The bounds of a header with addresses: its length in bytes, and how many there are.
const (
	maxHeader    = 256 << 10
	maxAddresses = 1000
	maxAddress   = 320
)

// addresses reads a header's text, which may hold several addresses, or a list
// of texts with one address each: a rule on the list's entries then speaks of
// all of them.
func (r *reading) addresses(v any) (out []*mail.Address, err error) {
	switch v := v.(type) {
	case nil:
	case string:
		return r.parseAddresses(v)
	case []any:
		for _, one := range v {
			s, _ := one.(string)
			list, err := r.parseAddresses(s)
			if err != nil || len(list) != 1 {
				return nil, errMail
			}
			out = append(out, list[0])
		}
	default:
		return nil, errMail
	}
	return out, nil
}

// parseAddresses reads what RFC 5322 has, and what people's programs write instead:
// names with commas and other characters that should be in quotes. It looks at each
// character once: a stranger's header may be long.
func (r *reading) parseAddresses(s string) ([]*mail.Address, error) {
	if len(s) > maxHeader {
		return nil, errMail
	}
	p := &addressList{text: ungrouped(s), names: r, open: -1, shut: -1}
	for p.at < len(p.text) {
		if err := p.step(); err != nil {
			return nil, err
		}
	}
	if done, err := p.take(); err != nil || !done {
		return nil, errMail // better nobody than somebody else
	}
	if len(p.out) == 0 && strings.Trim(p.text, " \t\r\n") != "" {
		return nil, errMail
	}
	return p.out, nil
}

// ungrouped is what is in a group ("undisclosed-recipients:;"), where the text is one.
func ungrouped(s string) string {
	inner, ends := strings.CutSuffix(strings.TrimSpace(s), ";")
	name, inner, is := strings.Cut(inner, ":")
	if !ends || !is || strings.ContainsAny(name, `<>@",();`) {
		return s
	}
	return inner
}

// addressList is a list of addresses that is being read.
type addressList struct {
	text string
	// at is where it is read, begin where the address begins that is read now, and open
	// and shut where its angle brackets are; -1 for none yet.
	at, begin, open, shut int
	// named is true where what was read since then is a part of a name.
	named bool
	// lone is true once a quote, or a parenthesis, was found that nothing ends: it and
	// those to come stand for themselves.
	loneQuote, loneParenthesis bool

	names *reading
	out   []*mail.Address
}

// step reads a character, a text in quotes, or a comment.
func (p *addressList) step() error {
	switch c := p.text[p.at]; {
	case c == '"' && !p.loneQuote:
		if end := quoted(p.text[p.at:]); end > 0 {
			p.at += end
			return nil
		}
		p.loneQuote = true
	case c == '(' && !p.loneParenthesis:
		if end := comment(p.text[p.at:]); end > 0 {
			p.at += end
			return nil
		}
		p.loneParenthesis = true
	case c == '<':
		if p.open >= 0 {
			return errMail
		}
		p.open = p.at
	case c == '>':
		if p.open < 0 || p.shut >= 0 {
			return errMail
		}
		p.shut = p.at
	case c == ',' && p.open >= 0 && p.shut < 0:
		return errMail
	case c == ',':
		// Else it is a part of a name, to be in quotes by right.
		done, err := p.take()
		if err != nil {
			return err
		}
		if p.named = !done; done {
			p.begin, p.open, p.shut = p.at+1, -1, -1
		}
	}
	p.at++
	return nil
}

// take takes what was read for an address; not done where it is none yet.
func (p *addressList) take() (done bool, err error) {
	piece := p.text[p.begin:p.at]
	switch {
	case p.open < 0 && p.named:
		return false, nil
	case p.open < 0:
		if strings.Trim(piece, " \t\r\n,") == "" {
			return true, nil
		}
		return p.bare(piece)
	case p.shut < 0:
		return false, errMail
	}
	name, inside, after := p.text[p.begin:p.open], p.text[p.open+1:p.shut], p.text[p.shut+1:p.at]
	if rest, _ := p.uncommented(after); strings.TrimSpace(rest) != "" {
		return false, errMail
	}
	address, ok := plainAddress(strings.TrimSpace(inside))
	if !ok {
		return false, errMail
	}
	return true, p.add(p.names.phrase(strings.Trim(name, " \t\r\n,")), address)
}

// meant is what is meant to be an address, and is none: it is no part of a name.
var meant = regexp.MustCompile(`\S@`)

// bare takes an address without brackets, which may have its name in a comment.
func (p *addressList) bare(piece string) (done bool, err error) {
	rest, name := p.uncommented(piece)
	address, ok := plainAddress(strings.TrimSpace(rest))
	switch {
	case ok:
		return true, p.add(p.names.phrase(name), address)
	case meant.MatchString(rest):
		return false, errMail
	}
	return false, nil
}

func (p *addressList) add(name, address string) error {
	if len(p.out) == maxAddresses {
		return errMail
	}
	p.out = append(p.out, &mail.Address{Name: oneLine(name), Address: address})
	return nil
}

// uncommented is a text without its comments, and what the last one says.
func (p *addressList) uncommented(s string) (rest, said string) {
	var out strings.Builder
	for at := 0; at < len(s); {
		end := 0
		if s[at] == '"' && !p.loneQuote {
			end = quoted(s[at:])
			out.WriteString(s[at : at+end])
		} else if s[at] == '(' && !p.loneParenthesis {
			if end = comment(s[at:]); end > 0 {
				said = s[at+1 : at+end-1]
			}
		}
		if end == 0 {
			out.WriteByte(s[at])
			end = 1
		}
		at += end
	}
	return out.String(), said
}

// quoted is how long a text in quotes is at the beginning of s, its quotes included; 0
// where nothing ends it.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return 0
}

// comment is how long a comment is at the beginning of s, with those within it; 0 where
// nothing ends it.
func comment(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		case '\\':
			i++
		}
	}
	return 0
}

// plainAddress reads local@domain (RFC 5322 section 3.4.1, RFC 6532), without its quotes.
// A domain is a name: nobody's mail is at a number.
func plainAddress(s string) (string, bool) {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || len(s) > maxAddress || !utf8.ValidString(s) || !dotted(s[at+1:], "-_") {
		return "", false
	}
	local := s[:at]
	if local[0] == '"' {
		if quoted(local) != len(local) {
			return "", false
		}
		local = unquoted(local)
		printable := strings.IndexFunc(local, func(c rune) bool { return !unicode.IsPrint(c) }) < 0
		return local + s[at:], local != "" && printable
	}
	return s, dotted(local, "!#$%&'*+-/=?^_`{|}~")
}

// dotted says whether a text is words of letters, digits and more, with dots between.
func dotted(s, more string) bool {
	before := '.'
	for _, c := range s {
		switch {
		case c == '.' && before == '.':
			return false
		case c == '.', unicode.IsLetter(c), unicode.IsDigit(c), unicode.IsMark(c) && before != '.', c < utf8.RuneSelf && strings.ContainsRune(more, c):
		default:
			return false
		}
		before = c
	}
	return before != '.'
}

// unquoted is a text in quotes without them.
func unquoted(s string) string {
	var out strings.Builder
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' && i+1 < len(s)-1 {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
