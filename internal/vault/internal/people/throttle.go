package people

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// throttle bounds how often somebody may be wrong: by account and by address. Who comes
// from where the account is signed in already is counted apart, so that nobody is kept out
// of an account by others who guess at it.
type throttle struct {
	now func() time.Time

	mu    sync.Mutex
	known map[string]*rate.Limiter
}

// The bounds: wrong answers at once, and after how long there is one more.
var (
	perPlace   = bound{10, 30 * time.Second}
	perAccount = bound{30, time.Minute}
	perAddress = bound{100, time.Second}
)

type bound struct {
	burst int
	each  time.Duration
}

// mostThrottled is how many accounts and addresses are counted at a time.
const mostThrottled = 100_000

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, known: map[string]*rate.Limiter{}}
}

// begin takes a place for a try, which [tried.right] gives back; false where there is none.
// known says that the account is signed in there.
func (t *throttle) begin(account string, at place, known bool) (tried, bool) {
	from := network(at.address)
	var counts []counted
	switch {
	case at.session != "":
		counts = append(counts, counted{"session " + string(at.session), perPlace})
	case known:
		counts = append(counts, counted{"address " + from, perAddress}, counted{"place " + account + " " + from, perPlace})
	default:
		counts = append(counts, counted{"address " + from, perAddress}, counted{"account " + account, perAccount}, counted{"stranger " + account + " " + from, perPlace})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) > mostThrottled {
		t.forget()
	}
	now := t.now()
	var taken tried
	for _, c := range counts {
		l := t.known[c.by]
		if l == nil {
			l = rate.NewLimiter(rate.Every(c.each), c.burst)
			t.known[c.by] = l
		}
		r := l.ReserveN(now, 1)
		if r.DelayFrom(now) > 0 {
			r.CancelAt(now)
			taken.giveBack(now)
			return tried{}, false
		}
		taken.from = append(taken.from, l)
	}
	return taken, true
}

// network is what an address is counted as: of IPv6 the /64, which one machine has whole.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	if net, err := ip.Prefix(64); err == nil {
		return net.String()
	}
	return address
}

type counted struct {
	by string
	bound
}

// forget drops those who have all their tries again, with the lock held; where that is
// nobody, all: a flood from everywhere makes room for itself, and is bounded by what a try
// costs.
func (t *throttle) forget() {
	now := t.now()
	for by, l := range t.known {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(t.known, by)
		}
	}
	if len(t.known) > mostThrottled {
		clear(t.known)
	}
}

// tried is what one try took.
type tried struct{ from []*rate.Limiter }

// right gives it back: the answer was right.
func (t *throttle) right(taken tried) {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken.giveBack(t.now())
}

func (t tried) giveBack(now time.Time) {
	for _, l := range t.from {
		l.AllowN(now, -1)
	}
}
