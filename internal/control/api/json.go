package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// strictJSON reads JSON (RFC 8259) without what lets two readers see two
// things: an object with the same name twice, be it in another case, and text
// that is not Unicode, which Go would silently put something else in the place
// of: a value that was changed on its way is worse than one that was refused.
var strictJSON = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	},
	Unmarshal: func(data []byte, v any) error {
		if err := checkJSON(data); err != nil {
			return err
		}
		return json.Unmarshal(data, v)
	},
}

var (
	errTwice   = errors.New("an object has the same name twice")
	errDeep    = errors.New("the JSON is nested too deeply")
	errJSON    = errors.New("this is not JSON")
	errUnicode = errors.New("a text is not Unicode: a value of other bytes is sent sealed")
)

// ownSentence says whether a text is one of this file's: it holds nothing of
// what was sent.
func ownSentence(text string) bool {
	return slices.ContainsFunc([]error{errTwice, errDeep, errJSON, errUnicode}, func(err error) bool { return err.Error() == text })
}

// maxDepth is how deep a request may be nested; none of ours needs ten.
const maxDepth = 32

func checkJSON(data []byte) error {
	if !utf8.Valid(data) || !pairedSurrogates(data) {
		return errUnicode
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := checkValue(d, 0, true); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errJSON
	}
	return nil
}

// checkValue reads one value. With ours, the names in it are the API's own,
// which never differ by case alone.
func checkValue(d *json.Decoder, depth int, ours bool) error {
	token, err := d.Token()
	if err != nil {
		return errJSON
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth == maxDepth {
		return errDeep
	}
	seen := map[string]bool{}
	for d.More() {
		within := ours
		if open == '{' {
			name, err := checkName(d, seen, ours)
			if err != nil {
				return err
			}
			within = ours && !slices.Contains([]string{"values", "rename", "environment"}, name)
		}
		if err := checkValue(d, depth+1, within); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errJSON
	}
	return nil
}

// checkName reads a member's name, which must be new to its object.
func checkName(d *json.Decoder, seen map[string]bool, ours bool) (string, error) {
	token, err := d.Token()
	name, ok := token.(string)
	if err != nil || !ok {
		return "", errJSON
	}
	if ours {
		name = fold(name)
	}
	if seen[name] {
		return "", errTwice
	}
	seen[name] = true
	return name, nil
}

// fold makes one text of all that encoding/json takes for the same name.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return unicode.ToLower(least)
	}, s)
}

// pairedSurrogates says whether each escaped half of a UTF-16 pair has its
// other half (RFC 8259 section 8.2).
func pairedSurrogates(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		unit, isUnit := escapedUnit(data[i:])
		if !isUnit {
			i++ // a backslash may follow: it is what is escaped
			continue
		}
		i += 5
		if unit < 0xd800 || unit > 0xdfff {
			continue
		}
		low, isUnit := escapedUnit(data[i+1:])
		if unit > 0xdbff || !isUnit || low < 0xdc00 || low > 0xdfff {
			return false
		}
		i += 6
	}
	return true
}

// escapedUnit reads a \uXXXX at the beginning of data.
func escapedUnit(data []byte) (uint64, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	return unit, err == nil
}
