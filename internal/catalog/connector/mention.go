package connector

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hotcell"
)

// known is what the expressions in a place may speak of, by variable; a variable
// that is not in it may have any field.
type known map[string][]string

// check holds the expressions of a text against what there is.
func (k known) check(path string, t *text) (err error) {
	if t == nil {
		return nil
	}
	for i := range t.parts {
		p := &t.parts[i]
		for _, variable := range []string{"args", "settings", "steps", "account", "call"} {
			fields, bound := k[variable]
			for _, name := range p.mentions(variable) {
				if bound && !slices.Contains(fields, name) {
					err = errors.Join(err, hotcell.Invalid(path, "there is no %s.%s", variable, name))
				}
			}
		}
	}
	return err
}

func (p *part) mentions(variable string) []string {
	switch {
	case p.program != nil:
		return p.program.Mentions(variable)
	case len(p.path) > 1 && p.path[0] == variable:
		return p.path[1:2]
	}
	return nil
}

func (k known) tree(path string, t *tree) (err error) {
	if t == nil {
		return nil
	}
	err = k.check(path, t.leaf)
	for i, one := range t.list {
		err = errors.Join(err, k.tree(fmt.Sprintf("%s/%d", path, i), one))
	}
	for _, name := range t.keys {
		err = errors.Join(err, k.tree(path+"/"+name, t.fields[name]))
	}
	return err
}

func (k known) request(path string, r *request) error {
	if r == nil {
		return nil
	}
	errs := []error{k.check(path+"/path", r.path), k.check(path+"/url", r.url), k.tree(path+"/query", r.all), k.tree(path+"/json", r.json)}
	for below, list := range map[string][]named{"/query/": r.query, "/headers/": r.headers, "/form/": r.form} {
		for _, one := range list {
			errs = append(errs, k.tree(path+below+one.name, one.tree))
		}
	}
	for i, p := range r.multipart {
		for _, one := range []*text{p.name, p.value, p.filename, p.kind, p.base64} {
			errs = append(errs, k.check(fmt.Sprintf("%s/multipart/%d", path, i), one))
		}
	}
	if r.body != nil {
		errs = append(errs, k.check(path+"/body", r.body.kind), k.check(path+"/body", r.body.text), k.check(path+"/body", r.body.base64))
	}
	return errors.Join(errs...)
}

func (k known) failing(path string, f *failing) error {
	if f == nil {
		return nil
	}
	return errors.Join(k.check(path+"/when", f.when), k.check(path+"/message", f.message), k.check(path+"/retry", f.retry), k.check(path+"/wait", f.wait), k.check(path+"/unknown", f.unknown))
}

// tool holds all expressions of a tool against its arguments and steps.
func (k known) tool(path string, t *Tool) error {
	k = known{"settings": k["settings"], "account": k["account"], "call": k["call"]}
	if names, all := t.Names(); all {
		k["args"] = names
	}
	single := len(t.steps) == 1 && t.steps[0].name == onlyStep
	var errs []error
	k["steps"] = []string{}
	for i, s := range t.steps {
		below := path + "/request"
		if !single {
			below = fmt.Sprintf("%s/steps/%d/request", path, i)
		}
		errs = append(errs, k.request(below, s.request), k.check(strings.TrimSuffix(below, "/request")+"/when", s.when))
		if !single {
			k["steps"] = append(k["steps"], s.name)
		}
	}
	errs = append(errs, k.failing(path+"/errors", t.errors), k.tree(path+"/result", t.result))
	if p := t.pages; p != nil {
		errs = append(errs, k.check(path+"/pages/items", p.items), k.check(path+"/pages/next", p.next), k.check(path+"/pages/limit", p.limit))
	}
	if c := t.content; c != nil {
		errs = append(errs, k.check(path+"/content/type", c.kind), k.check(path+"/content/base64", c.base64), k.check(path+"/content/text", c.text), k.check(path+"/content/name", c.name))
	}
	return errors.Join(errs...)
}

// mentions holds the expressions of a document against its settings, arguments
// and steps.
func (c *Connector) mentions() error {
	k := known{"settings": {}, "account": {"id", "name"}, "call": {"id"}, "steps": {}}
	for _, s := range c.Settings {
		k["settings"] = append(k["settings"], s.Name)
	}
	errs := []error{k.check("/base", c.base)}
	errs = append(errs, c.account.mentions("/account", k["settings"]))
	errs = append(errs, known{"settings": k["settings"]}.failing("/errors", c.errors))
	for i, way := range c.Ways() {
		if s := way.Auth.Subject; s != "" && !slices.Contains(k["settings"], s) {
			errs = append(errs, hotcell.Invalid(c.wayPath(i)+"/subject", "there is no setting %q", s))
		}
		if r := way.Auth.revoke; r != nil {
			k := known{"settings": k["settings"], "args": {"token", "client"}, "steps": {}}
			errs = append(errs, k.request(c.wayPath(i)+"/revoke/request", r.request))
		}
		errs = append(errs, way.Auth.account.mentions(c.wayPath(i)+"/account", k["settings"]))
	}
	for i, t := range c.Tools {
		errs = append(errs, k.tool(fmt.Sprintf("/tools/%d", i), t))
	}
	return errors.Join(errs...)
}

func (a *account) mentions(path string, settings []string) error {
	if a == nil {
		return nil
	}
	k := known{"settings": settings, "args": {}, "steps": {}, "call": {}}
	if a.client != "" {
		k["args"] = []string{"token", "client"}
	}
	return errors.Join(k.request(path+"/request", a.request), k.check(path+"/id", a.id), k.check(path+"/name", a.name))
}

// wayPath is where in a document a way of authorisation is.
func (c *Connector) wayPath(i int) string {
	if len(c.ways) == 0 {
		return "/auth"
	}
	return fmt.Sprintf("/auth/%d", i)
}
