package schema_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"hotcell/internal/catalog/connector/schema"
)

// TestAFaultSaysWhatIsWanted reads the words for each rule, and looks for what was sent
// in none of them.
func TestAFaultSaysWhatIsWanted(t *testing.T) {
	t.Parallel()
	for rule, c := range map[string]struct{ schema, value, wants string }{
		"type":             {`{"type":"integer"}`, `"sent"`, "an integer"},
		"types":            {`{"type":["string","null"]}`, `7331`, "a text or null"},
		"enum":             {`{"enum":["a",1]}`, `"sent"`, `one of "a", 1`},
		"const":            {`{"const":"#ops"}`, `"sent"`, `"#ops"`},
		"required":         {`{"required":["to","text"]}`, `{"to":"sent"}`, "the arguments to, text"},
		"unknown":          {`{"properties":{"to":{},"text":{}},"additionalProperties":false}`, `{"sent":1}`, "no arguments but text, to"},
		"pattern":          {`{"pattern":"^[a-z]$"}`, `"SENT"`, "a text that matches ^[a-z]$"},
		"minLength":        {`{"minLength":9}`, `"sent"`, "at least 9 characters"},
		"maxItems":         {`{"maxItems":1}`, `[7331,2]`, "at most 1 in the list"},
		"minimum":          {`{"minimum":9007199254740993}`, `7331`, "at least 9007199254740993"},
		"exclusiveMaximum": {`{"exclusiveMaximum":0.5}`, `7331`, "less than 0.5"},
		"multipleOf":       {`{"multipleOf":0.5}`, `7331.2`, "a multiple of 0.5"},
		"uniqueItems":      {`{"uniqueItems":true}`, `["sent","sent"]`, "a list in which nothing is there twice"},
		"many":             {`{"enum":["` + strings.Repeat("a", 500) + `"]}`, `"sent"`, `one of "` + strings.Repeat("a", 292) + "…"},
		"a choice":         {`{"anyOf":[{"type":"null"},{"type":"boolean"}]}`, `"sent"`, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s, err := schema.Read([]byte(`{"properties":{"x":`+c.schema+`}}`), schema.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal([]byte(`{"x":`+c.value+`}`), &v); err != nil {
				t.Fatal(err)
			}
			fault, ok := errors.AsType[*schema.Fault](s.Check(t.Context(), v))
			if !ok || fault.Wants() != c.wants {
				t.Fatalf("%v wants %q, and not %q", fault, fault.Wants(), c.wants)
			}
			for _, sent := range []string{"sent", "SENT", "7331"} {
				if strings.Contains(fault.Wants(), sent) {
					t.Errorf("%q holds what was sent", fault.Wants())
				}
			}
		})
	}
}
