package hotcell

import (
	"slices"
	"strings"
)

// WayIn is how a login signs in: the requests that people have said yes to, and no
// other gets anything of it. Most sites have one step; one that asks for a code has
// two; a site that changed its form has those of before as well.
type WayIn struct {
	Steps []WayStep `json:"steps"`
}

// MaxSteps is how many steps the way of one login has at most.
const MaxSteps = 64

// WayStep is one request that signs in, at the login's site. It holds no value.
type WayStep struct {
	// Fill is true of a step in fill mode: there the browser types the values into a
	// form, and what sends them is the page. The fields below are then what the form
	// declares; empty where it leaves that to a script.
	Fill bool `json:"fill,omitempty"`
	// Page is the path of the page that has the form. In fill mode it must be this one.
	Page string `json:"page,omitempty"`
	// Method is POST or PUT; Path is as it is sent, escaped, without its query.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Query are the parameters of the query, in order of their names: "name=value"
	// where the value is a word by which a site tells its pages apart, "name" where
	// it may be any.
	Query []string `json:"query,omitempty"`
	// Kind is the media type of the body, without parameters; empty for none.
	Kind string `json:"kind,omitempty"`
	// Password is the field that takes the password, Code the one that takes the
	// one-time code, or those that take a digit each. Fields of forms are written as
	// their names, of JSON as pointers (RFC 6901), of XML as paths that begin with "<".
	// A body that is the value itself has the field ".".
	Password string   `json:"password,omitempty"`
	Code     []string `json:"code,omitempty"`
	// Others are the body's other fields, written as those of Query.
	Others []string `json:"others,omitempty"`
}

// Is says whether two steps are the same request.
func (s *WayStep) Is(other *WayStep) bool {
	page := !s.Fill || s.Page == other.Page
	return page && s.Fill == other.Fill && s.Method == other.Method && s.Path == other.Path && s.Kind == other.Kind && s.Password == other.Password &&
		slices.Equal(s.Query, other.Query) && slices.Equal(s.Code, other.Code) && slices.Equal(s.Others, other.Others)
}

// Check refuses a step that is none.
func (s *WayStep) Check() error {
	size := len(s.Page) + len(s.Path) + len(s.Kind) + len(s.Password)
	for _, list := range [][]string{s.Query, s.Code, s.Others} {
		for _, one := range list {
			size += len(one)
		}
	}
	switch {
	case size > maxStep || len(s.Code) > maxBoxes:
		return Invalid("/way", "a step of a way in has at most %d bytes", maxStep)
	case s.Password == "" && len(s.Code) == 0:
		return Invalid("/way", "a step of a way in has a field for a password or a code")
	case s.Fill && !strings.HasPrefix(s.Page, "/"):
		return Invalid("/way", "a form is on a page")
	case s.Fill:
		return nil
	case !slices.Contains([]string{"POST", "PUT"}, s.Method) || !strings.HasPrefix(s.Path, "/"):
		return Invalid("/way", "a step of a way in is a POST or PUT to a path")
	}
	return nil
}

// The bounds of a step, in bytes and in fields for one digit each.
const (
	maxStep  = 16 << 10
	maxBoxes = 10
)

// Has says whether the way has a step.
func (w *WayIn) Has(s *WayStep) bool {
	return w != nil && slices.ContainsFunc(w.Steps, func(one WayStep) bool { return one.Is(s) })
}

// Knows says whether the way has some step of a mode.
func (w *WayIn) Knows(fill bool) bool { return len(w.Of(fill)) > 0 }

// Of are the steps of a mode.
func (w *WayIn) Of(fill bool) (out []WayStep) {
	if w == nil {
		return nil
	}
	for _, one := range w.Steps {
		if one.Fill == fill {
			out = append(out, one)
		}
	}
	return out
}

// With is the way with a step more.
func (w *WayIn) With(s WayStep) (*WayIn, error) {
	if err := s.Check(); err != nil {
		return w, err
	}
	if w.Has(&s) {
		return w, nil
	}
	out := &WayIn{}
	if w != nil {
		out.Steps = slices.Clone(w.Steps)
	}
	if len(out.Steps) >= MaxSteps {
		return w, Invalid("/way", "a login has at most %d steps of a way in: forget those that there are, with hotcell logins set --forget-way", MaxSteps)
	}
	out.Steps = append(out.Steps, s)
	return out, nil
}
