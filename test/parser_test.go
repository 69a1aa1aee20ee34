package test

import (
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

// A document of a stranger's is read where no key is: one that ends its reader is
// refused, and the vault, whose process it would have been, goes on.
func TestADocumentThatEndsItsReaderEndsNothingElse(t *testing.T) {
	t.Parallel()
	s := hotcelltest.Start(t, "")
	vault, parser := part(t, s, "part-vault"), part(t, s, "part-parser")
	const head = "openapi: 3.0.0\npaths: {/things: {get: {operationId: getThings}}}\n"
	for name, c := range map[string]struct {
		document string
		ok       bool
	}{
		"plain":    {head, true},
		"deep":     {strings.Repeat("[", 200_000), false},
		"deep map": {strings.Repeat("{a: ", 200_000), false},
		"deep in":  {head + "x: " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), false},
		"aliases":  {head + "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + aliases(12), true}, // no larger for being named often
		"binary":   {"\x00\xff\xfe", false},
	} {
		r := s.RunWith("k-7q4vXr9kTz2mPwLd81", "connections", "create", "openapi", "--name", strings.ReplaceAll(name, " ", "-"), "--definition", file(t, "api.yaml", c.document), "--set", "base=https://api.example.com", "--api-key-file", "-")
		if (r.Code == 0) != c.ok {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if got := s.OK("connections", "tools", "plain"); !strings.Contains(got, "get_things") {
		t.Errorf("its tools: %s", got)
	}
	if part(t, s, "part-vault") != vault || part(t, s, "part-parser") != parser {
		t.Error("a part of the server was started again")
	}
	s.Canaries("k-7q4vXr9kTz2mPwLd81")
}

// aliases are lines of YAML, each ten times the one before.
func aliases(n int) string {
	var out strings.Builder
	for i := 1; i < n; i++ {
		one := string(rune('a'+i-1)) + "0"
		out.WriteString(string(rune('a'+i)) + "0: &" + string(rune('a'+i)) + "0 [" + strings.TrimSuffix(strings.Repeat("*"+one+",", 10), ",") + "]\n")
	}
	return out.String()
}
