package connector

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hotcell"
)

// lineOf is the line that an error of YAML names.
var lineOf = regexp.MustCompile(`^\[(\d+):\d+\] (.*)`)

// Lint says what is wrong with a document: all faults that keep it from being
// read; without one, what an agent or a person would miss in it.
func Lint(text []byte) []Problem {
	misshapen := shaped(text)
	if broken, ok := errors.AsType[*yamlError](misshapen); ok {
		return []Problem{broken.problem()}
	}
	at := newLines(text)
	d, err := read(text)
	if broken, ok := errors.AsType[*yamlError](err); ok {
		if misshapen == nil {
			return []Problem{broken.problem()}
		}
		return at.problems(faults(misshapen))
	}
	var c *Connector
	if err == nil {
		c, err = compile(d)
	}
	all := faults(err)
	for _, one := range faults(misshapen) {
		if !slices.ContainsFunc(all, func(other *hotcell.FieldError) bool { return other.Pointer == one.Pointer }) {
			all = append(all, one)
		}
	}
	switch {
	case len(all) > 0:
		return at.problems(all)
	case err != nil:
		return []Problem{{Detail: "this document cannot be read"}}
	}
	return c.wishes(at)
}

// problem is an error of YAML with its line.
func (e *yamlError) problem() Problem {
	first, _, _ := strings.Cut(e.Error(), "\n")
	p := Problem{Detail: first}
	if m := lineOf.FindStringSubmatch(first); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		p.Detail = m[2]
	}
	return p
}

// maxArgument is how long an argument may say that it can be, in characters.
const maxArgument = 4_000_000

// wishes are what a document reads well without, and should have.
func (c *Connector) wishes(at *lines) (out []Problem) {
	wish := func(path, detail string) { out = append(out, Problem{at.line(path), path, detail}) }
	if len(c.Advise.Hosts) == 0 && c.Definition == "" {
		wish("/advise", "without hosts nobody is told of this connector")
	}
	for i, t := range c.Tools {
		path := "/tools/" + strconv.Itoa(i)
		if len(t.About) < 20 {
			wish(path+"/about", "this says too little for an agent")
		}
		if c.Auth.Kind == OAuth2 && len(t.Scopes) == 0 && len(c.Auth.Scopes) == 0 && len(c.Scopes(nil)) > 0 {
			wish(path+"/scopes", "no scope is asked for this tool")
		}
		for name, v := range propertiesOf(t.Input) {
			p := object1(v)
			if textOf(p["description"]) == "" && textOf(p["title"]) == "" {
				wish(path+"/input/properties/"+name, "an argument has a description, for the agent")
			}
			if most, _ := p["maxLength"].(int64); most > maxArgument {
				wish(path+"/input/properties/"+name+"/maxLength", "no agent can send so much: a call has at most 4 MiB")
			}
		}
	}
	return out
}

// propertiesOf are the properties that a schema names, as it writes them.
func propertiesOf(input json.RawMessage) map[string]any {
	whole, err := lenient(input)
	if err != nil {
		return nil
	}
	return object1(object1(whole)["properties"])
}
