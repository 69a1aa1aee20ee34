package audit_test

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell"
	"hotcell/internal/store/audit"
)

func wantBreak(t *testing.T, what string, events []hotcell.Event, sequence int64) {
	t.Helper()
	var broken *audit.BrokenError
	_, err := verify(events)
	if !errors.As(err, &broken) || !errors.Is(err, hotcell.ErrTampered) || broken.Sequence != sequence {
		t.Errorf("%s: verify = %v, want a break at %d", what, err, sequence)
	}
}

func TestDeletedSwappedInserted(t *testing.T) {
	t.Parallel()
	const n = 6
	for i := range n {
		at := int64(i + 1)
		if i < n-1 {
			wantBreak(t, "deleted", slices.Delete(chain(t, n), i, i+1), at)
		}
		for j := i + 1; j < n; j++ {
			swapped := chain(t, n)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			wantBreak(t, "swapped", swapped, at)
			swapped[i].Sequence, swapped[j].Sequence = swapped[j].Sequence, swapped[i].Sequence
			wantBreak(t, "swapped and renumbered", swapped, at)
		}
		events := chain(t, n)
		wantBreak(t, "doubled", slices.Insert(events, i, events[i]), at+1)
		wantBreak(t, "inserted", slices.Insert(chain(t, n), i, forged(at)), at)
		events = slices.Delete(chain(t, n), i, i+1)
		for k := i; k < len(events); k++ {
			events[k].Sequence--
		}
		if i < n-1 {
			wantBreak(t, "deleted and renumbered", events, at)
		}
	}
}

func forged(sequence int64) hotcell.Event {
	e := full(99)
	e.Sequence, e.Hash = sequence, make([]byte, 32)
	return e
}

// Every bit of every exported event is flipped: either the line is no longer
// one, or the chain breaks at that event or where it claims to stand.
func TestEveryBit(t *testing.T) {
	t.Parallel()
	lines := bytes.SplitAfter(exported(t, chain(t, 3)), []byte("\n"))[:3]
	for i, line := range lines {
		for bit := range len(line) * 8 {
			if bit/8 == len(line)-1 && i == len(lines)-1 {
				continue // the newline that ends the file
			}
			flipped := slices.Clone(line)
			flipped[bit/8] ^= 1 << (bit % 8)
			all := bytes.Join([][]byte{bytes.Join(lines[:i], nil), flipped, bytes.Join(lines[i+1:], nil)}, nil)
			if err := verifyFile(all); err == nil {
				t.Fatalf("event %d, bit %d flipped: verified", i+1, bit)
			}
		}
	}
}

func verifyFile(file []byte) error {
	v := audit.NewVerifier(ws)
	for e, err := range audit.Read(bytes.NewReader(file)) {
		if err != nil {
			return err
		}
		if err := v.Next(e); err != nil {
			return err
		}
	}
	return nil
}

func TestCutOffAndWrittenAnew(t *testing.T) {
	t.Parallel()
	events := chain(t, 4)
	head, err := verify(events)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		v := audit.NewVerifier(ws)
		for _, e := range events[:n] {
			if err := v.Next(e); err != nil {
				t.Fatal(err)
			}
		}
		var broken *audit.BrokenError
		if err := v.End(head); !errors.As(err, &broken) || broken.Sequence != int64(n+1) {
			t.Errorf("cut off after %d: End = %v", n, err)
		}
	}
	other := head
	other.Hash[0] ^= 1
	longer := audit.NewVerifier(ws)
	for _, e := range events {
		_ = longer.Next(e)
	}
	if err := longer.End(head); err != nil {
		t.Errorf("End of a whole log = %v", err)
	}
	if err := longer.End(other); !errors.Is(err, hotcell.ErrTampered) {
		t.Errorf("End against another head = %v, want ErrTampered", err)
	}
}

func TestOtherWorkspaceAndStickyAnswer(t *testing.T) {
	t.Parallel()
	events := chain(t, 2)
	v := audit.NewVerifier("wsp_other")
	first := v.Next(events[0])
	if !errors.Is(first, hotcell.ErrTampered) {
		t.Fatalf("another workspace's event: %v", first)
	}
	if again := v.Next(events[1]); again != first || v.End(v.Head()) != first {
		t.Error("the verifier changed its answer")
	}
}

func exported(t testing.TB, events []hotcell.Event) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := audit.Export(&out, seq(events, nil)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func seq(events []hotcell.Event, end error) iter.Seq2[hotcell.Event, error] {
	return func(yield func(hotcell.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
		if end != nil {
			yield(hotcell.Event{}, end)
		}
	}
}

func TestExportReadsBack(t *testing.T) {
	t.Parallel()
	events := chain(t, 3)
	var got []hotcell.Event
	for e, err := range audit.Read(bytes.NewReader(exported(t, events))) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if diff := cmp.Diff(events, got); diff != "" {
		t.Errorf("what was read differs (-want +got):\n%s", diff)
	}
	if err := audit.Export(&bytes.Buffer{}, seq(events, hotcell.ErrUnavailable)); !errors.Is(err, hotcell.ErrUnavailable) {
		t.Errorf("Export of a log that cannot be read = %v", err)
	}
}

func TestReadRefusesWhatRidesAlong(t *testing.T) {
	t.Parallel()
	line := strings.TrimSpace(string(exported(t, chain(t, 1))))
	for _, bad := range []string{
		strings.Replace(line, "{", `{"more":1,`, 1),
		strings.Replace(line, "{", `{"kind":"x",`, 1),
		strings.Replace(line, `"kind"`, `"Kind"`, 1),
		line + " ", line + "{}", "", "null", "[]",
	} {
		for e, err := range audit.Read(strings.NewReader(bad + "\n")) {
			if err == nil {
				t.Errorf("Read took %q as %v", bad, e)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(exported(f, chain(f, 2)))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var events []hotcell.Event
		for e, err := range audit.Read(bytes.NewReader(file)) {
			if err != nil {
				return
			}
			events = append(events, e)
		}
		again := exported(t, events)
		if !bytes.Equal(bytes.TrimSuffix(again, []byte("\n")), bytes.TrimSuffix(file, []byte("\n"))) {
			t.Errorf("read and written again differs:\n%q\n%q", file, again)
		}
	})
}
