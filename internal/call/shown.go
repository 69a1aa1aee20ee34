package call

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of what people are shown of a call.
const (
	maxText  = 16 << 10 // bytes of one text
	maxShown = 256 << 10
)

// marked is how a value begins that the guard took out.
const marked = "[hotcell:"

// shown are the arguments as a person sees them: those that the gateway's guard
// went over, which must be the arguments themselves but for what it took out.
func (a *attempt) shown() (json.RawMessage, *refusal) {
	came, guarded := map[string]any{}, map[string]any{}
	text := a.request.Shown
	if offers := a.menu.tools[a.request.Tool]; len(text) > 0 && len(offers) > 1 {
		if _, rest, err := without(text, argumentOf(offers)); err == nil {
			text = rest
		}
	}
	if exactly(a.raw, &came) != nil || len(text) > 0 && exactly(text, &guarded) != nil || !alike(came, guarded) {
		return nil, refused(codeInvalid, "these arguments cannot be shown to the person who has to approve the call")
	}
	for name, value := range a.args {
		if _, there := guarded[name]; there {
			continue
		}
		var usual any // the schema's, which is not to be changed here
		if text, err := json.Marshal(value); err == nil && exactly(text, &usual) == nil {
			guarded[name] = usual
		}
	}
	out, err := json.Marshal(shorten(guarded))
	if err != nil || len(out) > maxShown {
		return nil, refused(codeInvalid, "these arguments are too much for a person to look at: make the call smaller")
	}
	return visible(out), nil
}

// exactly decodes JSON with numbers as they are written.
func exactly(text []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(to)
}

// alike says whether guarded is came, but for texts that the guard marked.
func alike(came, guarded any) bool {
	if text, ok := guarded.(string); ok && strings.Contains(text, marked) {
		_, object := came.(map[string]any)
		_, list := came.([]any)
		return !object && !list
	}
	switch came := came.(type) {
	case map[string]any:
		other, ok := guarded.(map[string]any)
		if !ok || len(other) != len(came) {
			return false
		}
		for name, value := range came {
			theirs, there := other[name]
			if !there || !alike(value, theirs) {
				return false
			}
		}
		return true
	case []any:
		other, ok := guarded.([]any)
		if !ok || len(other) != len(came) {
			return false
		}
		for i := range came {
			if !alike(came[i], other[i]) {
				return false
			}
		}
		return true
	}
	return came == guarded
}

// shorten cuts texts that nobody would read to their end, and says so.
func shorten(value any) any {
	switch value := value.(type) {
	case string:
		if len(value) <= maxText {
			return value
		}
		end := maxText
		for !utf8.RuneStart(value[end]) {
			end--
		}
		return fmt.Sprintf("%s… [%d bytes more]", value[:end], len(value)-end)
	case map[string]any:
		for name := range value {
			value[name] = shorten(value[name])
		}
	case []any:
		for i := range value {
			value[i] = shorten(value[i])
		}
	}
	return value
}

// visible writes what cannot be seen in a text, or turns it around, as escapes.
func visible(text []byte) []byte {
	if !bytes.ContainsFunc(text, hidden) {
		return text
	}
	var out bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !hidden(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

func hidden(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.IsControl(r) && r != '\n'
}
