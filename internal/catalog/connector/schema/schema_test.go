package schema_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/internal/catalog/connector/schema"
)

// doubled is a schema of which each level refers to the next one twice.
func doubled(levels int) string {
	var defs []string
	for i := range levels {
		defs = append(defs, fmt.Sprintf(`"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i, i+1, i+1))
	}
	return fmt.Sprintf(`{"type":"object","allOf":[{"$ref":"#/$defs/d0"}],"$defs":{%s,"d%d":{"type":"object"}}}`, strings.Join(defs, ","), levels)
}

// chained is one whose first reference is followed by as many more.
func chained(links int) string {
	var defs []string
	for i := range links {
		defs = append(defs, fmt.Sprintf(`"d%d":{"$ref":"#/$defs/d%d"}`, i, i+1))
	}
	return fmt.Sprintf(`{"type":"object","$ref":"#/$defs/d0","$defs":{%s,"d%d":{"type":"object"}}}`, strings.Join(defs, ","), links)
}

func TestASchemaThatRefersToItselfIsRefused(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"the root":           `{"type":"object","$ref":"#"}`,
		"by two":             `{"type":"object","$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`,
		"allOf":              `{"type":"object","allOf":[{"$ref":"#"}]}`,
		"anyOf":              `{"type":"object","anyOf":[{"type":"object"},{"$ref":"#"}]}`,
		"oneOf":              `{"type":"object","oneOf":[{"$ref":"#"}]}`,
		"not":                `{"type":"object","not":{"$ref":"#"}}`,
		"if":                 `{"type":"object","if":{"$ref":"#"},"then":{}}`,
		"then":               `{"type":"object","if":true,"then":{"$ref":"#"}}`,
		"else":               `{"type":"object","if":false,"else":{"$ref":"#"}}`,
		"dependentSchemas":   `{"type":"object","dependentSchemas":{"a":{"$ref":"#"}}}`,
		"dependencies":       `{"type":"object","dependencies":{"a":{"$ref":"#"}}}`,
		"$dynamicRef":        `{"type":"object","$dynamicAnchor":"x","$dynamicRef":"#x"}`,
		"$recursiveRef":      `{"type":"object","$recursiveRef":"#"}`,
		"an anchor":          `{"type":"object","$anchor":"x","$ref":"#x"}`,
		"an id":              `{"$id":"https://x.test/s","type":"object","$ref":"https://x.test/s#"}`,
		"within a property":  `{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"}]}}}`,
		"an escaped pointer": `{"type":"object","$ref":"#/$defs/a~1b","$defs":{"a/b":{"$ref":"#/%24defs/a~1b"}}}`,
	} {
		if s, err := schema.Read([]byte(text), schema.Options{}); !errors.Is(err, schema.ErrCycle) {
			t.Errorf("%s: %v, %s", what, err, s.Text())
		}
	}
}

func TestWhatIsLargeIsCut(t *testing.T) {
	t.Parallel()
	wide := `{"type":"object","properties":{` + strings.Repeat(`"a":{},`, 10) + `"z":{"type":"array","items":{"$ref":"#"}}}}`
	for what, text := range map[string]string{
		"doubled":     doubled(40),
		"chained":     chained(3000),
		"deep":        `{"type":"object","properties":{"a":` + strings.Repeat(`{"not":`, 3000) + `{}` + strings.Repeat(`}`, 3000) + `}}`,
		"deep arrays": `{"type":"object","properties":{"a":` + strings.Repeat(`{"items":`, 3000) + `{}` + strings.Repeat(`}`, 3000) + `}}`,
		"itself":      wide,
	} {
		s, err := schema.Read([]byte(text), schema.Options{})
		if err != nil || len(s.Notes()) == 0 || len(s.Text()) > schema.MaxText {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if err := s.Check(t.Context(), map[string]any{"a": map[string]any{"a": map[string]any{}}}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := schema.Read([]byte(text), schema.Options{Strict: true}); err == nil {
			t.Errorf("%s is taken as it stands", what)
		}
	}
	for what, text := range map[string]string{
		"long":          `{"type":"object","description":"` + strings.Repeat("x", schema.MaxText) + `"}`,
		"100,000 deep":  strings.Repeat(`{"not":`, 100_000) + `{}` + strings.Repeat(`}`, 100_000),
		"no object":     `{"type":"string"}`,
		"no schema":     `[1]`,
		"two":           `{"type":"object"}{}`,
		"false":         `false`,
		"ends midway":   `{"type":"obj`,
		"refers to one": `{"$ref":"#/$defs/a","$defs":{"a":{"type":"string"}}}`,
	} {
		if _, err := schema.Read([]byte(text), schema.Options{}); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestACheckIsBounded(t *testing.T) {
	t.Parallel()
	list := make([]any, 2_100_000)
	for i := range list {
		list[i] = int64(i)
	}
	long := strings.Repeat("a", 4<<20)
	for what, c := range map[string]struct {
		schema string
		value  any
	}{
		"a long list":         {`{"properties":{"a":{"items":{"type":"integer"}}}}`, list},
		"many alternatives":   {`{"properties":{"a":{"items":{"anyOf":[` + strings.Repeat(`{"type":"string"},`, 500) + `{"type":"integer"}]}}}}`, list[:10_000]},
		"many values":         {`{"properties":{"a":{"items":{"enum":[` + strings.Repeat(`"x",`, 900) + `"y"]}}}}`, list[:10_000]},
		"a costly expression": {`{"properties":{"a":{"pattern":"^(a|aa|aaa){0,60}b$"}}}`, long},
	} {
		s, err := schema.Read([]byte(c.schema), schema.Options{})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		err = s.Check(t.Context(), map[string]any{"a": c.value})
		fault := (*schema.Fault)(nil)
		if !errors.Is(err, schema.ErrMuch) && !errors.As(err, &fault) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s, err := schema.Read([]byte(`{"properties":{"a":{"items":{"type":"integer"}}}}`), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Check(ctx, map[string]any{"a": list[:10_000]}); !errors.Is(err, context.Canceled) {
		t.Errorf("of a call that was cancelled: %v", err)
	}
	for _, pattern := range []string{`((a{0,100}){0,100}){0,100}`, strings.Repeat("a?", 600), `(?=x)`, `\p{L}{1000}{2}`} {
		text, _ := json.Marshal(map[string]any{"properties": map[string]any{"a": map[string]any{"pattern": pattern}}})
		s, err := schema.Read(text, schema.Options{})
		if err != nil || strings.Contains(string(s.Text()), "pattern") || len(s.Notes()) == 0 {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func TestWhatSaysLessTakesNoLess(t *testing.T) {
	t.Parallel()
	itself := `{"type":"object","properties":{"n":{"%s":%s}},"$defs":{"t":{"type":"object","required":["x"],"properties":{"t":{"$ref":"#/$defs/t"}}}}}`
	good := map[string]any{"n": map[string]any{"x": int64(1), "t": map[string]any{"x": int64(2), "t": map[string]any{"x": int64(3)}}}}
	for key, text := range map[string]string{
		"oneOf": `[{"$ref":"#/$defs/t"},{"type":"object","required":["y"],"properties":{"t":{"$ref":"#/$defs/t"}}}]`, "not": `{"required":["q"],"properties":{"q":{"pattern":"(?=x)"}}}`,
		"if": `{"properties":{"t":{"pattern":"(?=x)"}}},"then":{"required":["q"]}`,
	} {
		s, err := schema.Read(fmt.Appendf(nil, itself, key, text), schema.Options{})
		if err != nil || s.Check(t.Context(), good) != nil {
			t.Errorf("%s: %v, %s", key, err, s.Text())
		}
	}
	s, err := schema.Read([]byte(`{"patternProperties":{"(?=x)":{}},"additionalProperties":false}`), schema.Options{})
	if err != nil || s.Check(t.Context(), map[string]any{"x1": true}) != nil {
		t.Errorf("a pattern that cannot be read: %v", err)
	}
}

func TestNothingOfASchemaIsHidden(t *testing.T) {
	t.Parallel()
	s, err := schema.Read([]byte(`{"title":"a\u200bb","description":"x\udb40\udc41","properties":{"channel":{"enum":["#ops","#op\u200bs"],"title":"\u3164"},"cha\u200bnnel":{},"p":{"pattern":"\u202e"}},"additionalProperties":false}`), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := string(s.Text())
	for _, bad := range []string{"\u200b", "\U000e0041", "\u3164", "\u202e"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in %s", bad, text)
		}
	}
	if !strings.Contains(text, `a\\u{200b}b`) || s.Check(t.Context(), map[string]any{"cha\u200bnnel": "x"}) != nil {
		t.Errorf("got %s", text)
	}
}

func TestFaultsSayWhereAndNothingOfTheValue(t *testing.T) {
	t.Parallel()
	s, err := schema.Read([]byte(`{"properties":{"a":{"properties":{"b":{"maxLength":3}}},"l":{"items":{"type":"integer"}}},"required":["a"]}`), schema.Options{Closed: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ value, want string }{
		{`{}`, "/ required"}, {`{"a":{"b":"hush-hush"}}`, "/a/b maxLength"}, {`{"a":{},"l":[1,"hush-hush"]}`, "/l/1 type"}, {`{"a":{},"hush-hush":1}`, "/ additionalProperties"},
	} {
		var v any
		if err := json.Unmarshal([]byte(c.value), &v); err != nil {
			t.Fatal(err)
		}
		fault, _ := errors.AsType[*schema.Fault](s.Check(t.Context(), v))
		if fault == nil || "/"+strings.Join(fault.Path, "/")+" "+fault.Keyword != c.want || strings.Contains(fmt.Sprintf("%+v", *fault), "hush") {
			t.Errorf("%s: %+v, want %s", c.value, fault, c.want)
		}
	}
}

// unheld are the cases of the suite that need what is left out on purpose: other
// documents, and what is evaluated elsewhere.
func unheld(text string) bool {
	for _, word := range []string{"unevaluated", "$dynamic", "$id", "http://", "https://json-schema", "urn:", "tag:", "$vocabulary", `"enum":[{"$ref"`} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// TestTheSuite runs JSON Schema's own test suite, which the library brings that the
// house uses elsewhere.
func TestTheSuite(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/jsonschema-go").Output()
	if err != nil {
		t.Fatalf("finding the suite: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "jsonschema", "testdata", "draft2020-12", "*.json"))
	if err != nil || len(files) < 30 {
		t.Fatalf("the suite has %d files, %v", len(files), err)
	}
	ran := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var groups []struct {
			Description string
			Schema      json.RawMessage
			Tests       []struct {
				Description string
				Data        json.RawMessage
				Valid       bool
			}
		}
		if err := json.Unmarshal(text, &groups); err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			var compact bytes.Buffer
			if err := json.Compact(&compact, g.Schema); err != nil {
				t.Fatal(err)
			}
			bare := strings.Replace(compact.String(), `"$schema":"https://json-schema.org/draft/2020-12/schema",`, "", 1)
			if unheld(bare) {
				continue
			}
			// A schema is of an object here: the suite's is that of its one property, and its
			// references lead there.
			bare = strings.ReplaceAll(strings.ReplaceAll(bare, `"$ref":"#/`, `"$ref":"#/properties/v/`), `"$ref":"#"`, `"$ref":"#/properties/v"`)
			s, err := schema.Read([]byte(`{"type":"object","properties":{"v":`+bare+`}}`), schema.Options{})
			if err != nil {
				t.Errorf("%s, %s: %v", filepath.Base(file), g.Description, err)
				continue
			}
			for _, c := range g.Tests {
				var v any
				if err := json.Unmarshal(c.Data, &v); err != nil {
					t.Fatal(err)
				}
				held := s.Check(t.Context(), map[string]any{"v": v})
				ran++
				if (held == nil) != c.Valid && (held != nil || len(s.Notes()) == 0) {
					t.Errorf("%s, %s, %s: %v, want valid %v\n%s\n%s", filepath.Base(file), g.Description, c.Description, held, c.Valid, s.Text(), c.Data)
				}
			}
		}
	}
	if ran < 700 {
		t.Errorf("only %d cases ran", ran)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{doubled(6), chained(6), `{"type":"object","properties":{"a":{"oneOf":[{"$ref":"#"},{"type":"string"}],"default":1}},"additionalProperties":false}`} {
		f.Add(text, `{"a":{"a":[1,2.5,null,"x"]}}`)
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		s, err := schema.Read([]byte(text), schema.Options{})
		if err != nil {
			return
		}
		again, err := schema.Read(s.Text(), schema.Options{})
		if err != nil || len(s.Text()) > schema.MaxText {
			t.Fatalf("%s, written out as %s: %v", text, s.Text(), err)
		}
		var v map[string]any
		if json.Unmarshal([]byte(value), &v) != nil || v == nil {
			return
		}
		s.Fill(v)
		first, second := s.Check(t.Context(), v), again.Check(t.Context(), v)
		if (first == nil) != (second == nil) {
			t.Fatalf("%s: %v, and written out as %s: %v", text, first, s.Text(), second)
		}
	})
}
