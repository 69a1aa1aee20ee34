package spelling_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"hotcell/internal/value/guard"
	"hotcell/internal/wire/unpack"
	"hotcell/test/prove"
	"hotcell/test/spelling"
)

// valuesTried is how many values the table is measured with, the kinds in turns;
// sampled how many of them each way of writing is tried with where claims are not
// shown at their full figures: one of each kind.
const (
	valuesTried = 300
	sampled     = 10
)

const policy = "../../SECURITY.md"

// measured is how often a spelling was found, and by which kinds of values it was
// missed.
type measured struct {
	spelling.Spelling

	tried, found int
	missed       map[string]int
	example      string
}

func (m *measured) share() int { return m.found * 100 / max(m.tried, 1) }

// TestProveTheTableSaysWhatIsFound writes each value in each way, splits what
// comes out, and has the guard read it. SECURITY.md says what is found: with
// HOTCELL_UPDATE=1 it is written anew. A sample of the values shows whether what is
// always found still is, and what never is is not; only all of them show shares.
func TestProveTheTableSaysWhatIsFound(t *testing.T) {
	t.Parallel()
	update := os.Getenv("HOTCELL_UPDATE") != ""
	whole := update || prove.Full()
	results := measureAll(t, whole)
	for i := range results {
		t.Logf("%3d %% %s: %s %v %s", results[i].share(), results[i].Group, results[i].Name, results[i].missed, results[i].example)
	}
	text, err := os.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}
	if update {
		if err := os.WriteFile(policy, between.ReplaceAll(text, []byte("${1}"+table(results)+"${3}")), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	told := map[string]string{}
	for _, row := range rows.FindAllStringSubmatch(string(between.Find(text)), -1) {
		for one := range strings.SplitSeq(row[3], "; ") {
			told[row[1]+": "+one] = row[2]
		}
	}
	for i := range results {
		m := &results[i]
		says, there := told[m.Group+": "+m.Name]
		delete(told, m.Group+": "+m.Name)
		switch {
		case !there:
			t.Errorf("%s: %s is not in the table", m.Group, m.Name)
		case whole && says != fmt.Sprint(m.share()), says == "100" && m.found < m.tried, says == "0" && m.found > m.tried/2:
			t.Errorf("%s: %s: the table says %s %%, and %d of %d were found (%v): %s", m.Group, m.Name, says, m.found, m.tried, m.missed, m.example)
		}
	}
	for name := range told {
		t.Errorf("%s is in the table, and not in the catalogue", name)
	}
}

var (
	between = regexp.MustCompile(`(?s)(<!-- measured -->\n)(.*)(<!-- end of measured -->)`)
	rows    = regexp.MustCompile(`(?m)^\| (.+?) \| (\d+) % \| (.*) \|$`)
)

// table has a row for each group and share.
func table(results []measured) string {
	var out strings.Builder
	out.WriteString("| written | found | how |\n| --- | --- | --- |\n")
	for len(results) > 0 {
		n := slices.IndexFunc(results, func(m measured) bool { return m.Group != results[0].Group })
		if n < 0 {
			n = len(results)
		}
		group := slices.Clone(results[:n])
		slices.SortStableFunc(group, func(a, b measured) int { return cmp.Compare(b.share(), a.share()) })
		for len(group) > 0 {
			var names []string
			share, of := group[0].share(), group[0].Group
			for len(group) > 0 && group[0].share() == share {
				names = append(names, group[0].Name)
				group = group[1:]
			}
			fmt.Fprintf(&out, "| %s | %d %% | %s |\n", of, share, strings.Join(names, "; "))
		}
		results = results[n:]
	}
	return out.String()
}

func measureAll(t *testing.T, whole bool) []measured {
	t.Helper()
	values := spelling.Values(valuesTried, rand.New(rand.NewPCG(11, 9)))
	b := guard.NewBuilder()
	for i, v := range values {
		if err := b.Add(guard.Label{ID: fmt.Sprint(i), Name: fmt.Sprintf("s%d", i)}, v.Text); err != nil {
			t.Fatalf("value %d (%s): %v", i, v.Kind, err)
		}
	}
	patterns := b.Build()
	all := spelling.All()
	results := make([]measured, len(all))
	from, to := 0, valuesTried
	if !whole {
		from = rand.IntN(valuesTried/sampled) * sampled
		to = from + sampled
	}
	var wait sync.WaitGroup
	for n := range all {
		wait.Go(func() { results[n] = measure(patterns, all[n], values, from, to) })
	}
	wait.Wait()
	return results
}

// measure tries a spelling of the values from one to another.
func measure(p *guard.Patterns, s spelling.Spelling, values []spelling.Value, from, to int) measured {
	m := measured{Spelling: s, missed: map[string]int{}}
	seed := fnv.New64a()
	_, _ = seed.Write([]byte(s.Name)) // it takes all
	for i, v := range values[from:to] {
		seeded := func() *rand.Rand { return rand.New(rand.NewPCG(seed.Sum64(), uint64(from+i))) }
		r := seeded()
		m.tried++
		written := s.Write(v.Text, r)
		var missed bool
		var out []byte
		if s.Packed {
			missed = !refused(p, written, r, strings.Contains(s.Name, "named"))
		} else {
			text := append(append([]byte("a line before it\n"), written...), "\na line after it\n"...)
			out = split(p, text, r)
			missed = spelling.Left(out, s.Core(v.Text, seeded), v.Text, s.Write(spelling.Alike(v.Text), seeded()))
		}
		if !missed {
			m.found++
			continue
		}
		if m.missed[v.Kind]++; m.example == "" {
			m.example = fmt.Sprintf("%.80q -> %.200q", written, out)
		}
	}
	return m
}

// pour writes a text in pieces.
func pour(w io.Writer, text []byte, r *rand.Rand) error {
	for rest := text; len(rest) > 0; {
		n := min(1+r.IntN(1+r.IntN(len(text))), len(rest))
		if _, err := w.Write(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// split has the guard read a text in pieces.
func split(p *guard.Patterns, text []byte, r *rand.Rand) []byte {
	var out bytes.Buffer
	w := p.Writer(&out, nil)
	_ = pour(w, text, r) // a buffer takes all
	_ = w.Close()
	return out.Bytes()
}

// refused says whether a body with something packed in it is refused.
func refused(p *guard.Patterns, text []byte, r *rand.Rand, named bool) bool {
	refuse := func(guard.Match) guard.Verdict { return guard.Refuse }
	l := unpack.New(unpack.NewBudget(unpack.Limits{}), func() io.WriteCloser { return p.Writer(io.Discard, refuse) })
	if named {
		_ = l.Expect("br") // it is known
	}
	w := p.Writer(io.Discard, refuse)
	err := pour(io.MultiWriter(w, l), text, r)
	err = errors.Join(err, w.Close(), l.Close())
	_, found := errors.AsType[*guard.RefusedError](err)
	return found
}
