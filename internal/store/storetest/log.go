package storetest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"hotcell"
)

func testLog(t *testing.T, s hotcell.ControlStore, _ hotcell.Queue) {
	create(t, s, 2, nil)
	chunk := func(i int) hotcell.LogChunk {
		return hotcell.LogChunk{At: start.Add(time.Duration(i)), Stream: "stdout", Data: []byte{byte(i), 0, 255, '\n'}}
	}
	ok(t, "AppendLog", s.AppendLog(t.Context(), "job_000", chunk(1), chunk(2)))
	ok(t, "AppendLog", s.AppendLog(t.Context(), "job_001", chunk(9)))
	ok(t, "AppendLog", s.AppendLog(t.Context(), "job_000", chunk(3)))
	ok(t, "AppendLog of nothing", s.AppendLog(t.Context(), "job_000"))
	wantError(t, "a log of no job", s.AppendLog(t.Context(), "job_999", chunk(1)), hotcell.ErrNotFound)
	var expected []hotcell.LogChunk
	for i := range 3 {
		c := chunk(i + 1)
		c.Sequence = int64(i + 1)
		expected = append(expected, c)
	}
	got, err := s.Log(t.Context(), "job_000", 0, 10)
	ok(t, "Log", err)
	want(t, "log", got, expected)
	got, err = s.Log(t.Context(), "job_000", 1, 1)
	ok(t, "Log", err)
	want(t, "one after the first", got, expected[1:2])
	got, err = s.Log(t.Context(), "job_000", 3, 10)
	ok(t, "Log", err)
	want(t, "after the last", len(got), 0)
}

// testLogRace has 16 append at once: no gap, and each one's chunks in its order.
func testLogRace(t *testing.T, s hotcell.ControlStore, _ hotcell.Queue) {
	create(t, s, 1, nil)
	const writers, turns = 16, 8
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range turns {
				one, two := []byte(fmt.Sprintf("%d.%03d", w, 2*i)), []byte(fmt.Sprintf("%d.%03d", w, 2*i+1))
				if err := s.AppendLog(t.Context(), "job_000", hotcell.LogChunk{At: start, Stream: "stdout", Data: one},
					hotcell.LogChunk{At: start, Stream: "stderr", Data: two}); err != nil {
					t.Errorf("AppendLog: %v", err)
				}
			}
		})
	}
	group.Wait()
	got, err := s.Log(t.Context(), "job_000", 0, writers*turns*2+1)
	ok(t, "Log", err)
	want(t, "chunks", len(got), writers*turns*2)
	last := map[string][]byte{}
	for i, chunk := range got {
		want(t, "sequence", chunk.Sequence, int64(i+1))
		who, what, _ := bytes.Cut(chunk.Data, []byte("."))
		if bytes.Compare(what, last[string(who)]) <= 0 && last[string(who)] != nil {
			t.Errorf("chunk %s of %s stands after %s", what, who, last[string(who)])
		}
		last[string(who)] = what
	}
}

func testRemember(t *testing.T, s hotcell.ControlStore, _ hotcell.Queue) {
	_, err := s.Recall(t.Context(), "key", [32]byte{1})
	wantError(t, "Recall of nothing", err, hotcell.ErrNotFound)
	answer := []byte("answer")
	stored, err := s.Remember(t.Context(), "key", [32]byte{1}, answer, start)
	ok(t, "Remember", err)
	want(t, "stored", string(stored), "answer")
	clear(answer)
	stored, err = s.Remember(t.Context(), "key", [32]byte{1}, []byte("second"), start)
	ok(t, "Remember again", err)
	want(t, "stored before", string(stored), "answer")
	_, err = s.Remember(t.Context(), "key", [32]byte{2}, []byte("x"), start)
	wantError(t, "another request under the key", err, hotcell.ErrConflict)
	stored, err = s.Recall(t.Context(), "key", [32]byte{1})
	ok(t, "Recall", err)
	want(t, "recalled", string(stored), "answer")
	_, err = s.Recall(t.Context(), "key", [32]byte{2})
	wantError(t, "Recall for another request", err, hotcell.ErrConflict)
}

func testRememberRace(t *testing.T, s hotcell.ControlStore, _ hotcell.Queue) {
	answers := make(chan string, 16)
	var group sync.WaitGroup
	for i := range cap(answers) {
		group.Go(func() {
			stored, err := s.Remember(t.Context(), "key", [32]byte{1}, []byte(fmt.Sprint(i)), start)
			if err != nil {
				t.Errorf("Remember: %v", err)
			}
			answers <- string(stored)
		})
	}
	group.Wait()
	close(answers)
	first := <-answers
	for other := range answers {
		want(t, "what another got", other, first)
	}
}
