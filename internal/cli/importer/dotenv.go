package importer

import (
	"bytes"
	"fmt"
	"regexp"
	"unicode"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// maxDotenv bounds the file in bytes: a bundle's limit, and room for comments.
const maxDotenv = 4 * hotcell.MaxBundle

var (
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	export   = regexp.MustCompile(`^export[ \t]+`)
)

// What is said of a variable that other programs read otherwise.
const (
	noticeDollar    = "it contains $: kept literally, nothing is expanded"
	noticeHash      = "it contains # with no space before it: kept, where some programs begin a comment"
	noticeReturn    = `\r was read as a carriage return, as npm's dotenv does`
	noticeQuote     = `\" was read as ", where npm's dotenv keeps the backslash`
	noticeBackslash = `a backslash was kept: within double quotes only \n, \r and \" mean something`
	noticeOpen      = "it begins with a quote that has no end: the quote was kept as part of the value"
)

const sayAmbiguous = "common programs disagree on where this quoted value ends: put it in quotes of a kind that it does not contain"

// ParseDotenv reads a .env file literally: nothing is expanded, ever. Where
// npm's dotenv and Node's util.parseEnv agree it reads the same, but for what
// would lose a part of a secret; testdata/dotenv/README.md has the table of
// what is refused or kept instead. A name that is given twice has its last
// value, with a notice.
//
// White space at the ends of an unquoted value is no part of it; any other,
// within quotes or of another kind than space and tab, is refused unless opt
// says what to do with it.
//
// Errors are a [SyntaxError], or a [hotcell.FieldError] for the file as a
// whole; either is a [hotcell.ErrInvalid].
func ParseDotenv(src []byte, opt Whitespace) ([]Variable, []Notice, error) {
	if len(src) > maxDotenv {
		return nil, nil, hotcell.Invalid("", "a .env file has at most %d KiB", maxDotenv>>10)
	}
	text, err := lines(src)
	defer sensitive.Wipe(text)
	if err != nil {
		return nil, nil, err
	}
	p := &parser{src: text, line: 1, space: opt, index: map[string]int{}}
	for err == nil && p.at < len(p.src) {
		err = p.statement()
	}
	if err == nil {
		err = p.bounds()
	}
	if err != nil {
		Clear(p.variables)
		return nil, nil, err
	}
	return p.variables, p.notices, nil
}

// lines copies src without its byte order mark, and with \n for \r\n. A
// carriage return anywhere else is a line end to some programs and nothing to
// others, so that it is refused.
func lines(src []byte) ([]byte, error) {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	text := make([]byte, 0, len(src))
	line := 1
	for i, c := range src {
		if c == '\r' && i+1 < len(src) && src[i+1] != '\n' {
			return text, &SyntaxError{line, `there is a carriage return that is no line end: write it as \r within double quotes`}
		}
		if c == '\n' {
			line++
		}
		if c != '\r' {
			text = append(text, c)
		}
	}
	return text, nil
}

type parser struct {
	src       []byte
	at, line  int
	space     Whitespace
	variables []Variable
	index     map[string]int // where in variables a name is
	notices   []Notice
	// wary is true where a line before was faulty, lost where a quote has no end that
	// all agree on.
	wary, lost bool
}

// restOf is what stands from offset to the end of its line.
func (p *parser) restOf(offset int) []byte {
	line, _, _ := bytes.Cut(p.src[offset:], []byte("\n"))
	return line
}

// endLine goes to the line after the one that offset is on.
func (p *parser) endLine(offset int) {
	end := min(offset+len(p.restOf(offset))+1, len(p.src))
	p.line += bytes.Count(p.src[p.at:end], []byte("\n"))
	p.at = end
}

// statement reads one line, or the several that a quoted value takes.
func (p *parser) statement() error {
	line := p.restOf(p.at)
	if text := bytes.TrimSpace(line); len(text) == 0 || text[0] == '#' {
		p.endLine(p.at)
		return nil
	}
	began := p.line
	equals := bytes.IndexByte(line, '=')
	if equals < 0 {
		return &SyntaxError{began, "there is no = on it: write NAME=value, and put a value of several lines in quotes"}
	}
	name := bytes.Trim(line[:equals], " \t")
	name = name[len(export.Find(name)):]
	if len(name) > hotcell.MaxName || !nameForm.Match(name) {
		return &SyntaxError{began, fmt.Sprintf("what stands before the = is no variable's name: letters, digits and underscores, at most %d, and no digit first", hotcell.MaxName)}
	}
	if p.wary && endsLikeBase64(line[equals+1:]) {
		return &SyntaxError{began, errBase64.Error()}
	}
	v, err := p.value(p.at + equals + 1)
	if err != nil {
		return &SyntaxError{began, err.Error()}
	}
	err = p.add(Variable{string(name), sensitive.New(v.bytes), began}, v.notices)
	if err != nil {
		sensitive.Wipe(v.bytes)
		return &SyntaxError{began, err.Error()}
	}
	p.endLine(v.end)
	return nil
}

// add appends a variable, or puts it in the place of an earlier one.
func (p *parser) add(v Variable, notices []string) error {
	for _, text := range notices {
		p.notices = append(p.notices, Notice{v.Line, v.Name, text})
	}
	if i, twice := p.index[v.Name]; twice {
		old := p.variables[i]
		p.notices = append(p.notices, Notice{v.Line, v.Name, fmt.Sprintf("it is given twice: this value wins over that of line %d", old.Line)})
		old.Value.Clear()
		p.variables[i] = v
		return nil
	}
	if len(p.variables) == hotcell.MaxVariables {
		return fmt.Errorf("a secret has at most %d variables, and this is one more", hotcell.MaxVariables)
	}
	p.index[v.Name] = len(p.variables)
	p.variables = append(p.variables, v)
	return nil
}

// bounds holds the whole against what a secret may be.
func (p *parser) bounds() error {
	size := 0
	for _, v := range p.variables {
		size += len(v.Name) + v.Value.Len()
		if size > hotcell.MaxBundle {
			return &SyntaxError{v.Line, fmt.Sprintf("up to here the names and values have more than %d KiB: divide the file", hotcell.MaxBundle>>10)}
		}
	}
	if size == 0 {
		return hotcell.Invalid("", "the file has no variables")
	}
	return nil
}

// outer is white space of any kind, the byte order mark among it.
func outer(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }
