package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// strictJSON reads JSON (RFC 8259) without what lets two readers see two
// things: an object with the same name twice, be it in another case.
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
	errTwice = errors.New("an object has the same name twice")
	errDeep  = errors.New("the JSON is nested too deeply")
	errJSON  = errors.New("this is not JSON")
)

// maxDepth is how deep a request may be nested; none of ours needs ten.
const maxDepth = 32

func checkJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := checkValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errJSON
	}
	return nil
}

func checkValue(d *json.Decoder, depth int) error {
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
		if open == '{' {
			name, err := d.Token()
			text, ok := name.(string)
			if err != nil || !ok {
				return errJSON
			}
			// Names of variables differ by case; members of ours never do.
			if exact, folded := text, strings.ToLower(text); seen[exact] || depth == 0 && seen["\x00"+folded] {
				return errTwice
			} else {
				seen[exact], seen["\x00"+folded] = true, true
			}
		}
		if err := checkValue(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errJSON
	}
	return nil
}
