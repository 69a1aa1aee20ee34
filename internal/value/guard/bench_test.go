package guard_test

import (
	"bytes"
	"encoding/base32"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/value/guard"
)

// benign is text as logs have it.
func benign(size int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	var out bytes.Buffer
	for out.Len() < size {
		fmt.Fprintf(&out, "2026-11-%02dT10:%02d:%02dZ level=info msg=\"GET /v1/items/%x\" status=%d took=%dms id=%s\n",
			r.IntN(28)+1, r.IntN(60), r.IntN(60), r.Uint64(), 200+r.IntN(300), r.IntN(900), base32.StdEncoding.EncodeToString([]byte(fmt.Sprint(r.Uint64()))))
	}
	return out.Bytes()[:size]
}

// pages is text as it comes over the network: JSON, HTML and logs in turns.
func pages(size int) []byte {
	r := rand.New(rand.NewPCG(7, 8))
	logs := benign(1 << 20)
	var out bytes.Buffer
	for out.Len() < size {
		switch r.IntN(3) {
		case 0:
			fmt.Fprintf(&out, `{"id":"%d","type":"message","content":[{"type":"text","text":"The quick brown fox \\"jumps\\" over\\n%d lazy dogs, and says so at length: nothing happened."}],"usage":{"in":%d}},`, r.Uint64(), r.IntN(99), r.IntN(9999))
		case 1:
			fmt.Fprintf(&out, "<div class=\"row\" id=\"r%d\"><a href=\"/items/%d?a=1&amp;b=%%20c\">Item &quot;%d&quot;</a>\n  <span>%d &euro;</span></div>\n", r.IntN(999), r.IntN(99999), r.IntN(999), r.IntN(999))
		default:
			at := r.IntN(len(logs) - 2000)
			out.Write(logs[at : at+2000])
		}
	}
	return out.Bytes()[:size]
}

func many(b *testing.B, n int) *guard.Patterns {
	b.Helper()
	return build(b, secrets(n)...)
}

func secrets(n int) (out []string) {
	r := rand.New(rand.NewPCG(5, 6))
	for range n {
		out = append(out, fmt.Sprintf("sk_live_%012x%016x", r.Uint64()&0xffffffffffff, r.Uint64()))
	}
	return out
}

// measure pours a text again and again, and reports megabytes per second of processor's
// time as well: on a machine that is busy, the other figure is about the machine.
func measure(b *testing.B, p *guard.Patterns, text []byte) {
	b.SetBytes(int64(len(text)))
	began, n := processor(b), 0
	for b.Loop() {
		pour(p, text)
		n++
	}
	b.ReportMetric(float64(n*len(text))/1e6/(processor(b)-began).Seconds(), "MB/cpu-s")
}

// processor is how much time of processors this process has had.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func pour(p *guard.Patterns, text []byte) {
	w := p.Writer(discard{}, nil)
	for chunk := range slices.Chunk(text, 32<<10) {
		_, _ = w.Write(chunk)
	}
	_ = w.Close()
}

// BenchmarkWriter is one core with all forms of 100 and of 10,000 values, on
// ordinary text and on text that its lanes have most work with.
func BenchmarkWriter(b *testing.B) {
	periodic := []byte(strings.Repeat("sk_live_", 2<<20))
	for _, n := range []int{100, 10_000} {
		p := many(b, n)
		for _, text := range []struct {
			name string
			text []byte
		}{
			{"logs", benign(16 << 20)}, {"pages", pages(16 << 20)}, {"periodic", periodic},
			{"arrays", []byte(strings.Repeat("[115, 107, 95, 108, 105, 118, 101], 1 2 3 x\n", 1<<18))},
			{"dumps", []byte(strings.Repeat("00000000: 736b 5f6c 6976 655f  sk_live_\n", 1<<18))},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, text.name), func(b *testing.B) {
				measure(b, p, text.text)
			})
		}
	}
}

// BenchmarkParts is BenchmarkWriter where the values are known, so that parts of them
// are looked for as well.
func BenchmarkParts(b *testing.B) {
	for _, n := range []int{1, 100} {
		p := withParts(b, secrets(n)...)
		for _, text := range []struct {
			name string
			text []byte
		}{{"logs", benign(16 << 20)}, {"pages", pages(16 << 20)}, {"periodic", []byte(strings.Repeat("sk_live_", 2<<20))}} {
			b.Run(fmt.Sprintf("%d/%s", n, text.name), func(b *testing.B) {
				measure(b, p, text.text)
			})
		}
	}
}

// BenchmarkBuildParts is the making of the patterns of one value whose parts are
// looked for.
func BenchmarkBuildParts(b *testing.B) {
	values := secrets(1)
	for b.Loop() {
		withParts(b, values...)
	}
}

// BenchmarkRequest is what the guard adds to a request of 200 KiB, and of 400 bytes.
func BenchmarkRequest(b *testing.B) {
	p := many(b, 100)
	for _, size := range []int{400, 200 << 10} {
		text := pages(size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				pour(p, text)
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkCompile is the making of patterns of 10,000 values' fingerprints.
func BenchmarkCompile(b *testing.B) {
	builder := guard.NewBuilder()
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 10_000 {
		_ = builder.Add(guard.Label{Name: fmt.Sprint(i)}, fmt.Appendf(nil, "%016x%016x", r.Uint64(), r.Uint64()))
	}
	prints := builder.Fingerprints()
	for b.Loop() {
		guard.Compile(prints)
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
