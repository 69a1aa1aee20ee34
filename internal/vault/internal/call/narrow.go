package call

import (
	"encoding/json"
	"maps"
	"slices"
)

// fixed are the values that arguments may have, by their names; what is not in it may
// have any.
type fixed map[string][]any

// fixed are the values that the offer's rules leave.
func (o *offer) fixed() fixed {
	out := fixed{}
	for _, r := range o.rules {
		for _, f := range r.program.Fixes() {
			if before, there := out[f.Argument]; there {
				f.Values = both(before, f.Values)
			}
			out[f.Argument] = f.Values
		}
	}
	return out
}

// common are the values that one of the offers leaves, of what each fixes: which of
// them goes with which connection, the description says.
func common(offers []*offer) fixed {
	out := offers[0].fixed()
	for _, o := range offers[1:] {
		others := o.fixed()
		for name, values := range out {
			more, there := others[name]
			if !there {
				delete(out, name)
				continue
			}
			for _, value := range more {
				if !has(values, value) {
					values = append(values, value)
				}
			}
			out[name] = values
		}
	}
	return out
}

// both are the values that are in both lists.
func both(a, b []any) []any {
	return slices.DeleteFunc(slices.Clone(a), func(value any) bool { return !has(b, value) })
}

// has says whether a value is in a list, as JSON has it: 1 is 1.0.
func has(list []any, value any) bool {
	text, err := json.Marshal(value)
	return err == nil && slices.ContainsFunc(list, func(other any) bool {
		theirs, err := json.Marshal(other)
		return err == nil && string(theirs) == string(text)
	})
}

// narrow is a tool's schema with what rules fix: an agent sees what it may say.
func narrow(input json.RawMessage, fixed fixed) json.RawMessage {
	var schema map[string]any
	if len(fixed) == 0 || json.Unmarshal(input, &schema) != nil {
		return input
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(fixed)) {
		if property, there := properties[name].(map[string]any); there {
			fix(schema, property, name, fixed[name])
		}
	}
	out, err := json.Marshal(schema)
	if err != nil {
		return input
	}
	return out
}

// fix says of one property what it may be.
func fix(schema, property map[string]any, name string, values []any) {
	if listed, there := property["enum"].([]any); there {
		values = both(values, listed)
	}
	switch len(values) {
	case 0:
		return // no call is let through: what is not true of any is not told of one
	case 1:
		property["const"] = values[0]
		delete(property, "enum")
	default:
		property["enum"] = values
	}
	if _, usual := property["default"]; usual {
		return
	}
	required, _ := schema["required"].([]any)
	if !slices.Contains(required, any(name)) {
		schema["required"] = append(required, name)
	}
}
