package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"hotcell"
)

// Export writes events as JSON lines: one object a line, in the order given.
// What it wrote, [Read] and a [Verifier] can check with nothing else at hand.
func Export(w io.Writer, events iter.Seq2[hotcell.Event, error]) error {
	buffered := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffered)
	for e, err := range events {
		if err != nil {
			return fmt.Errorf("reading events: %w", err)
		}
		if err := encoder.Encode(e); err != nil {
			return fmt.Errorf("writing event %d: %w", e.Sequence, err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("writing events: %w", err)
	}
	return nil
}

// maxLine is more than the longest event takes, each byte escaped.
const maxLine = 12 * MaxText * 6

// Read reads what [Export] wrote. It refuses a line that Export would not have
// written, to the byte, so that nothing can ride along unseen by the hash.
func Read(r io.Reader) iter.Seq2[hotcell.Event, error] {
	return func(yield func(hotcell.Event, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		lines.Split(split)
		number := 0
		for lines.Scan() {
			number++
			e, err := parse(lines.Bytes())
			if err != nil {
				yield(e, fmt.Errorf("reading line %d: %w", number, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(hotcell.Event{}, fmt.Errorf("reading line %d: %w", number+1, err))
		}
	}
}

// split cuts at newlines and, unlike [bufio.ScanLines], leaves a carriage
// return in the line, where it does not belong.
func split(data []byte, end bool) (advance int, line []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if end && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

var errLine = errors.New("not an event as it was exported")

func parse(line []byte) (hotcell.Event, error) {
	var e hotcell.Event
	if json.Unmarshal(line, &e) != nil {
		return hotcell.Event{}, errLine
	}
	again, err := json.Marshal(e)
	if err != nil || !bytes.Equal(again, line) {
		return hotcell.Event{}, errLine
	}
	return e, nil
}
