package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProgressIsForTerminalsAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer
	now := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	p := &progress{to: &screen, verb: "sent", total: 3 << 20, now: func() time.Time { return now }, told: now}
	for range 4 {
		if n, err := p.Write(make([]byte, 1<<20)); n != 1<<20 || err != nil {
			t.Fatal(n, err)
		}
		now = now.Add(progressEvery / 2)
	}
	p.end()
	if got, want := screen.String(), "\r\x1b[Ksent 3.0 of about 3.0 MiB\r\x1b[K"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	quick := &progress{to: &screen, verb: "sent", now: func() time.Time { return now }, told: now}
	screen.Reset()
	_, _ = quick.Write(make([]byte, 100))
	if quick.end(); screen.Len() > 0 {
		t.Errorf("what is over at once is told: %q", screen.String())
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "err"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for _, to := range []io.Writer{file, &screen} {
		p := (&app{IO: IO{Err: to}}).progress("sent", 0)
		p.told = time.Time{}
		_, _ = io.Copy(p, strings.NewReader("some bytes"))
		p.end()
		if p.to != nil || p.shown {
			t.Error("progress is told where there is no terminal")
		}
	}
}
