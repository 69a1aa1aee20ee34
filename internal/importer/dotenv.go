// Package importer reads other programs' files into drafts. It does no I/O and
// stores nothing.
//
// It guards that a value arrives to the byte as it is written, and that no
// error or notice tells of one. One way to use it:
//
//	variables, notices, err := importer.ParseDotenv(text, importer.Refuse)
package importer

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"hotcell"
	"hotcell/internal/sensitive"
)

// Variable is one variable of a file. Its reader clears the value.
type Variable struct {
	Name  string
	Value sensitive.Bytes
	// Line is where it begins, from 1.
	Line int
}

// Notice is something that a person may want to know of a line.
type Notice struct {
	Line int
	Name string
	Text string
}

// SyntaxError says which line is not understood, and never what is in it.
type SyntaxError struct {
	Line   int
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// Is makes every SyntaxError a [hotcell.ErrInvalid].
func (e *SyntaxError) Is(target error) bool { return target == hotcell.ErrInvalid }

// Whitespace says what to do with white space around a value.
type Whitespace int

// The choices: refuse it, keep it, or cut it off.
const (
	Refuse Whitespace = iota
	Verbatim
	Trim
)

var nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ParseDotenv reads a .env file literally: nothing is expanded, ever. It reads
// as npm's dotenv and Node's util.parseEnv do where those agree: `export`,
// comments, single and double quotes and backquotes, values over several lines
// in quotes, and \n and \r within double quotes only. Where a value is given
// twice the last wins, with a notice.
func ParseDotenv(src []byte, space Whitespace) ([]Variable, []Notice, error) {
	p := &parser{src: bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")), line: 1, space: space}
	for p.at < len(p.src) {
		if err := p.statement(); err != nil {
			Clear(p.variables)
			return nil, nil, err
		}
	}
	if err := p.bounds(); err != nil {
		Clear(p.variables)
		return nil, nil, err
	}
	return p.variables, p.notices, nil
}

// Clear clears every value.
func Clear(variables []Variable) {
	for _, v := range variables {
		v.Value.Clear()
	}
}

type parser struct {
	src       []byte
	at, line  int
	space     Whitespace
	variables []Variable
	notices   []Notice
}

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{p.line, fmt.Sprintf(format, args...)}
}

// rest is the current line from here on, without its end.
func (p *parser) rest() []byte {
	line := p.src[p.at:]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	return bytes.TrimSuffix(line, []byte("\r"))
}

// next goes to the beginning of the next line.
func (p *parser) next() {
	if end := bytes.IndexByte(p.src[p.at:], '\n'); end >= 0 {
		p.at += end + 1
		p.line++
		return
	}
	p.at = len(p.src)
}

// statement reads one line, or the several that a quoted value takes.
func (p *parser) statement() error {
	line := p.rest()
	text := bytes.TrimSpace(line)
	if len(text) == 0 || text[0] == '#' {
		p.next()
		return nil
	}
	equals := bytes.IndexByte(line, '=')
	if equals < 0 {
		return p.fail("there is no = on it: write NAME=value")
	}
	name := strings.TrimSpace(string(line[:equals]))
	if after, exported := strings.CutPrefix(name, "export"); exported && after != strings.TrimLeft(after, " \t") {
		name = strings.TrimLeft(after, " \t")
	}
	if !nameForm.MatchString(name) || len(name) > hotcell.MaxName {
		return p.fail("what stands before the = is no variable's name: letters, digits and underscores, at most %d, and no digit first", hotcell.MaxName)
	}
	began := p.line
	p.at += equals + 1
	value, quoted, err := p.value(name)
	if err != nil {
		return err
	}
	return p.add(name, value, began, quoted)
}

// value reads what stands behind the =.
func (p *parser) value(name string) (value []byte, quoted bool, err error) {
	line := p.rest()
	text := bytes.TrimLeft(line, " \t")
	if len(text) > 0 && bytes.IndexByte([]byte("'\"`"), text[0]) >= 0 {
		start := p.at + len(line) - len(text)
		if end := bytes.IndexByte(p.src[start+1:], text[0]); end >= 0 {
			return p.quoted(start, text[0])
		}
	}
	p.notice(name, text)
	if i := comment(text); i >= 0 {
		text = text[:i]
	}
	value = bytes.Clone(bytes.TrimSpace(text))
	p.next()
	return value, false, nil
}

// comment is where a comment begins in an unquoted value: at a # after white
// space, or first. A # within a word is part of the value.
func comment(text []byte) int {
	for i, c := range text {
		if c == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
			return i
		}
	}
	return -1
}

