package scrub

import (
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"sync"

	"hotcell"
)

// Asked is one request, or one conversation, and what its answer was redacted of.
type Asked struct {
	guesses *Guesses
	job     hotcell.JobID

	mu    sync.Mutex
	sum   maphash.Hash
	found int
}

// Ask takes note of a job's request; of its body as it is read.
func (g *Guesses) Ask(job hotcell.JobID, r *http.Request) *Asked {
	a := g.Begin(job, r.Method+" "+r.URL.String())
	// Headers are in no order: each is hashed by itself, and they are added up.
	total := uint64(0)
	for name, values := range r.Header {
		for _, v := range values {
			total += maphash.String(a.sum.Seed(), name+"\x00"+v)
		}
	}
	for range 8 {
		_ = a.sum.WriteByte(byte(total)) // never fails
		total >>= 8
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &heard{r.Body, a}
	}
	return a
}

// Begin takes note of what a job asks, as a text.
func (g *Guesses) Begin(job hotcell.JobID, text string) *Asked {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.seed == (maphash.Seed{}) {
		g.seed = maphash.MakeSeed()
	}
	a := &Asked{guesses: g, job: job}
	a.sum.SetSeed(g.seed)
	_, _ = a.sum.WriteString(text) // never fails
	return a
}

// Also takes note of more that the job says.
func (a *Asked) Also(text []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, _ = a.sum.Write(text) // never fails
}

// Told counts what is redacted of the answer: it is a [guard.Told].
func (a *Asked) Told(part uint64) {
	a.mu.Lock()
	a.found++
	a.mu.Unlock()
	if part != 0 {
		a.guesses.Showed(a.job, part)
	}
}

// Answered notes how the answer was, up to now. It returns what the log is told of
// it, which is empty for most.
func (a *Asked) Answered() string {
	a.mu.Lock()
	found, sum := a.found, a.sum.Sum64()
	a.found = 0
	a.mu.Unlock()
	if found == 0 {
		return ""
	}
	n := a.guesses.Redacted(a.job, sum)
	if a.guesses.over(a.job) {
		return "it showed one part more of a credential: the job may be guessing, and uses its credentials no more"
	}
	if n > 0 {
		return fmt.Sprintf("%d answers of this job were redacted, to requests that differ: it may be guessing, and is slowed", n)
	}
	return ""
}

// heard is a body that is hashed as it is read.
type heard struct {
	io.ReadCloser
	asked *Asked
}

// Read implements [io.Reader].
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.asked.Also(p[:n])
	return n, err
}
