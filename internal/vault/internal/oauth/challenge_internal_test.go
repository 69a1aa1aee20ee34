package oauth

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hotcell/test/prove"
)

// written is a challenge in one of the ways in which it may stand in a header.
func written(r *rand.Rand, c authentication) string {
	if len(c.parameters) == 0 {
		return []string{c.scheme, c.scheme + " abc==", strings.ToUpper(c.scheme) + "  dG9rZW4/+-~"}[r.IntN(3)]
	}
	space := func() string { return []string{"", " ", "\t"}[r.IntN(3)] }
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.parameters)) {
		value := c.parameters[name]
		if strings.ContainsAny(value, " ,\"\\=") || value == "" || r.IntN(2) == 0 {
			value = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
		}
		parts = append(parts, space()+name+space()+"="+space()+value+space())
	}
	return c.scheme + " " + strings.Join(parts, ",")
}

// What is written by the grammar is read again, however it is spread over headers.
func TestProveChallengesAreReadAsWritten(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 110))
	values := []string{"a", "https://a.test/x?y", "a b", `quo"te`, `back\slash`, "x, Bearer y=z", "=", "a=b,c"}
	for range prove.Trials(20_000, 1_000_000) {
		var want []authentication
		var headers []string
		for range 1 + r.IntN(3) {
			var in []string
			for range 1 + r.IntN(3) {
				c := authentication{[]string{"bearer", "basic", "negotiate", "x-own"}[r.IntN(4)], map[string]string{}}
				for n := range r.IntN(4) {
					c.parameters[fmt.Sprint("p", n)] = values[r.IntN(len(values))]
				}
				want, in = append(want, c), append(in, written(r, c))
			}
			headers = append(headers, strings.Join(in, []string{", ", ",", " ,, "}[r.IntN(3)]))
		}
		same := func(a, b authentication) bool { return a.scheme == b.scheme && maps.Equal(a.parameters, b.parameters) }
		if got := challenges(headers); !slices.EqualFunc(got, want, same) {
			t.Fatalf("%q\nis read as %v\ninstead of  %v", headers, got, want)
		}
	}
}

func FuzzChallenges(f *testing.F) {
	for _, seed := range []string{`Bearer a="b`, `Bearer a="\`, `=`, `,,`, `Bearer =x`, `a b c`, "\x00", `Bearer resource_metadata="x" y`, `Negotiate =`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, c := range challenges([]string{header, header}) {
			if c.scheme == "" || c.scheme != strings.ToLower(c.scheme) {
				t.Errorf("%q: a scheme %q", header, c.scheme)
			}
		}
	})
}
