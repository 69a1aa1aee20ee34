package api

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ToolsPath is where agents elsewhere call their jobs' tools (Model Context
// Protocol, streamable HTTP).
const ToolsPath = "/mcp"

// agents serves agents elsewhere. They show their job's token with each request,
// and nothing else lets them in: no cookie, and no parameter of the URL.
func (s *service) agents(mux *http.ServeMux) {
	if s.Tools == nil {
		return
	}
	mux.HandleFunc(ToolsPath, func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" && !s.near(origin) {
			writeProblem(w, r, newProblem(http.StatusForbidden, "foreign", "Denied", "a page of another site may not ask this"))
			return
		}
		r.Header.Del("Cookie")
		s.Tools.ServeHTTP(w, r)
	})
}

// near says whether an origin is this machine's, or the server's own.
func (s *service) near(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	if base, err := url.Parse(s.base()); err == nil && base.Host == u.Host && base.Scheme == u.Scheme {
		return true
	}
	host := u.Hostname()
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")).IsLoopback()
}
