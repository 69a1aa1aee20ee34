package schema

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// maxWanted is how many characters of what a schema wants are told.
const maxWanted = 300

// Wants says what the schema wants at the fault's place, in its author's words and
// never in the value's: "an integer", "one of "a", "b"". Empty where no few words can.
func (f *Fault) Wants() string {
	if f.node == nil {
		return ""
	}
	out := f.node.wants(f.Keyword)
	if letters := []rune(out); len(letters) > maxWanted {
		out = string(letters[:maxWanted]) + "…"
	}
	return out
}

// kindWords are the types as people say them.
var kindWords = map[string]string{
	kindNull: "null", kindBoolean: "true or false", kindString: "a text", kindArray: "a list", kindObject: "an object", kindInteger: "an integer", kindNumber: "a number",
}

func (n *node) wants(keyword string) string {
	switch keyword {
	case "type":
		var kinds []string
		for _, kind := range n.kinds {
			kinds = append(kinds, kindWords[kind])
		}
		return strings.Join(kinds, " or ")
	case "enum":
		return "one of " + jsonList(n.enum)
	case "const":
		return jsonList([]any{*n.constant})
	case "required":
		return "the arguments " + strings.Join(n.required, ", ")
	case "dependentRequired":
		return "other arguments beside one that is given"
	case "additionalProperties":
		return "no arguments but " + strings.Join(n.names, ", ")
	case "pattern":
		return "a text that matches " + n.pattern.re.String()
	case "uniqueItems":
		return "a list in which nothing is there twice"
	case "multipleOf":
		return "a multiple of " + n.multiple.String()
	}
	return n.amount(keyword)
}

// amount is what a keyword that bounds something wants.
func (n *node) amount(keyword string) string {
	for _, bound := range []struct {
		keyword, words string
		most           *int
	}{
		{"minLength", "at least %d characters", n.minLength}, {"maxLength", "at most %d characters", n.maxLength},
		{"minItems", "at least %d in the list", n.minItems}, {"maxItems", "at most %d in the list", n.maxItems},
		{"minProperties", "at least %d fields", n.minFields}, {"maxProperties", "at most %d fields", n.maxFields},
	} {
		if bound.keyword == keyword && bound.most != nil {
			return fmt.Sprintf(bound.words, *bound.most)
		}
	}
	for _, bound := range []struct {
		keyword, words string
		than           *number
	}{
		{"minimum", "at least", n.minimum}, {"maximum", "at most", n.maximum}, {"exclusiveMinimum", "more than", n.above}, {"exclusiveMaximum", "less than", n.below},
	} {
		if bound.keyword == keyword && bound.than != nil {
			return bound.words + " " + bound.than.String()
		}
	}
	return ""
}

// String is the number as JSON has it.
func (n number) String() string {
	if n.exact {
		return strconv.FormatInt(n.whole, 10)
	}
	return strconv.FormatFloat(n.float, 'g', -1, 64)
}

// jsonList writes values that a schema names.
func jsonList(values []any) string {
	var out []string
	for _, v := range values {
		if text, err := json.Marshal(v); err == nil {
			out = append(out, string(text))
		}
	}
	return strings.Join(out, ", ")
}
