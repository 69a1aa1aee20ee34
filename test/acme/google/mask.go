package google

import (
	"strings"

	"github.com/go-json-experiment/json"
)

// optional are fields that an answer may lack although there are such.
var optional = map[string]bool{
	"nextPageToken": true, "incompleteSearch": true, "files": true, "size": true, "webViewLink": true, "parents": true, "driveId": true,
	"gridProperties": true, "sheets": true, "labelIds": true, "messages": true, "items": true, "resultSizeEstimate": true, "trashed": true, "description": true,
}

// mask is which fields of an answer are wanted; nil is all.
type mask map[string]mask

// masked is an answer with the fields that a partial answer was asked for.
func masked(answer any, fields string) (any, *Fault) {
	if _, raw := answer.(*blob); raw || answer == nil || fields == "*" {
		return answer, nil
	}
	m, rest, ok := readMask(fields)
	if !ok || rest != "" {
		return nil, invalid("Invalid field selection " + fields)
	}
	text, err := json.Marshal(answer)
	var plain any
	if err == nil {
		err = json.Unmarshal(text, &plain)
	}
	if err != nil {
		return nil, invalid("Invalid field selection " + fields)
	}
	return m.of(plain)
}

// readMask reads a,b(c,d),e.f up to what closes it.
func readMask(text string) (m mask, rest string, ok bool) {
	m = mask{}
	for {
		end := strings.IndexAny(text+",", ",()./")
		name := text[:min(end, len(text))]
		text = text[len(name):]
		if name == "" {
			return nil, text, false
		}
		var inner mask
		switch {
		case strings.HasPrefix(text, "("):
			if inner, text, ok = readMask(text[1:]); !ok || !strings.HasPrefix(text, ")") {
				return nil, text, false
			}
			text = text[1:]
		case strings.HasPrefix(text, "."), strings.HasPrefix(text, "/"):
			// What follows is one name below, with what it has.
			end := strings.IndexAny(text+",", ",)")
			if inner, _, ok = readMask(text[1:min(end, len(text))]); !ok {
				return nil, text, false
			}
			text = text[min(end, len(text)):]
		}
		m.add(name, inner)
		if !strings.HasPrefix(text, ",") {
			return m, text, true
		}
		text = text[1:]
	}
}

func (m mask) add(name string, inner mask) {
	before, there := m[name]
	if there && before != nil && inner != nil {
		for k, v := range inner {
			before.add(k, v)
		}
		return
	}
	m[name] = inner
}

func (m mask) of(v any) (any, *Fault) {
	switch v := v.(type) {
	case []any:
		for i, one := range v {
			var f *Fault
			if v[i], f = m.of(one); f != nil {
				return nil, f
			}
		}
		return v, nil
	case map[string]any:
		out := map[string]any{}
		for name, inner := range m {
			one, there := v[name]
			if !there && !optional[name] {
				return nil, invalid("Invalid field selection " + name)
			}
			if there && inner != nil {
				var f *Fault
				if one, f = inner.of(one); f != nil {
					return nil, f
				}
			}
			if there {
				out[name] = one
			}
		}
		return out, nil
	}
	return nil, invalid("Invalid field selection")
}
