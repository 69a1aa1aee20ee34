package guard_test

import (
	"errors"
	"io"
	"strconv"
	"testing"

	"hotcell/internal/value/guard"
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
	for size := 1; size <= 7; size++ {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			to, from := pausing(t)
			var got []byte
			var failed error
			// Each piece is sent when the one before has come.
			for sent := 0; sent < len(paused) && failed == nil; {
				piece := paused[sent:min(sent+size, len(paused))]
				sent += len(piece)
				go func() { _, _ = io.WriteString(to, piece) }()
				for buf := make([]byte, 64); len(got) < sent && failed == nil; {
					var n int
					n, failed = from.Read(buf)
					got = append(got, buf[:n]...)
				}
			}
			if !errors.Is(failed, guard.ErrEarly) || from.Count() == 0 {
				t.Errorf("it ended with %v, and %d were counted", failed, from.Count())
			}
			if len(got) > 7 {
				t.Errorf("%q of it went through", got)
			}
		})
	}
}
