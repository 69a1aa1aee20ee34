package advice

import (
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
)

// Keyed is the way of a connector that takes a key which begins so; nil where none
// does.
func Keyed(c *connector.Connector, begins string) *connector.Connector {
	for _, way := range c.Ways() {
		if way.Auth.Takes(begins) {
			return way
		}
	}
	return nil
}

// By is what names a way on the command line, where it is not the first that takes a
// key.
func By(c, way *connector.Connector) string {
	for _, first := range c.Ways() {
		if first.Auth.Kind.Signs() {
			continue
		}
		if first.Auth.Kind == way.Auth.Kind {
			return ""
		}
		break
	}
	return " --auth " + string(way.Auth.Kind)
}

// ofToken is for who has a token that begins so.
func ofToken(c *connector.Connector, begins string) (out []vaultrpc.Advice) {
	reason := "tokens that begin with " + begins + " are " + c.Name + "'s"
	way := Keyed(c, begins)
	if way == nil {
		return []vaultrpc.Advice{connect(c, reason)}
	}
	first := connect(c, reason)
	first.Command += By(c, way) + " --api-key-file FILE"
	out = append(out, first)
	if c.Auth.Kind.Signs() {
		out = append(out, connect(c, "or by signing in: then the access is granted for this alone, and can be taken away at "+c.Name))
	}
	return out
}

// ofName is for who has a variable of this name.
func ofName(c *connector.Connector, name string) (out []vaultrpc.Advice) {
	reason := name + " usually holds a token of " + c.Name
	out = append(out, connect(c, reason))
	for _, way := range c.Ways() {
		if way.Auth.Kind.Keyed() {
			with := connect(c, "with the value that a secret has in "+name)
			with.Command += By(c, way) + " --from-secret SECRET/" + name
			return append(out, with)
		}
	}
	return out
}
