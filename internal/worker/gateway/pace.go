package gateway

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/time/rate"
)

// pace holds what a job's traffic costs the server to a share of the machine's
// processors while other jobs run: a job that floods waits, and they find the
// processors free. Alone it may have all that there is. It counts estimates, since
// nobody can tell which job a process spent its time for.
type pace struct {
	limiter *rate.Limiter // in microseconds of one processor
	alone   func() bool
}

// share is the part of the machine's processors that one job's traffic may cost
// beside others: as many parts as jobs run at once by default.
const share = 8

// What things cost the server's processes together, measured where nothing else ran.
const (
	// A handshake with the cell, one with the host, and what both leave to collect.
	costConnection = 4 * time.Millisecond
	costRequest    = 300 * time.Microsecond
	costMessage    = 3 * time.Millisecond // to the tools: it is authorised and recorded
	costRefusal    = time.Millisecond
	// Each KiB of a head is read, looked through and sent on.
	costHeadKiB = 30 * time.Microsecond
	// Each KiB of a log passes three processes.
	costLogKiB = 60 * time.Microsecond
	// Each KiB that is unpacked, or looked at once more.
	costUnpackedKiB = 3 * time.Microsecond
)

// newPace is the pace of a job; alone says whether no other job runs now.
func newPace(alone func() bool) *pace {
	each := float64(runtime.GOMAXPROCS(0)) / share * float64(time.Second.Microseconds())
	if alone == nil {
		alone = func() bool { return true }
	}
	return &pace{limiter: rate.NewLimiter(rate.Limit(each), int(each)), alone: alone}
}

// take waits until the job may cost that much more. It fails only when ctx ends.
func (p *pace) take(ctx context.Context, cost time.Duration) error {
	n := min(int(cost.Microseconds()), p.limiter.Burst())
	if p.limiter.AllowN(time.Now(), n) || p.alone() {
		return nil
	}
	return p.limiter.WaitN(ctx, n)
}

// perKiB is what so many bytes cost.
func perKiB(cost time.Duration, bytes int64) time.Duration {
	return cost * time.Duration(bytes) / 1024
}

// headCost is what a request costs by its line and headers.
func headCost(r *http.Request) time.Duration {
	size := int64(len(r.RequestURI))
	for name, values := range r.Header {
		for _, v := range values {
			size += int64(len(name) + len(v))
		}
	}
	return costRequest + perKiB(costHeadKiB, size)
}

// paced has whoever asks wait until the job may cost that much more. It returns false
// where they left meanwhile.
func (g *Gateway) paced(r *http.Request, cost time.Duration) bool {
	return g.pace.take(r.Context(), cost) == nil
}
