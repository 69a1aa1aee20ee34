package cli

import (
	"encoding/json"
	"io"
	"os"

	"golang.org/x/term"

	"hotcell"
	"hotcell/internal/text/terminal"
)

const rawFlag = "leave what steers a terminal in what is printed"

// screen is where a job's log is shown.
type screen struct {
	app *app
	// out and err are where the job's two streams go: to a terminal, without what
	// would steer it.
	out, err io.Writer
}

// screen shows a log. Raw shows it as it is on a terminal too.
func (a *app) screen(raw bool) *screen {
	s := &screen{a, a.Out, a.Err}
	if !raw {
		s.out, s.err = shown(a.Out), shown(a.Err)
	}
	return s
}

// shown filters what goes to a terminal; files and pipes get all.
func shown(to io.Writer) io.Writer {
	if f, isFile := to.(*os.File); isFile && term.IsTerminal(int(f.Fd())) {
		return terminal.New(to)
	}
	return to
}

// print prints a piece of a log.
func (s *screen) print(chunk hotcell.LogChunk) error {
	to := s.err
	if chunk.Stream == "stdout" {
		to = s.out
	}
	_, err := to.Write(chunk.Data)
	return err
}

// chunk prints a piece of a log: for programs, as a line of JSON.
func (s *screen) chunk(chunk hotcell.LogChunk) error {
	if s.app.output == "json" {
		return json.NewEncoder(s.app.Out).Encode(chunk)
	}
	return s.print(chunk)
}

// close puts a terminal's colours back.
func (s *screen) close() {
	for _, w := range []io.Writer{s.out, s.err} {
		if filtered, isTerminal := w.(*terminal.Writer); isTerminal {
			_ = filtered.Close()
		}
	}
}
