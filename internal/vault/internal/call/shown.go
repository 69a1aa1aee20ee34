package call

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"hotcell/internal/text/words"
)

// maxShown bounds, in bytes, what people are shown of a call: all of it.
const maxShown = 256 << 10

// marks are what the guard puts in the place of a value, and minHidden is how long,
// in bytes, the shortest value is that it looks for.
var marks = regexp.MustCompile(`\[hotcell:[^\]]*\]`)

const minHidden = 6

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
	out, err := json.Marshal(guarded)
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

// alike says whether guarded is came, but for what the guard took out of texts.
func alike(came, guarded any) bool {
	switch came := came.(type) {
	case string:
		other, ok := guarded.(string)
		return ok && (came == other || covers(came, other))
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

// covers says whether guarded is came with marks in the place of some of it: all
// around them is there, in its order, and each hides enough to be a value.
func covers(came, guarded string) bool {
	pieces := marks.Split(guarded, -1)
	last := len(pieces) - 1
	if last == 0 {
		return false
	}
	came, begins := strings.CutPrefix(came, pieces[0])
	came, ends := strings.CutSuffix(came, pieces[last])
	if !begins || !ends {
		return false
	}
	for _, piece := range pieces[1:last] {
		if len(came) < minHidden {
			return false
		}
		_, rest, there := strings.Cut(came[minHidden:], piece)
		if !there {
			return false
		}
		came = rest
	}
	return len(came) >= minHidden
}

// visible writes what cannot be seen in a text, or turns it around, as escapes.
func visible(text []byte) []byte {
	if !bytes.ContainsFunc(text, words.Hidden) {
		return text
	}
	var out bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !words.Hidden(r):
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
