package call

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// connectionArgument says which connection a call is for, where more than one has
// the tool, and none of them has an argument of this name of its own.
const connectionArgument = "connection"

// argumentOf is the argument that says which connection a call is for: one that is
// none of the tool's own, which would be taken from it.
func argumentOf(offers []*offer) string {
	name := connectionArgument
	for range offers {
		if !slices.ContainsFunc(offers, func(o *offer) bool { return o.takes(name) }) {
			break
		}
		name = "hotcell_" + name
	}
	return name
}

// takes says whether a tool has an argument of a name.
func (o *offer) takes(name string) bool {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(o.tool.Input, &schema) != nil {
		return false
	}
	_, has := schema.Properties[name]
	return has
}

// aliasesOf are by what connections that have the same tool are told apart, in their
// order: by their names; those of one name by their groups, within which names are
// unique, and else by their ids. No two are alike.
func aliasesOf(offers []*offer) []string {
	out := make([]string, 0, len(offers))
	for _, o := range offers {
		out = append(out, o.alias())
	}
	group := func(o *offer) string {
		if o.held.Credential.Shared {
			return "shared"
		}
		return "personal"
	}
	id := func(o *offer) string { return string(o.held.Credential.ID) }
	for _, more := range []func(*offer) string{group, id} {
		before := slices.Clone(out)
		for i, o := range offers {
			if among(before, before[i]) > 1 {
				out[i] = fmt.Sprintf("%s (%s)", o.alias(), more(o))
			}
		}
	}
	return out
}

func among(list []string, text string) (n int) {
	for _, one := range list {
		if one == text {
			n++
		}
	}
	return n
}

// listed are the connections that a call may be for.
func listed(offers []*offer) string {
	var out []string
	for i, alias := range aliasesOf(offers) {
		out = append(out, fmt.Sprintf("%q (%s)", alias, offers[i].who()))
	}
	return strings.Join(out, ", ")
}

// called is what the connection of an offer is called beside others of its tool.
func (m *menu) called(o *offer) string {
	offers := m.tools[o.name]
	if i := slices.Index(offers, o); i >= 0 {
		return aliasesOf(offers)[i]
	}
	return o.alias()
}
