// Package parser reads what strangers wrote in a process that holds nothing: no key,
// no file, no network. A document that overflows a stack or eats memory, which nobody
// can catch in Go, ends that process and its own request; one that finds a fault in a
// library finds nothing beside it.
//
// There are three sides. The process that holds keys asks ([Remote]); a part of the
// server ([Host]) has a process for each line of questions, and one more that waits for
// the next, so that nobody waits for a start; that ([Main]) confines itself before it has
// a line, answers and ends with it. On one line there are questions about one answer of
// one stranger's: no process reads for two. What comes back is as little to be trusted as
// what went in: whoever asks reads it within bounds of its own. One way to use it:
//
//	p := parser.NewRemote(dialer)
//	plain, err := p.Parse(ctx, "openapi", document)
package parser

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"hotcell"
	"hotcell/internal/line/border"
)

// Kinds are the parsers, by the name of what they read. Each makes of a text another.
// An error is shown to people where it is a [*hotcell.FieldError].
type Kinds map[string]func([]byte) ([]byte, error)

// The bounds of a question and an answer, in bytes.
const (
	maxIn  = 32 << 20
	maxOut = 16 << 20
)

// question and answer are lines of JSON; Size bytes follow each.
type question struct {
	Kind string `json:"kind"`
	Size int    `json:"size"`
}

type answer struct {
	Size int `json:"size"`
	// Error is why there is no answer: what a person can do something about, with its
	// place, or "" and Fault for what they can't.
	Pointer string `json:"pointer,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Fault   bool   `json:"fault,omitempty"`
}

// maxLine bounds the line of JSON before a text.
const maxLine = 8 << 10

// send writes a line and a text.
func send(to io.Writer, head any, text []byte) error {
	line, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if len(line) >= maxLine {
		return errors.New("the head of a message is too large")
	}
	if _, err := to.Write(append(line, '\n')); err != nil {
		return err
	}
	_, err = to.Write(text)
	return err
}

// receive reads a line, and a text of as many bytes as size says after it was read.
func receive(from *bufio.Reader, head any, size *int, most int) ([]byte, error) {
	line, err := from.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("reading the head of a message: %w", err)
	}
	if err := json.Unmarshal(line, head); err != nil {
		return nil, errors.New("the head of a message is not understood")
	}
	if *size < 0 || *size > most {
		return nil, errors.New("a message is too large")
	}
	text := make([]byte, *size)
	if _, err := io.ReadFull(from, text); err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	return text, nil
}

// answer answers the questions that come over a line, one after the other, until it ends.
func (k Kinds) answer(line io.ReadWriter) error {
	from := bufio.NewReaderSize(line, maxLine)
	for {
		if _, err := from.Peek(1); errors.Is(err, io.EOF) {
			return nil
		}
		if err := k.once(from, line); err != nil {
			return err
		}
	}
}

// once answers one question.
func (k Kinds) once(from *bufio.Reader, to io.Writer) error {
	var q question
	text, err := receive(from, &q, &q.Size, maxIn)
	if err != nil {
		return err
	}
	parse := k[q.Kind]
	if parse == nil {
		return send(to, answer{Fault: true}, nil)
	}
	var out []byte
	err = border.Run("reading a stranger's text", func() (err error) {
		out, err = parse(text)
		return err
	})
	if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
		return send(to, answer{Pointer: field.Pointer, Reason: field.Reason[:min(len(field.Reason), maxLine/8)]}, nil)
	}
	if err != nil || len(out) > maxOut {
		return send(to, answer{Fault: true}, nil)
	}
	return send(to, answer{Size: len(out)}, out)
}
