package connector

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"hotcell"
)

// lineOf is the line that an error of YAML names.
var lineOf = regexp.MustCompile(`^\[(\d+):\d+\] (.*)`)

// Lint says what is wrong with a document: the first fault that keeps it from
// being read, and what an agent or a person would miss in it.
func Lint(text []byte) []Problem {
	c, err := Parse(text)
	if err == nil {
		return c.wishes(text)
	}
	if y, ok := errors.AsType[*yamlError](err); ok {
		first, _, _ := strings.Cut(y.Error(), "\n")
		p := Problem{Detail: first}
		if m := lineOf.FindStringSubmatch(first); m != nil {
			p.Line, _ = strconv.Atoi(m[1])
			p.Detail = m[2]
		}
		return []Problem{p}
	}
	if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
		return []Problem{{Line: line(text, field.Pointer), Path: field.Pointer, Detail: field.Reason}}
	}
	return []Problem{{Detail: "this document cannot be read"}}
}

// wishes are what a document reads well without, and should have.
func (c *Connector) wishes(text []byte) (out []Problem) {
	wish := func(path, detail string) { out = append(out, Problem{line(text, path), path, detail}) }
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
		for name, p := range t.schema.whole.Properties {
			if p.Description == "" && p.Title == "" {
				wish(path+"/input/properties/"+name, "an argument has a description, for the agent")
			}
		}
	}
	return out
}

// line is where in a document a pointer is; 0 where that is not known.
func line(text []byte, pointer string) int {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return 0
	}
	for pointer != "" {
		var path strings.Builder
		path.WriteString("$")
		for segment := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
			if _, err := strconv.Atoi(segment); err == nil {
				path.WriteString("[" + segment + "]")
			} else {
				path.WriteString(".'" + strings.ReplaceAll(segment, "'", "") + "'")
			}
		}
		if p, err := yaml.PathString(path.String()); err == nil {
			if node, err := p.FilterFile(file); err == nil && node != nil && node.GetToken() != nil {
				return node.GetToken().Position.Line
			}
		}
		pointer = pointer[:strings.LastIndexByte(pointer, '/')]
	}
	return 1
}
