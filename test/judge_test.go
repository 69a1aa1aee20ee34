package test

import (
	"encoding/gob"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"hotcell/hotcelltest"
	"hotcell/test/acme/portal"
)

// judge is the program that judges, running.
type judge struct {
	t   testing.TB
	mu  sync.Mutex
	in  *gob.Encoder
	out *gob.Decoder
}

func startJudge(t testing.TB) *judge {
	t.Helper()
	cmd := exec.Command(hotcelltest.Program(t, "hotcell/test/judge"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	var out io.Reader
	out, err = cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		must(t, cmd.Wait())
	})
	return &judge{t: t, in: gob.NewEncoder(in), out: gob.NewDecoder(out)}
}

func (j *judge) judge(c portal.Case) (v portal.Verdict) {
	j.t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	must(j.t, j.in.Encode(c))
	must(j.t, j.out.Decode(&v))
	return v
}

// holds says in which form a text holds one of the values, or "".
func (j *judge) holds(text string, values ...string) string {
	j.t.Helper()
	return j.judge(portal.Case{Text: text, Values: values}).Form
}
