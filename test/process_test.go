package test

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// process is one of the machine's.
type process struct {
	pid, parent, uid int
	name             string
	// groups are its control groups, as the kernel writes them.
	groups string
	// words are its arguments: Chromium writes those of its children as one text.
	words []string
	// status is what the kernel says of it: "Seccomp" to "2".
	status map[string]string
}

// running are all that there are.
func running(t testing.TB) map[int]process {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("reading /proc: %v", err)
	}
	out := map[int]process{}
	for _, dir := range dirs {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		begin, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
		if err != nil || end < begin {
			continue
		}
		p := process{uid: -1, name: string(stat[begin+1 : end])}
		p.pid, _ = strconv.Atoi(filepath.Base(dir))
		p.parent, _ = strconv.Atoi(strings.Fields(string(stat[end+1:]))[1])
		groups, _ := os.ReadFile(filepath.Join(dir, "cgroup"))
		p.groups = string(groups)
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		p.words = strings.Fields(strings.ReplaceAll(string(line), "\x00", " "))
		p.status = map[string]string{}
		status, _ := os.ReadFile(filepath.Join(dir, "status"))
		for line := range strings.Lines(string(status)) {
			key, value, _ := strings.Cut(line, ":")
			p.status[key] = strings.TrimSpace(value)
		}
		if uids := strings.Fields(p.status["Uid"]); len(uids) > 0 {
			p.uid, _ = strconv.Atoi(uids[0])
		}
		out[p.pid] = p
	}
	return out
}

// below are a process's descendants.
func below(all map[int]process, root int) (out []process) {
	for _, p := range all {
		for at := p; at.parent != 0; at = all[at.parent] {
			if at.parent == root {
				out = append(out, p)
				break
			}
		}
	}
	return out
}

// within are the processes of a control group whose name holds a text.
func within(all map[int]process, text string) (out []process) {
	for _, p := range all {
		if strings.Contains(p.groups, text) {
			out = append(out, p)
		}
	}
	return out
}

// memory is what processes take of the machine's memory together, in MiB: pages that
// several have count once (proportional set size, proc(5)).
func memory(t testing.TB, of []process) float64 {
	t.Helper()
	total := 0
	for _, p := range of {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "smaps_rollup"))
		if err != nil {
			continue
		}
		if _, line, found := strings.Cut(string(text), "\nPss:"); found {
			n, _ := strconv.Atoi(strings.Fields(line)[0])
			total += n
		}
	}
	if total == 0 {
		t.Fatalf("%d processes have no memory", len(of))
	}
	return float64(total) / 1024
}
