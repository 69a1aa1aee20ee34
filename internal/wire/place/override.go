package place

import (
	"net/http"
	"slices"
	"strings"
)

// Override finds what in a request's head makes it another one than its first line
// says: another method, another path, another host. Frameworks and proxies take
// these; where an attachment is narrowed to methods or paths, they lead around it.
func Override(h http.Header, rawQuery string) (at Place, found bool) {
	for name := range h {
		if overridesHeader(name) {
			return Place{Header, name}, true
		}
	}
	for name := range Parameters(rawQuery) {
		if OverridesField(name) {
			return Place{Query, name}, true
		}
	}
	return at, false
}

// overrides are headers' names, in the form of loose, of which none has to do with
// what a client wants of a service.
var overrides = []string{
	"xhttpmethod", "xmethod", "xhttpmethodoverride", "xmethodoverride", "httpmethodoverride", "methodoverride", "httpmethod", "xhttpverb", "xverb", "xrequestmethod", "requestmethod", "xoriginalmethod",
	"xoriginalurl", "xoriginaluri", "xoriginalpath", "originalurl", "xrewriteurl", "xrewriteuri", "rewriteurl", "xrequesturi", "requesturi", "xrequesturl", "xenvoyoriginalpath", "xwawsunencodedurl",
	"xproxyurl", "xaccelredirect", "xsendfile", "baseurl", "httpurl", "proxyurl", "url", "uri", "xurl", "xuri", "xpath", "xhost", "xhttphostoverride", "xhttppathoverride", "forwarded", "forwardedhost",
	"xforwarded", "xforwarder", "xscriptname", "scriptname", "pathinfo", "xpathinfo", "xapiversionpath", "destination",
}

func overridesHeader(name string) bool {
	plain := loose(name)
	return strings.HasPrefix(plain, "xforwarded") || strings.HasSuffix(plain, "override") || strings.Contains(plain, "methodoverride") || slices.Contains(overrides, plain)
}

// overridingFields are parameters' and fields' names, in lower case.
var overridingFields = []string{
	"_method", "$method", "__method", "_httpmethod", "_http_method", "http_method_override", "method_override", "_method_override", "x-http-method-override", "x_http_method_override",
	"x-http-method", "x-method-override", "httpmethodoverride", "rest_route", "_url", "x-original-url", "x-rewrite-url",
}

// OverridesField says whether a parameter, or a field of a body, makes a request
// one of another method or path: Rails, Laravel, Symfony and Express take _method,
// Google's APIs $method and X-HTTP-Method-Override, WordPress rest_route.
func OverridesField(name string) bool {
	if at := strings.IndexByte(name, '['); at > 0 {
		name = name[:at]
	}
	return slices.Contains(overridingFields, strings.ToLower(strings.TrimSpace(name)))
}

// Batch finds a segment of a path at which a service takes requests within a
// body, each of its own method and path; empty where there is none.
func Batch(host, path string) string {
	known := []string{"$batch", "%24batch"}
	for _, s := range of(host) {
		known = append(known, s.batch...)
	}
	for segment := range strings.SplitSeq(path, "/") {
		if slices.Contains(known, strings.ToLower(segment)) {
			return segment
		}
	}
	return ""
}
