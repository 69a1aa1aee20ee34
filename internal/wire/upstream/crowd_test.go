package upstream_test

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"hotcell/internal/wire/upstream"
)

// door is a dialer that counts how many are in it at once, and keeps the first ones
// there until told.
type door struct {
	*direct
	within, most atomic.Int64
	open         chan struct{}
}

func (d *door) Dial(ctx context.Context, host string, port int) (net.Conn, error) {
	n := d.within.Add(1)
	defer d.within.Add(-1)
	for most := d.most.Load(); n > most && !d.most.CompareAndSwap(most, n); most = d.most.Load() {
	}
	select {
	case <-d.open:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return d.direct.Dial(ctx, host, port)
}

// Of many requests at once few make connections; the others have those that come back,
// and who gives up while it waits leaves its turn to another one.
func TestACrowdSharesWhatComesBack(t *testing.T) {
	t.Parallel()
	const crowd = 300
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			s, _ := counting(t, protocol == "HTTP/2.0")
			d := &door{direct: s.direct, open: make(chan struct{})}
			pool := upstream.New(upstream.Config{Dialer: d, Roots: s.pool.Roots})
			t.Cleanup(pool.Close)
			s.pool = pool
			h := upstream.Holder{Job: "job_1", Of: "att_1"}
			var all sync.WaitGroup
			var done atomic.Int64
			for n := range crowd {
				all.Go(func() {
					r := get(t, http.MethodGet, "")
					r.Body = nil
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if n%3 == 0 {
						go func() {
							for range rand.IntN(crowd) { // some wait by then, and some do not
								d.within.Load()
							}
							cancel()
						}()
					}
					if text, err := s.ask(t, h, r.WithContext(ctx)); text == protocol && err == nil {
						done.Add(1)
					} else if n%3 != 0 {
						t.Errorf("request %d: %q, %v", n, text, err)
					}
				})
			}
			close(d.open)
			all.Wait()
			if most := d.most.Load(); most > 16 {
				t.Errorf("%d connections were made at once", most)
			}
			if done.Load() < crowd*2/3 {
				t.Errorf("%d requests were done", done.Load())
			}
			last := get(t, http.MethodGet, "")
			last.Body = nil
			if text, err := s.ask(t, h, last); text != protocol || err != nil {
				t.Errorf("after it: %q, %v", text, err)
			}
		})
	}
}