// quoted reads a value in quotes, which may go over several lines. Within
// double quotes \n and \r are line ends, \" is a quote; all else is as it is.
func (p *parser) quoted(start int, quote byte) ([]byte, bool, error) {
	var value []byte
	i := start + 1
	for ; i < len(p.src) && p.src[i] != quote; i++ {
		c := p.src[i]
		if quote == '"' && c == '\\' && i+1 < len(p.src) {
			if plain, known := escapes[p.src[i+1]]; known {
				value = append(value, plain)
				i++
				continue
			}
		}
		if c == '\r' && i+1 < len(p.src) && p.src[i+1] == '\n' {
			continue // a file of another system: line ends are \n
		}
		if c == '\n' {
			p.line++
		}
		value = append(value, c)
	}
	if i >= len(p.src) {
		sensitive.Wipe(value)
		return nil, false, p.fail("a quoted value has no end")
	}
	p.at = i + 1
	if tail := bytes.TrimSpace(p.rest()); len(tail) > 0 && tail[0] != '#' {
		sensitive.Wipe(value)
		return nil, false, p.fail("something stands behind the closing quote: a quote within a value needs quotes of another kind around it")
	}
	p.next()
	return value, true, nil
}

var escapes = map[byte]byte{'n': '\n', 'r': '\r', '"': '"'}

// notice tells of what other programs would have read otherwise.
func (p *parser) notice(name string, text []byte) {
	if bytes.IndexByte(text, '$') >= 0 {
		p.notices = append(p.notices, Notice{p.line, name, "it contains $: kept as it is, nothing is expanded"})
	}
	if i := bytes.IndexByte(text, '#'); i > 0 && comment(text) < 0 {
		p.notices = append(p.notices, Notice{p.line, name, "it contains #: kept, since no white space stands before it"})
	}
}

func (p *parser) add(name string, value []byte, line int, quoted bool) error {
	trimmed := bytes.TrimSpace(value)
	switch {
	case bytes.IndexByte(value, 0) >= 0:
		return &SyntaxError{line, fmt.Sprintf("the value of %s has a NUL byte, which no environment variable can hold", name)}
	case len(trimmed) == 0 && (p.space != Verbatim || len(value) == 0):
		return &SyntaxError{line, fmt.Sprintf("%s has no value: remove the line", name)}
	case quoted && len(trimmed) != len(value) && p.space == Refuse && !pem(value):
		sensitive.Wipe(value)
		return &SyntaxError{line, fmt.Sprintf("the value of %s begins or ends with white space: say --verbatim to keep it or --trim-space to cut it off", name)}
	case p.space == Trim:
		value = trimmed
	}
	if len(value) > hotcell.MaxValue {
		return &SyntaxError{line, fmt.Sprintf("the value of %s has more than %d bytes", name, hotcell.MaxValue)}
	}
	for i := range p.variables {
		if p.variables[i].Name == name {
			p.notices = append(p.notices, Notice{line, name, fmt.Sprintf("it is given twice: this value wins over that of line %d", p.variables[i].Line)})
			p.variables[i].Value.Clear()
			p.variables[i] = Variable{name, sensitive.New(value), line}
			return nil
		}
	}
	p.variables = append(p.variables, Variable{name, sensitive.New(value), line})
	return nil
}

// pem values end with a line end by their format (RFC 7468).
func pem(value []byte) bool {
	return bytes.HasPrefix(value, []byte("-----BEGIN ")) && bytes.HasSuffix(value, []byte("-----\n"))
}

// bounds holds the whole against what a secret may be.
func (p *parser) bounds() error {
	size := 0
	for _, v := range p.variables {
		size += len(v.Name) + v.Value.Len()
	}
	switch {
	case len(p.variables) == 0:
		return hotcell.Invalid("", "the file has no variables")
	case len(p.variables) > hotcell.MaxVariables:
		return hotcell.Invalid("", "the file has %d variables, and a secret at most %d", len(p.variables), hotcell.MaxVariables)
	case size > hotcell.MaxBundle:
		return hotcell.Invalid("", "the file has more than %d KiB of names and values", hotcell.MaxBundle>>10)
	}
	return nil
}

// WriteDotenv writes variables as ParseDotenv reads them. It fails for a value
// that has all three quotes and cannot do without.
func WriteDotenv(variables []Variable) ([]byte, error) {
	var out bytes.Buffer
	for _, v := range variables {
		if err := v.Value.Use(func(b []byte) error {
			quote, ok := quoteFor(b)
			if !ok {
				return hotcell.Invalid("", "a value with every kind of quote cannot be written to a .env file")
			}
			fmt.Fprintf(&out, "%s=%s%s%s\n", v.Name, quote, b, quote)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func quoteFor(b []byte) (string, bool) {
	for _, quote := range []string{"'", "`"} {
		if !bytes.Contains(b, []byte(quote)) && !bytes.Contains(b, []byte("\r\n")) {
			return quote, true
		}
	}
	if !bytes.ContainsAny(b, "\"\\\r") {
		return `"`, true
	}
	return "", false
}
