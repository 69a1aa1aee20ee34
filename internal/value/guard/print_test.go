package guard_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"hotcell/internal/value/guard"
)

const random = "q7Zr2Lx9Kd4Vw8Tn5Bm1Jc6Hs3Gf0Py7Qa2Xe9Ui" // of 41 characters

func printsOf(t testing.TB, values ...string) guard.Fingerprints {
	t.Helper()
	b := guard.NewBuilder()
	for _, v := range values {
		if err := b.Add(guard.Label{ID: "sec_1", Name: "billing"}, []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	return b.Fingerprints()
}

func TestFingerprintsHoldNoValue(t *testing.T) {
	t.Parallel()
	text, err := printsOf(t, random).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+4 <= len(random); i++ {
		if bytes.Contains(text, []byte(random[i:i+4])) {
			t.Errorf("%q is in them", random[i:i+4])
		}
	}
	var back guard.Fingerprints
	if err := back.UnmarshalBinary(text); err != nil {
		t.Fatal(err)
	}
	again, _ := back.MarshalBinary()
	if !bytes.Equal(text, again) || string(guard.Compile(back).Redact([]byte("x "+random))) != "x [hotcell:billing]" {
		t.Error("they are others when they come back")
	}
	other, _ := printsOf(t, random).MarshalBinary()
	if bytes.Equal(text, other) {
		t.Error("the same value has the same fingerprints under another key")
	}
}

func FuzzUnmarshal(f *testing.F) {
	text, _ := printsOf(f, random).MarshalBinary()
	f.Add(text, uint8(0))
	f.Add(text[:100], uint8(3))
	f.Add([]byte{1}, uint8(9))
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		var prints guard.Fingerprints
		if prints.UnmarshalBinary(b) != nil {
			return
		}
		again, err := prints.MarshalBinary()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("what was read is not what is written: %v", err)
		}
		w := guard.Compile(prints).Writer(io.Discard, nil)
		for chunk := range slices.Chunk([]byte(random+random[:20]), int(step)+1) {
			if _, err := w.Write(chunk); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestARefusedValueNeverPasses(t *testing.T) {
	t.Parallel()
	p := guard.Compile(printsOf(t, random))
	refuse := func(m guard.Match) guard.Verdict {
		if m.ID != "sec_1" {
			t.Errorf("%+v", m)
		}
		return guard.Refuse
	}
	for form, text := range written(random) {
		whole := "before " + text + " after"
		for cut := range len(whole) + 1 {
			var out bytes.Buffer
			w := p.Writer(&out, refuse)
			_, first := w.Write([]byte(whole[:cut]))
			_, second := w.Write([]byte(whole[cut:]))
			var refused *guard.RefusedError
			if err := errors.Join(first, second, w.Close()); !errors.As(err, &refused) || refused.Name != "billing" {
				t.Fatalf("%s split at %d: %v", form, cut, err)
			}
			if leaks(out.String(), text) || out.Len() > len("before ")+8 {
				t.Fatalf("%s split at %d: %q passed", form, cut, out.String())
			}
		}
	}
}

func TestAPolicyLetsPassWhatMay(t *testing.T) {
	t.Parallel()
	b := guard.NewBuilder()
	for _, id := range []string{"one", "two"} {
		if err := b.Add(guard.Label{ID: id, Name: id}, []byte(id+"-of-the-values-"+id)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	w := b.Build().Writer(&out, func(m guard.Match) guard.Verdict {
		if m.ID == "one" {
			return guard.Pass
		}
		return guard.Redact
	})
	_, _ = io.WriteString(w, "one-of-the-values-one two-of-the-values-two")
	if err := w.Close(); err != nil || out.String() != "one-of-the-values-one [hotcell:two]" || w.Count() != 1 {
		t.Errorf("%q, %d, %v", out.String(), w.Count(), err)
	}
}

func TestAReaderGivesWhatIsDecided(t *testing.T) {
	t.Parallel()
	from, to := io.Pipe()
	r := guard.Compile(printsOf(t, random)).Reader(from, nil)
	go func() { _, _ = io.WriteString(to, "data: {\"one\":1}\n\n") }()
	buf := make([]byte, 100)
	n, err := r.Read(buf) // before anything else is sent
	if err != nil || string(buf[:n]) != "data: {\"one\":1}\n\n" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	go func() { _, _ = io.WriteString(to, "data: "+random); _ = to.Close() }()
	rest, err := io.ReadAll(r)
	if err != nil || string(rest) != "data: [hotcell:billing]" || r.Count() != 1 {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestNoPatternsFindNothing(t *testing.T) {
	t.Parallel()
	var p *guard.Patterns
	if got := string(p.Redact([]byte(random))); got != random || p.Contains([]byte(random)) || len(p.Find(nil)) != 0 {
		t.Errorf("%q", got)
	}
	text, err := io.ReadAll(p.Reader(strings.NewReader(random), nil))
	if err != nil || string(text) != random {
		t.Errorf("%q, %v", text, err)
	}
}
