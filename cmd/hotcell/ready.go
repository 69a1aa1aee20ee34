//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/control/job"
	"hotcell/internal/line/vaultclient"
)

// freshly is how long an answer to whether the server is ready holds: whoever asks
// often does not have it write as often.
const freshly = time.Second

// leastRoom is how much room there must be on the data folder's disk, in bytes.
const leastRoom = 1 << 20

// ready tells what keeps the server from doing its work, part by part: each is
// asked to do what it is there for.
func (h *house) ready(vault *vaultclient.Control, remote *job.Remote, store hotcell.ControlStore) func(context.Context) []string {
	var mu sync.Mutex
	var at time.Time
	var known []string
	return func(context.Context) []string {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(at) >= freshly {
			// Not the asker's own context: what is found is told to others as well.
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			known = h.problems(ctx, vault, remote, store)
			cancel()
			at = time.Now()
		}
		return known
	}
}

func (h *house) problems(ctx context.Context, vault *vaultclient.Control, remote *job.Remote, store hotcell.ControlStore) (problems []string) {
	if health, err := vault.Health(ctx); err != nil {
		problems = append(problems, "the vault does not answer")
	} else {
		problems = append(problems, health.Problems...)
	}
	if err := store.Probe(ctx, time.Now()); err != nil {
		h.log.Error("the control plane cannot write", "error", err)
		problems = append(problems, "the control plane cannot write: no job can be made")
	}
	if health, err := remote.Health(ctx); err != nil {
		problems = append(problems, "the worker does not answer")
	} else {
		problems = append(problems, health.Problems...)
	}
	if free, err := room(h.data); err != nil || free < leastRoom {
		problems = append(problems, fmt.Sprintf("the disk of the data folder is full: %d KiB are free", free>>10))
	}
	return problems
}

// room is how much may still be written to the disk that a folder is on.
func room(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * s.Bsize, nil
}
