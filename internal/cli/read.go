package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/term"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/importer"
	"hotcell/internal/sensitive"
)

// maxFile is how large a file of values may be.
const maxFile = 20 << 20

// readFile reads a file of values; "-" is standard input. The caller wipes it.
func (a *app) readFile(path string) ([]byte, error) {
	in := a.In
	if path != "-" {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, hotcell.Invalid("", "there is no file %s", path)
		}
		if err != nil {
			return nil, fmt.Errorf("reading a file: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	if len(text) > maxFile {
		sensitive.Wipe(text)
		return nil, hotcell.Invalid("", "a file of values has at most 20 MiB")
	}
	return text, nil
}

// readVariables reads a .env file.
func (a *app) readVariables(path string, space importer.Whitespace) ([]client.Variable, error) {
	text, err := a.readFile(path)
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(text)
	parsed, notices, err := importer.ParseDotenv(text, space)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", nameOf(path), err)
	}
	for _, n := range notices {
		a.say("note: %s: line %d: %s: %s", nameOf(path), n.Line, n.Name, n.Text)
	}
	var out []client.Variable
	for _, v := range parsed {
		out = append(out, client.Variable{Name: v.Name, Value: v.Value})
	}
	return out, nil
}

func nameOf(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// readValue reads one value: from a file, from standard input, or from a prompt
// without echo. One line end after it is not part of it.
func (a *app) readValue(path, name string, space importer.Whitespace) (sensitive.Bytes, error) {
	var text []byte
	var err error
	if path == "" && term.IsTerminal(int(a.In.Fd())) {
		fmt.Fprintf(a.Err, "value of %s (not shown): ", safe(name))
		text, err = term.ReadPassword(int(a.In.Fd()))
		fmt.Fprintln(a.Err)
	} else {
		if path == "" {
			path = "-"
		}
		text, err = a.readFile(path)
	}
	if err != nil {
		return sensitive.Bytes{}, err
	}
	if space != importer.Verbatim {
		text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	}
	trimmed := bytes.TrimSpace(text)
	if space == importer.Trim {
		text = trimmed
	}
	if space == importer.Refuse && len(trimmed) != len(text) {
		sensitive.Wipe(text)
		return sensitive.Bytes{}, hotcell.Invalid("", "the value begins or ends with white space: say --verbatim to keep it or --trim-space to cut it off")
	}
	if len(text) == 0 {
		return sensitive.Bytes{}, hotcell.Invalid("", "the value is empty")
	}
	return sensitive.New(text), nil
}

func clearVariables(variables []client.Variable) {
	for _, v := range variables {
		v.Value.Clear()
	}
}
