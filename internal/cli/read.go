package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/term"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/importer"
	"hotcell/internal/value/sensitive"
)

// maxFile is how large a file of values may be.
const maxFile = 20 << 20

// readFile reads a file of values; "-" is standard input. The caller wipes it.
func (a *app) readFile(ctx context.Context, path string) ([]byte, error) {
	if path == "-" {
		return await(ctx, func() ([]byte, error) { return readAll(a.In) })
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hotcell.Invalid("", "there is no file %s", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, hotcell.Invalid("", "the file %s may not be read by you", path)
	case err != nil:
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, hotcell.Invalid("", "%s is a folder: a file is read", path)
	}
	return await(ctx, func() ([]byte, error) { return readAll(f) })
}

// readAll reads to the end. Unlike io.ReadAll it leaves no copies behind where
// its buffer grew.
func readAll(in io.Reader) ([]byte, error) {
	text := make([]byte, 0, 64<<10)
	for {
		n, err := in.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case len(text) > maxFile:
			sensitive.Wipe(text)
			return nil, hotcell.Invalid("", "a file of values has at most 20 MiB")
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			sensitive.Wipe(text)
			return nil, fmt.Errorf("reading a file: %w", err)
		case len(text) == cap(text):
			larger := make([]byte, len(text), 2*cap(text))
			copy(larger, text)
			sensitive.Wipe(text)
			text = larger
		}
	}
}

// await reads what may never come, and stops to wait when the person does: an
// interrupt ends no read by itself.
func await(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	came := make(chan result, 1)
	go func() {
		text, err := read()
		came <- result{text, err}
	}()
	select {
	case r := <-came:
		return r.text, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// prompt asks for a value on the terminal, without echo.
func (a *app) prompt(ctx context.Context, name string) ([]byte, error) {
	return a.unseen(ctx, "value of "+safe(name)+" (not shown): ")
}

// unseen asks a question on the terminal, whose answer is not shown.
func (a *app) unseen(ctx context.Context, question string) ([]byte, error) {
	terminal := int(a.In.Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, fmt.Errorf("asking for the value: %w", err)
	}
	fmt.Fprint(a.Err, question)
	text, err := await(ctx, func() ([]byte, error) { return term.ReadPassword(terminal) })
	fmt.Fprintln(a.Err)
	if ctx.Err() != nil {
		err = errors.Join(err, term.Restore(terminal, before))
	}
	return text, err
}

// readVariables reads a .env file. What is faulty in it is told at once; where whole is
// false, the rest is taken.
func (a *app) readVariables(ctx context.Context, path string, flags spaceFlags, whole bool) ([]client.Variable, error) {
	space, err := flags.choice()
	if err != nil {
		return nil, err
	}
	text, err := a.readFile(ctx, path)
	if err != nil {
		return nil, err
	}
	defer sensitive.Wipe(text)
	parsed, notices, faults, err := importer.ReadDotenv(text, space)
	if err == nil && (whole || len(parsed) == 0) {
		err = importer.Faults(faults)
	}
	if err != nil {
		importer.Clear(parsed)
		return nil, fmt.Errorf("%s: %w", nameOf(path), err)
	}
	for _, f := range faults {
		a.say("left out: %s: %v", nameOf(path), f)
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
func (a *app) readValue(ctx context.Context, path, name string, flags spaceFlags) (sensitive.Bytes, error) {
	space, err := flags.choice()
	if err != nil {
		return sensitive.Bytes{}, err
	}
	var text []byte
	if path == "" && term.IsTerminal(int(a.In.Fd())) {
		text, err = a.prompt(ctx, name)
	} else {
		text, err = a.readFile(ctx, cmp.Or(path, "-"))
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
