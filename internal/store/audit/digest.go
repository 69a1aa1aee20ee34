package audit

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"hotcell"
)

// The budget of events that one job may cause one by one: so many at once, and as
// many a second after that. Beyond it, what is alike is counted.
const (
	digestBurst = 256
	digestRate  = 1.0
	// digestKeys is how many likenesses are told apart in one period.
	digestKeys = 64
	// DigestPeriod is how long what was counted waits to be written.
	DigestPeriod = time.Minute
)

// Digest keeps one job from filling the log. Within its budget every event is
// written as it is. Beyond it, events that are alike (kind, decision, host,
// credential, reason) are counted, and written as one that says how many there
// were: one a minute at the most, and the last at the job's end. What is counted
// is not what gives access: uses of credentials never go through a Digest. The
// zero Digest is ready to use; its methods may be called at once from anywhere.
type Digest struct {
	// Burst is how many are written one by one at once, Rate how many a second
	// after that; 0 is the default. They are set before the first use.
	Burst, Rate float64

	mu    sync.Mutex
	spent float64
	at    time.Time
	alike map[likeness]*counted
	// since is when the oldest of alike came.
	since time.Time
}

type likeness struct {
	kind       string
	decision   hotcell.Decision
	host       string
	credential hotcell.CredentialID
	reason     string
}

type counted struct {
	event hotcell.Event
	more  int
}

// others stands for hosts beyond those that are told apart.
const others = "(other hosts)"

// Add says whether the event is to be written as it is; else it was counted with
// those whose reason is alike: what the caller says of it, without what each has for
// itself. First says whether it is the only one that waits: somebody has to look at Due in
// a [DigestPeriod].
func (d *Digest) Add(e hotcell.Event, alike string, now time.Time) (single, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if passed := now.Sub(d.at).Seconds(); passed > 0 && !d.at.IsZero() {
		d.spent = max(0, d.spent-passed*cmp.Or(d.Rate, digestRate))
	}
	d.at = now
	if d.spent+1 <= cmp.Or(d.Burst, digestBurst) {
		d.spent++
		return true, false
	}
	first = len(d.alike) == 0
	if first {
		d.alike, d.since = map[likeness]*counted{}, now
	}
	key := likeness{e.Kind, e.Decision, e.Host, e.Credential, alike}
	found := d.alike[key]
	if found == nil && len(d.alike) >= digestKeys {
		key.host, key.reason, e.Host, e.Reason, e.Name = others, "", others, "", ""
		found = d.alike[key]
	}
	if found == nil {
		d.alike[key] = &counted{event: e, more: 1}
		return false, first
	}
	found.more++
	found.event.Size += e.Size
	found.event.Duration += e.Duration
	found.event.At, found.event.Reason = e.At, alike
	return false, first
}

// Due takes out what has waited for a period, or all at the end; one event for
// each likeness, with the count in its reason.
func (d *Digest) Due(now time.Time, end bool) (out []hotcell.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.alike) == 0 || !end && now.Sub(d.since) < DigestPeriod {
		return nil
	}
	for _, c := range d.alike {
		out = append(out, c.whole())
	}
	d.alike = nil
	return out
}

// KindMore tells of connections that were made beside those of which the log tells
// one by one.
const KindMore = "network.more"

// whole is the one event that stands for all.
func (c *counted) whole() hotcell.Event {
	e := c.event
	if e.Kind == "network.connect" {
		e.Kind = KindMore
	}
	if len(e.Reason) > MaxText/2 {
		e.Reason = ""
	}
	if e.Reason != "" {
		e.Reason += "; "
	}
	e.Reason += Thousands(c.more) + " more like it"
	return e
}

// Thousands writes a number as people read it: 1,312.
func Thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", Thousands(n/1000), n%1000)
}
