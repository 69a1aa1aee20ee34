// Package terminal takes out of a program's output what would steer the terminal that
// shows it: titles, the clipboard, the cursor, questions that the terminal answers as
// if somebody typed. Text, line ends, tabs and colours stay.
//
// It does not judge what the text says. One way to use it:
//
//	shown := terminal.New(os.Stdout)
//	_, err := io.Copy(shown, log)
//	err = shown.Close()
package terminal

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Writer passes on what may be shown. What it writes does not depend on how a stream
// is split. It is for one stream: a sequence that begins on one and ends on another
// is a sequence to a terminal that shows both, so each needs its own.
type Writer struct {
	to    io.Writer
	state state
	// held is the beginning of a sequence or of a character that may yet be shown.
	held     []byte
	out      []byte
	coloured bool
}

type state int

// The states are those of ECMA-48: text, after an escape, within a control sequence,
// within one that is not shown, within a string, and within a string after an escape.
const (
	text state = iota
	escape
	sequence
	dropped
	str
	strEscape
)

// maxSequence is how long a colour may be, in bytes. Real ones have some twenty.
const maxSequence = 64

// New begins a stream.
func New(to io.Writer) *Writer { return &Writer{to: to} }

// Write implements [io.Writer].
func (w *Writer) Write(b []byte) (int, error) {
	w.out = w.out[:0]
	for _, c := range b {
		w.take(c)
	}
	if len(w.out) > 0 {
		if _, err := w.to.Write(w.out); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// Close drops what was left unfinished, and puts the colours back. It does not close
// what it writes to.
func (w *Writer) Close() error {
	w.state, w.held = text, w.held[:0]
	if !w.coloured {
		return nil
	}
	w.coloured = false
	_, err := io.WriteString(w.to, "\x1b[0m")
	return err
}

const (
	esc = 0x1b
	bel = 0x07
	can = 0x18
	sub = 0x1a
)

func (w *Writer) take(c byte) {
	switch {
	case w.state != text && (c == can || c == sub): // they end whatever it is
		w.state, w.held = text, w.held[:0]
		return
	case w.state != text && w.state != str && c == esc:
		w.state, w.held = escape, append(w.held[:0], c)
		return
	}
	switch w.state {
	case text:
		w.character(c)
	case escape:
		w.begin(c)
	case sequence, dropped:
		w.parameter(c)
	case str:
		if c == bel {
			w.state = text
		} else if c == esc {
			w.state = strEscape
		}
	case strEscape:
		w.begin(c)
	}
}

// begin takes what follows an escape.
func (w *Writer) begin(c byte) {
	switch {
	case c == '[':
		w.state, w.held = sequence, append(w.held[:0], esc, c)
	case c == ']', c == 'P', c == 'X', c == '^', c == '_', c == 'k': // the last is a title to screen and tmux
		w.state, w.held = str, w.held[:0]
	case c >= 0x20 && c <= 0x2f: // more is to come
		w.held = w.held[:0]
	default:
		w.state, w.held = text, w.held[:0]
	}
}

// parameter takes a byte of a control sequence, which its final byte ends. Only
// colours (SGR) are shown.
func (w *Writer) parameter(c byte) {
	switch {
	case c >= '0' && c <= '9', c == ';', c == ':':
		if w.held = append(w.held, c); len(w.held) > maxSequence {
			w.state = dropped
		}
	case c >= 0x40 && c <= 0x7e:
		if c == 'm' && w.state == sequence {
			w.out, w.coloured = append(append(w.out, w.held...), c), true
		}
		w.state, w.held = text, w.held[:0]
	case c >= 0x80: // no byte of a sequence: the terminal starts anew
		w.state, w.held = text, w.held[:0]
		w.character(c)
	default:
		w.state = dropped
		w.held = w.held[:0]
	}
}

// character takes a byte of text: whole characters are shown, others become U+FFFD.
func (w *Writer) character(c byte) {
	if len(w.held) > 0 && c&0xc0 != 0x80 {
		w.held = w.held[:0]
		w.out = utf8.AppendRune(w.out, utf8.RuneError)
	}
	switch {
	case len(w.held) == 0 && c == esc:
		w.state, w.held = escape, append(w.held, c)
	case len(w.held) == 0 && c < utf8.RuneSelf:
		if c >= ' ' && c != 0x7f || strings.IndexByte("\n\r\t", c) >= 0 {
			w.out = append(w.out, c)
		}
	default:
		w.multibyte(c)
	}
}

func (w *Writer) multibyte(c byte) {
	w.held = append(w.held, c)
	if !utf8.FullRune(w.held) {
		return
	}
	r, _ := utf8.DecodeRune(w.held)
	w.held = w.held[:0]
	// The second half of the control characters (ECMA-48 8.3) begins sequences too, and
	// what turns the direction of text shows another text than there is.
	if r >= 0x80 && r < 0xa0 || r == 0x61c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
		return
	}
	w.out = utf8.AppendRune(w.out, r)
}
