package connector

import (
	"net/url"
	"strings"
	"time"

	"hotcell"
)

// probe is a request that changes nothing, below the base.
var probe = requestDocument{Method: "GET", Path: "/${args.path}", Query: "${args.query}"}

// Probe begins to ask for one path below the base, which a person names: nothing is
// read of the answer but whether it is one.
func (c *Connector) Probe(path string, settings map[string]string, now time.Time) (*Run, error) {
	wrong := hotcell.Invalid("/path", "a path begins with /, and follows the service's address: /me or /v1/account?limit=1")
	u, err := url.Parse(path)
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || u.Fragment != "" || len(path) > 2000 {
		return nil, wrong
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, wrong
	}
	segments, parameters := []any{}, map[string]any{}
	for part := range strings.SplitSeq(strings.Trim(u.EscapedPath(), "/"), "/") {
		segment, err := url.PathUnescape(part)
		if err != nil || segment == "" && len(u.Path) > 1 {
			return nil, wrong
		}
		segments = append(segments, segment)
	}
	for name, values := range query {
		list := []any{}
		for _, v := range values {
			list = append(list, v)
		}
		parameters[name] = list
	}
	r, err := newRequest(&probe, "")
	if err != nil {
		return nil, err
	}
	in := vars(Input{Args: map[string]any{"path": segments, "query": parameters}, Settings: settings, Now: now})
	return &Run{connector: c, settings: settings, vars: in, tool: &Tool{steps: []step{{name: "probe", request: r}}}}, nil
}
