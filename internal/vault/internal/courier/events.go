package courier

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

	"hotcell/internal/line/border"
	"hotcell/internal/wire/measure"
)

// bounds are what one message of an MCP server may be. Results and lists of tools are
// a few levels deep, schemas deeper; the library that reads them ends a session without
// a reason at a thousand, and has no bound of how much there is.
var bounds = measure.Limits{Depth: 900, Weight: 128 << 20}

// errUnread is a message that is not JSON-RPC.
var errUnread = errors.New("it is no message of the protocol")

// message reads a message of a stranger's and writes it out anew: within bounds, with
// each name once, and in no way that a reader could stumble over. The library reads in
// goroutines of its own, where a fault of it would end the process, so what it does
// first with a message is tried here.
func message(text []byte) (out []byte, err error) {
	if err := measure.JSON(text, bounds); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errUnread
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errUnread
	}
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, errUnread
	}
	out = bytes.TrimSuffix(plain.Bytes(), []byte("\n"))
	err = border.Run("a message of an MCP server", func() error { _, err := jsonrpc.DecodeMessage(out); return err })
	if fault, ok := errors.AsType[*border.Fault](err); ok {
		return nil, fault
	}
	if err != nil {
		return nil, errUnread
	}
	return out, nil
}

// events reads a stream of events (HTML, section 9.2.6) and gives it out event by event,
// each with a message that was read and written out anew. So there is one opinion of
// where a message begins and ends.
type events struct {
	from *bufio.Reader
	// weigh is asked before a message is read.
	weigh func(text []byte) error
	// unread is told of a message that is not read.
	unread func(error)
	out    bytes.Buffer
	err    error
}

func newEvents(from io.Reader, weigh func([]byte) error, unread func(error)) *events {
	return &events{from: bufio.NewReader(from), weigh: weigh, unread: unread}
}

// Read implements [io.Reader].
func (e *events) Read(p []byte) (int, error) {
	for e.out.Len() == 0 {
		if e.err != nil {
			return 0, e.err
		}
		e.out.Reset()
		e.err = e.next()
	}
	return e.out.Read(p)
}

// field is what counts of an event beside its data.
type field struct{ name, id, retry string }

// next reads one event. What is no whole event at the end of a stream counts as one, as
// the library has it.
func (e *events) next() error {
	var (
		of    field
		data  []byte
		there bool
	)
	for {
		line, err := e.from.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if more, is := of.take(line); is {
			if there {
				data = append(data, '\n')
			}
			data, there = append(data, more...), true
		}
		if len(line) > 0 && err == nil {
			continue
		}
		if failed := e.give(of, data); failed != nil {
			e.unread(failed)
			return failed
		}
		return err
	}
}

// take takes a line for what it is: a part of the data, which it returns, or a field of
// the event, or nothing that counts.
func (f *field) take(line []byte) (data []byte, is bool) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		return value, true
	case "event":
		f.name = string(bytes.TrimSpace(value))
	case "id":
		f.id = oneLine(value)
	case "retry":
		f.retry = oneLine(value)
	}
	return nil, false
}

// oneLine is a value that ends no line and no event in whoever's opinion.
func oneLine(value []byte) string {
	return string(bytes.TrimSpace(bytes.ReplaceAll(value, []byte("\r"), nil)))
}

// give writes an event out. Of one that is no message, its data is nobody's matter.
func (e *events) give(of field, data []byte) error {
	for _, one := range [][2]string{{"id", of.id}, {"retry", of.retry}} {
		if one[1] != "" {
			e.out.WriteString(one[0] + ": " + one[1] + "\n")
		}
	}
	if len(bytes.TrimSpace(data)) > 0 && (of.name == "" || of.name == "message") {
		err := e.weigh(data)
		if err == nil {
			data, err = message(data)
		}
		if err != nil {
			e.out.Reset()
			return err
		}
		e.out.WriteString("data: ")
		e.out.Write(data)
		e.out.WriteByte('\n')
	}
	if e.out.Len() > 0 {
		e.out.WriteByte('\n')
	}
	return nil
}
