package hubspot

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"hotcell/test/acme/account"
	"hotcell/test/acme/twin"
)

// properties reads what a record is to have; problem says what is wrong with it.
func properties(kind string, v any) (out map[string]string, problem string) {
	in, is := v.(map[string]any)
	if !is {
		return nil, "properties are required"
	}
	out = map[string]string{}
	for name, value := range in {
		if !slices.Contains(known[kind], name) {
			return nil, fmt.Sprintf(`Property values were not valid: [{"isValid":false,"message":"Property \"%s\" does not exist","error":"PROPERTY_DOESNT_EXIST","name":"%s"}]`, name, name)
		}
		if value == nil {
			value = ""
		}
		out[name] = fmt.Sprint(value)
	}
	return out, ""
}

func (t *Twin) create(who account.Account, r *http.Request) (int, object) {
	kind := r.PathValue("kind")
	if known[kind] == nil {
		return missing()
	}
	if problem := lacks(who, kind, "write"); problem != nil {
		return http.StatusForbidden, problem
	}
	in, err := twin.Object(r)
	if err != nil {
		return invalid("Invalid input JSON on line 1, column 1")
	}
	if name, ok := twin.Known(in, "properties", "associations", "objectWriteTraceId"); !ok {
		return invalid("Invalid input JSON: unrecognised field %s", name)
	}
	values, problem := properties(kind, in["properties"])
	if problem != "" {
		return invalid("%s", problem)
	}
	if kind == "notes" && values["hs_timestamp"] == "" {
		return invalid(`Some required properties were not set: ["hs_timestamp"]`)
	}
	for _, other := range t.records {
		if kind == "contacts" && other.Kind == kind && values["email"] != "" && other.Properties["email"] == values["email"] {
			return http.StatusConflict, said("CONFLICT", "Contact already exists. Existing ID: "+other.ID)
		}
	}
	to, problem := t.associated(kind, in["associations"])
	if problem != "" {
		return invalid("%s", problem)
	}
	return http.StatusCreated, t.add(&Record{Kind: kind, Properties: values, To: to}).shown(known[kind])
}

// associated reads what a new record belongs to.
func (t *Twin) associated(kind string, v any) (out []string, problem string) {
	all, _ := v.([]any)
	for _, one := range all {
		m, _ := one.(map[string]any)
		to, _ := m["to"].(map[string]any)
		types, _ := m["types"].([]any)
		if len(types) != 1 || kind != "notes" {
			return nil, "An association has a type"
		}
		one, _ := types[0].(map[string]any)
		number, _ := one["associationTypeId"].(float64)
		id := fmt.Sprint(to["id"])
		name := associations[int(number)]
		switch {
		case one["associationCategory"] != "HUBSPOT_DEFINED" || name == "":
			return nil, fmt.Sprintf("%v isn't a valid association type", one["associationTypeId"])
		case t.find(name, id) == nil:
			return nil, "No " + name + " with ID " + id + " exists"
		}
		out = append(out, name+"/"+id)
	}
	return out, ""
}

func (t *Twin) change(who account.Account, r *http.Request) (int, object) {
	kind := r.PathValue("kind")
	if known[kind] == nil {
		return missing()
	}
	if problem := lacks(who, kind, "write"); problem != nil {
		return http.StatusForbidden, problem
	}
	one := t.find(kind, r.PathValue("id"))
	if one == nil {
		return missing()
	}
	in, err := twin.Object(r)
	if err != nil {
		return invalid("Invalid input JSON on line 1, column 1")
	}
	values, problem := properties(kind, in["properties"])
	if problem != "" {
		return invalid("%s", problem)
	}
	maps.Copy(one.Properties, values)
	return http.StatusOK, one.shown(slices.Collect(maps.Keys(values)))
}
