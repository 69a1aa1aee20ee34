package hotcelltest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Memory tells of each copy of a value, as it is or in base64, that a process of the
// server has in its memory. It takes root: the parts let nobody else look.
func (s *Server) Memory(values ...string) (found []string) {
	s.t.Helper()
	for pid, name := range parts(s.t, s.PID()) {
		for i, around := range Copies(s.t, pid, values...) {
			if len(around) > 0 {
				found = append(found, fmt.Sprintf("%s has %d copies of %q, one of them in %q", name, len(around), values[i], around[0]))
			}
		}
	}
	return found
}

// parts are the server's process and those that it started, with their names.
func parts(t testing.TB, root int) map[int]string {
	t.Helper()
	out := map[int]string{root: "the control plane"}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		_, after, ok := strings.Cut(string(text), ") ")
		if fields := strings.Fields(after); err != nil || !ok || len(fields) < 2 || fields[1] != strconv.Itoa(root) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		words := strings.Split(string(line), "\x00")
		out[pid] = "the part " + strings.Join(words[1:min(2, len(words))], "")
	}
	return out
}

// Copies are the places of each value in what a process may write to, with what
// stands around it.
func Copies(t testing.TB, pid int, values ...string) [][]string {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatalf("a process's memory takes root to look at: %v", err)
	}
	defer func() { _ = memory.Close() }()
	out := make([][]string, len(values))
	// What is read overlaps: a value may lie over the border of two.
	const most, overlap = 1 << 20, 4 << 10
	text := make([]byte, most+overlap)
	defer clear(text) // nobody who looks into this process finds it
	for line := range strings.Lines(string(maps)) {
		var begin, end int64
		var may string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &begin, &end, &may); n != 3 || !strings.HasPrefix(may, "rw") {
			continue
		}
		for at := begin; at < end; at += most {
			n, _ := memory.ReadAt(text[:min(end-at, most+overlap)], at) // what cannot be read is not there
			for i, value := range values {
				for _, form := range []string{value, base64.StdEncoding.EncodeToString([]byte(value))} {
					out[i] = append(out[i], within(text[:n], form, most)...)
				}
			}
		}
	}
	return out
}

// within are the surroundings of each place at which a form begins before another.
func within(text []byte, form string, before int) (around []string) {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(form))
		if i < 0 || at+i >= before {
			return around
		}
		at += i + 1
		around = append(around, string(text[max(0, at-100):min(len(text), at+len(form)+100)]))
	}
}
