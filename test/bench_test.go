package test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/hotcelltest"
)

// median of durations, and the one that 99 of 100 do not exceed, in milliseconds.
func quantiles(took []time.Duration) (p50, p99 float64) {
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
	return at(0.5), at(0.99)
}

func bareBwrap(b *testing.B) time.Duration {
	began := time.Now()
	out, err := exec.Command("bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
		"--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "true").CombinedOutput()
	if err != nil {
		b.Fatalf("bwrap true: %v: %s", err, out)
	}
	return time.Since(began)
}

// BenchmarkJobStart is a job with a secret, from accepted to its first
// instruction, beside bare `bwrap true` in the same run.
func BenchmarkJobStart(b *testing.B) {
	s := hotcelltest.Start(b, "")
	r := s.RunWith("API_KEY="+apiKey+"\n", "secrets", "create", "billing", "--env-file", "-")
	if r.Code != 0 {
		b.Fatal(r.Err)
	}
	s.OK("assignments", "create", "nothing", "--command", "true")
	s.OK("assignments", "attach", "nothing", "billing")
	ctx := context.Background()
	list, err := s.Client.Assignments(ctx, "nothing")
	if err != nil {
		b.Fatal(err)
	}
	var first, whole, bare []time.Duration
	for b.Loop() {
		bare = append(bare, bareBwrap(b))
		began := time.Now()
		j, err := s.Client.Run(ctx, list[0].ID, nil)
		if err != nil {
			b.Fatal(err)
		}
		j, err = s.Client.Follow(ctx, j.ID, func(hotcell.LogChunk) error { return nil })
		if err != nil || j.State != hotcell.JobSucceeded {
			b.Fatalf("the job is %s: %s, %v", j.State, j.Reason, err)
		}
		whole = append(whole, time.Since(began))
		first = append(first, j.StartedAt.Sub(j.CreatedAt))
	}
	p50, p99 := quantiles(first)
	b.ReportMetric(p50, "start-p50-ms")
	b.ReportMetric(p99, "start-p99-ms")
	p50, _ = quantiles(whole)
	b.ReportMetric(p50, "whole-p50-ms")
	p50, _ = quantiles(bare)
	b.ReportMetric(p50, "bwrap-p50-ms")
}

// BenchmarkDrain is 2,000 jobs of `true` queued at once, beside bare bwrap: none
// may be lost.
func BenchmarkDrain(b *testing.B) {
	s := hotcelltest.Start(b, "")
	s.OK("assignments", "create", "nothing", "--command", "true")
	ctx := context.Background()
	list, err := s.Client.Assignments(ctx, "nothing")
	if err != nil {
		b.Fatal(err)
	}
	const jobs, bare = 2000, 200
	for b.Loop() {
		began := time.Now()
		var ids []hotcell.JobID
		for range jobs {
			j, err := s.Client.Run(ctx, list[0].ID, nil)
			if err != nil {
				b.Fatal(err)
			}
			ids = append(ids, j.ID)
		}
		for _, id := range ids {
			j, err := s.Client.Follow(ctx, id, func(hotcell.LogChunk) error { return nil })
			if err != nil || j.State != hotcell.JobSucceeded {
				b.Fatalf("job %s is %s: %s, %v", id, j.State, j.Reason, err)
			}
		}
		b.ReportMetric(jobs/time.Since(began).Seconds(), "jobs/s")
		began = time.Now()
		for range bare {
			bareBwrap(b)
		}
		b.ReportMetric(bare/time.Since(began).Seconds(), "bwrap/s")
	}
}

// BenchmarkRest is the memory of a server that rests after some secrets and
// jobs: the resident set of each part.
func BenchmarkRest(b *testing.B) {
	s := hotcelltest.Start(b, "")
	s.OK("assignments", "create", "nothing", "--command", "true")
	for b.Loop() {
		for i := range 20 {
			if r := s.RunWith(fmt.Sprintf("KEY_%d=%s\n", i, apiKey), "secrets", "create", fmt.Sprintf("s%d-%d", i, time.Now().UnixNano()), "--env-file", "-"); r.Code != 0 {
				b.Fatal(r.Err)
			}
		}
		s.OK("run", "nothing")
	}
	for name, pid := range map[string]int{"serve": s.PID(), "vault": child(b, s, "part-vault"), "worker": child(b, s, "part-worker")} {
		b.ReportMetric(resident(b, pid), name+"-MiB")
	}
}

func child(b *testing.B, s *hotcelltest.Server, name string) int {
	b.Helper()
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(s.PID()), "-f", name).Output()
	pid, bad := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil || bad != nil {
		b.Fatalf("finding %s: %v", name, err)
	}
	return pid
}

func resident(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kib) / 1024
		}
	}
	b.Fatal("no VmRSS")
	return 0
}
