package guard_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"hotcell/internal/guard"
)

const paused = "kX7qTz9vRw2mLp4sNd8fGh3jBc6yEu1a"

func pausing(t *testing.T) (to *io.PipeWriter, from *guard.Reader) {
	t.Helper()
	b := guard.NewBuilder().WithParts()
	if err := b.Add(guard.Label{ID: "1", Name: "billing"}, []byte(paused)); err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	t.Cleanup(func() { _ = write.Close(); _ = read.Close() })
	return write, b.Build().Reader(read, nil)
}

// Both ends of a stream wait for each other: what is held back because it could
// begin a value goes on, however the message ends.
func TestASilenceLetsGoWhatCouldBeginAValue(t *testing.T) {
	t.Parallel()
	to, from := pausing(t)
	for i := range len(paused) - 7 {
		for n := 1; n <= 7; n++ {
			message := "->" + paused[i:i+n]
			go func() { _, _ = io.WriteString(to, message) }()
			got := make([]byte, len(message))
			if _, err := io.ReadFull(from, got); err != nil || string(got) != message {
				t.Fatalf("%q came as %q, %v", message, got, err)
			}
			// Something else follows, so it was the beginning of nothing.
			go func() { _, _ = io.WriteString(to, " \n") }()
			if _, err := io.ReadFull(from, got[:2]); err != nil || string(got[:2]) != " \n" {
				t.Fatalf("after %q: %q, %v", message, got[:2], err)
			}
		}
	}
}

// Who sends a value with pauses gets the stream's end, and no more of it than they
// would get by ending there.
func TestNoValueGoesThroughInPieces(t *testing.T) {
	t.Parallel()
	for size := 1; size <= 12; size++ {
		to, from := pausing(t)
		passed := make(chan string)
		var failed error
		go func() {
			var all strings.Builder
			buf := make([]byte, 64)
			for {
				n, err := from.Read(buf)
				all.Write(buf[:n])
				if err != nil {
					failed = err
					break
				}
				if n > 0 {
					passed <- all.String() // the sender waits for what it sent to arrive
				}
			}
			close(passed)
		}()
		got := ""
		for rest := paused; rest != ""; {
			piece := rest[:min(size, len(rest))]
			if _, err := io.WriteString(to, piece); err != nil {
				break
			}
			rest = rest[len(piece):]
			if rest == "" {
				_ = to.Close()
			}
			more, open := <-passed
			if !open {
				break
			}
			got = more
			if size > 7 || strings.Contains(got, "[") {
				break
			}
		}
		_ = to.Close()
		for more := range passed {
			got = more
		}
		for i := range len(paused) - 7 {
			if strings.Contains(got, paused[i:i+8]) {
				t.Errorf("in pieces of %d, %q of it went through", size, paused[i:i+8])
			}
		}
		if size <= 7 && !errors.Is(failed, guard.ErrEarly) {
			t.Errorf("in pieces of %d it ended with %v", size, failed)
		}
		if size <= 7 && from.Count() == 0 {
			t.Errorf("in pieces of %d nothing was counted", size)
		}
	}
}
