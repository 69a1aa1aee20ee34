package attacks_test

import (
	"testing"

	"hotcell/internal/cli/drill/attacks"
)

// TestEachCaseSaysWhatItTries holds the cases against what a report makes of them.
func TestEachCaseSaysWhatItTries(t *testing.T) {
	t.Parallel()
	cases, err := attacks.Cases()
	if err != nil {
		t.Fatal(err)
	}
	of, tries := map[string]int{}, map[string]string{}
	for _, c := range cases {
		kind := attacks.KindOf(c.Name)
		if of[kind]++; attacks.Kinds()[kind] == "" {
			t.Errorf("%s is of no kind", c.Name)
		}
		if other := tries[c.Tries]; other != "" {
			t.Errorf("%s tries what %s does", c.Name, other)
		}
		tries[c.Tries] = c.Name
		if c.Keeps != "" && c.Keeps != "home" && c.Keeps != "api" {
			t.Errorf("%s keeps a value from %q", c.Name, c.Keeps)
		}
	}
	for kind := range attacks.Kinds() {
		if of[kind] == 0 {
			t.Errorf("there is no case of the kind %s", kind)
		}
	}
	if len(cases) < 240 {
		t.Errorf("there are %d cases", len(cases))
	}
}
