package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progressEvery is how often a line of progress is written anew; what is over before it
// would be for the first time has none.
const progressEvery = 300 * time.Millisecond

// progress tells on a terminal how much of something has come or gone.
type progress struct {
	// to is nil where nobody is told.
	to    io.Writer
	verb  string
	now   func() time.Time
	told  time.Time
	shown bool
	done  int64
	// total is how much there is, about; 0 where that is not known.
	total int64
}

// progress tells of so many bytes, where standard error is a terminal.
func (a *app) progress(verb string, total int64) *progress {
	p := &progress{verb: verb, total: total, now: time.Now, told: time.Now()}
	if f, is := a.Err.(*os.File); is && term.IsTerminal(int(f.Fd())) && !a.quiet && a.output != "json" {
		p.to = f
	}
	return p
}

// Write counts what was moved; it never fails.
func (p *progress) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	if now := p.now(); p.to != nil && now.Sub(p.told) >= progressEvery {
		p.told, p.shown = now, true
		fmt.Fprintf(p.to, "\r\x1b[K%s %s", p.verb, p.amount())
	}
	return len(b), nil
}

func (p *progress) amount() string {
	const mebi = 1 << 20
	if p.total > 0 {
		return fmt.Sprintf("%.1f of about %.1f MiB", float64(p.done)/mebi, float64(max(p.total, p.done))/mebi)
	}
	return fmt.Sprintf("%.1f MiB", float64(p.done)/mebi)
}

// end takes the line away.
func (p *progress) end() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}
