package importer

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"
	"unicode/utf8"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// ReadDotenv is [ParseDotenv] for a file of which the sound lines are taken, and all
// faults told at once: by line and reason, never by text.
//
// A line that stands where a value could have lost its quotes becomes no variable: its
// name would go on in clear. So nothing is read after a quote that has no end, nor,
// once there was a fault, a line that ends like base64.
func ReadDotenv(src []byte, opt Whitespace) (variables []Variable, notices []Notice, faults []*SyntaxError, err error) {
	if len(src) > maxDotenv {
		return nil, nil, nil, hotcell.Invalid("", "a .env file has at most %d KiB", maxDotenv>>10)
	}
	decoded := fromUTF16(src)
	defer sensitive.Wipe(decoded)
	if decoded == nil {
		decoded = src
	}
	text, err := lines(decoded)
	defer sensitive.Wipe(text)
	if err != nil {
		return nil, nil, nil, err
	}
	p := &parser{src: text, line: 1, space: opt, index: map[string]int{}}
	for p.at < len(p.src) && !p.lost && len(faults) < maxFaults {
		p.wary = len(faults) > 0
		err := p.statement()
		if err == nil {
			continue
		}
		fault, ok := errors.AsType[*SyntaxError](err)
		if !ok {
			Clear(p.variables)
			return nil, nil, nil, err
		}
		if p.lost {
			fault.Reason += "; nothing after this line was read"
		}
		faults = append(faults, fault)
		p.endLine(p.at)
	}
	if err := p.bounds(); err != nil && (len(p.variables) > 0 || len(faults) == 0) {
		Clear(p.variables)
		return nil, nil, nil, err
	}
	return p.variables, p.notices, faults, nil
}

// maxFaults is how many faults of a file are told.
const maxFaults = 200

// Faults are all faults of a file as one error, a [hotcell.ErrInvalid].
func Faults(faults []*SyntaxError) error {
	if len(faults) == 0 {
		return nil
	}
	errs := make([]error, len(faults))
	for i, f := range faults {
		errs[i] = f
	}
	return errors.Join(errs...)
}

// fromUTF16 is a text in UTF-16 with its byte order mark (RFC 2781 section 3.2), as some
// editors and shells write one, in UTF-8; nil where it is none. Whoever reads it wipes it.
func fromUTF16(src []byte) []byte {
	var order binary.ByteOrder
	switch {
	case len(src) < 2 || len(src)%2 != 0:
		return nil
	case src[0] == 0xff && src[1] == 0xfe:
		order = binary.LittleEndian
	case src[0] == 0xfe && src[1] == 0xff:
		order = binary.BigEndian
	default:
		return nil
	}
	out := make([]byte, 0, 2*len(src)) // no growing: nothing is left behind unwiped
	for i := 2; i < len(src); i += 2 {
		r := rune(order.Uint16(src[i:]))
		if utf16.IsSurrogate(r) && i+3 < len(src) {
			r = utf16.DecodeRune(r, rune(order.Uint16(src[i+2:])))
			i += 2
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// endsLikeBase64 says whether what follows a = could be the padding of a value that lost
// its quotes.
func endsLikeBase64(rest []byte) bool {
	for _, c := range rest {
		if c != '=' && c != ' ' && c != '\t' {
			return false
		}
	}
	return true
}

var errBase64 = errors.New("it could be the end of a value that lost its quotes: put values of several lines in quotes")
