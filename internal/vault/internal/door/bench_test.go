package door_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/kms"
)

// BenchmarkRotation wraps data keys anew under a fresh key of the workspace, by a local
// key, while uses go on: each is an event that is durable, and a value that is opened. It
// tells how many were wrapped a second, how many uses failed, and the 99th percentile of a
// use as a ratio to that without a rotation.
func BenchmarkRotation(b *testing.B) {
	const n = 100_000
	dir := b.TempDir()
	f := benchPlace(b, dir)
	v, err := f.vault(func(s hotcell.VaultStore) hotcell.VaultStore { return s })
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	stock(b, v, n)
	for b.Loop() {
		quiet, failed := usesWhile(v, func() { time.Sleep(3 * time.Second) })
		began := time.Now()
		var took time.Duration
		busy, lost := usesWhile(v, func() {
			if err := v.Rotate(b.Context(), v.Local(), hotcell.KeyWorkspace, false); err != nil {
				b.Error(err)
				return
			}
			for {
				r, err := v.RotationForTest(b.Context())
				if err != nil || r == nil {
					took = time.Since(began)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
		b.ReportMetric(n/took.Seconds(), "rewraps/s")
		b.ReportMetric(float64(failed+lost), "failed")
		b.ReportMetric(float64(percentile(busy))/float64(percentile(quiet)), "p99-ratio")
		b.ReportMetric(float64(percentile(quiet))/1e6, "p99-quiet-ms")
	}
}

func percentile(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)*99/100]
}

// usesWhile has eight users use values while fn runs.
func usesWhile(v *door.Vault, fn func()) (took []time.Duration, failed int) {
	var over atomic.Bool
	var mu sync.Mutex
	var all sync.WaitGroup
	for user := range 8 {
		all.Go(func() {
			for i := user; !over.Load(); i++ {
				began := time.Now()
				err := v.UseForTest(nth(v.Local(), i%1000))
				d := time.Since(began)
				mu.Lock()
				took = append(took, d)
				if err != nil {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	fn()
	over.Store(true)
	all.Wait()
	return took, failed
}

func benchPlace(b *testing.B, dir string) files {
	b.Helper()
	f := files{dir + "/vault.db", dir + "/local.key"}
	if _, err := kms.CreateFile(f.key); err != nil {
		b.Fatal(err)
	}
	return f
}
