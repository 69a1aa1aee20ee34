package importer

import (
	"bytes"
	"fmt"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// WriteDotenv writes variables as [ParseDotenv] reads them with [Verbatim], and
// where it can so that every program reads them alike. It fails with a
// [hotcell.FieldError] for what a .env file has no form for: all three kinds of
// quotes beside a # or a backslash, several lines that end with a backslash,
// and the like. Whoever takes the bytes clears them.
func WriteDotenv(variables []Variable) ([]byte, error) {
	size := 0
	for _, v := range variables {
		size += longest(v.Name, v.Value.Len())
	}
	out := make([]byte, 0, size) // never moved, so that no copy stays behind
	for i, v := range variables {
		err := v.Value.Use(func(b []byte) error {
			line, ok := form(v.Name, b)
			defer sensitive.Wipe(line)
			if !ok {
				return hotcell.Invalid(fmt.Sprintf("/%d", i), "a .env file has no form for this variable")
			}
			out = append(out, line...)
			return nil
		})
		if err != nil {
			sensitive.Wipe(out)
			return nil, err
		}
	}
	return out, nil
}

// form is the first of the forms in which the parser reads the value back.
func form(name string, b []byte) ([]byte, bool) {
	for _, quote := range []string{"'", "`", "", `"`} {
		if !fits(b, quote) {
			continue
		}
		line := write(name, quote, b)
		if readsBack(line, name, b) {
			return line, true
		}
		sensitive.Wipe(line)
	}
	return nil, false
}

// fits says whether the value may stand in such quotes whatever else is in the
// file: behind a backslash, a quote of the next line could seem to close it.
func fits(b []byte, quote string) bool {
	if quote == "" {
		return !bytes.ContainsAny(b, "#\r\n") && !bytes.ContainsAny(b[:min(1, len(b))], "'\"`")
	}
	return !bytes.HasSuffix(b, []byte(`\`))
}

// longest is how many bytes a form takes at the most.
func longest(name string, value int) int { return len(name) + 2*value + len("=\"\"\n") }

func write(name, quote string, b []byte) []byte {
	out := make([]byte, 0, longest(name, len(b)))
	out = append(append(append(out, name...), '='), quote...)
	for _, c := range b {
		e, special := inDouble[c]
		if special && quote == `"` {
			out = append(out, '\\', e)
			continue
		}
		out = append(out, c)
	}
	return append(append(out, quote...), '\n')
}

var inDouble = map[byte]byte{'\n': 'n', '\r': 'r', '"': '"'}

func readsBack(line []byte, name string, b []byte) bool {
	read, _, err := ParseDotenv(line, Verbatim)
	defer Clear(read)
	return err == nil && len(read) == 1 && read[0].Name == name && read[0].Value.Equal(b)
}
