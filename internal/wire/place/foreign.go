package place

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Foreign finds the first place in a request's head that holds what could sign
// somebody in and is not ours. Cookies are left out: they are kept by whoever puts
// credentials on, and the request brings none. What is ours is so by its exact
// name: another spelling of it beside it is another place.
func Foreign(host string, h http.Header, rawQuery string, ours Set) (at Place, found bool) {
	takes := Set(Known(host))
	for name, values := range h {
		p := Place{Header, name}
		if name == "Cookie" || slices.Contains(ours, p) {
			continue
		}
		if !usual[name] && (signsInHeader(name) || takes.Has(p) || name == "Sec-Websocket-Protocol" && anyOf(values, bearing)) || anyOf(values, Credential) {
			return p, true
		}
	}
	for name, value := range Parameters(rawQuery) {
		p := Place{Query, name}
		if !slices.Contains(ours, p) && (signsInQuery(name) || takes.Has(p) || Credential(value)) {
			return p, true
		}
	}
	return at, false
}

// Parameters are the pairs of a query, decoded; what is not encoded as it should be
// stands as it is. Some servers take a semicolon for an ampersand.
func Parameters(rawQuery string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for pair := range strings.FieldsFuncSeq(rawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
			name, value, _ := strings.Cut(pair, "=")
			if !yield(decoded(name), decoded(value)) {
				return
			}
		}
	}
}

func decoded(text string) string {
	if out, err := url.QueryUnescape(text); err == nil {
		return out
	}
	return text
}

func anyOf(values []string, is func(string) bool) bool {
	return slices.ContainsFunc(values, is)
}

// usual are headers that clients send with nearly every request, and that sign
// nobody in: they are not looked at by name.
var usual = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Content-Type": true, "Content-Length": true, "Content-Encoding": true, "User-Agent": true, "Connection": true, "Date": true,
	"If-None-Match": true, "If-Match": true, "If-Modified-Since": true, "Idempotency-Key": true, "Range": true, "Te": true, "Trailer": true, "Origin": true, "Expect": true, "Cache-Control": true,
}

// bearing says whether a protocol of a WebSocket brings a token, as Kubernetes' does.
func bearing(value string) bool {
	low := strings.ToLower(value)
	for _, word := range []string{"bearer", "authorization", "token", "jwt", "apikey", "api-key", "secret"} {
		if strings.Contains(low, word) {
			return true
		}
	}
	return false
}

// schemes are what a credential has before it, whatever its header is called.
var schemes = []string{"bearer ", "basic ", "digest ", "negotiate ", "ssws ", "geniekey ", "apikey ", "aws4-hmac-sha256 ", "hawk "}

// shapes are how tokens begin that show by it whose they are.
var shapes = []string{
	"sk-ant-", "sk-proj-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "github_pat_", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "glpat-", "gldt-", "glptt-", "xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxo-", "xoxp-",
	"xoxr-", "xoxs-", "xapp-", "AKIA", "ASIA", "AIza", "ya29.", "GOCSPX-", "SG.", "npm_", "pypi-", "gsk_", "dop_v1_", "shpat_", "shpss_", "shpca_", "shppa_", "lin_api_", "lin_oauth_", "ntn_", "pat-na1-",
	"pat-eu1-", "figd_", "dckr_pat_", "hvs.", "sbp_",
}

// leastShaped is how long such a token is at least: a word that begins so is none.
const leastShaped = 16

// Credential says whether a whole value shows by itself that it signs somebody in.
func Credential(value string) bool {
	value = strings.TrimSpace(value)
	if len(value) < leastShaped || len(value) > 64<<10 {
		return false
	}
	for _, s := range schemes {
		if strings.EqualFold(value[:min(len(s), len(value))], s) {
			return true
		}
	}
	_, rest := Split(value)
	if strings.ContainsAny(rest, " ,;") {
		return false
	}
	for _, s := range shapes {
		if strings.HasPrefix(rest, s) && len(rest) >= leastShaped {
			return true
		}
	}
	return strings.HasPrefix(rest, "eyJ") && strings.Count(rest, ".") >= 2 // JSON Web Token, RFC 7519
}

// identities are headers that sign somebody in and do not show it by their end,
// in the form of loose: identities that proxies vouch for among them.
var identities = map[string]bool{
	"xauth": true, "xsession": true, "xsfdcsession": true, "xjfrogartapi": true, "xhoneycombteam": true, "cookie2": true, "xremoteuser": true, "remoteuser": true, "xforwardeduser": true,
	"xforwardedemail": true, "xwebauthuser": true, "xauthenticateduser": true, "xauthrequestuser": true, "xauthrequestemail": true, "xgoogauthenticateduseremail": true, "xgoogauthenticateduserid": true,
	"xclientcert": true, "xsslclientcert": true, "sslclientcert": true, "xforwardedclientcert": true, "xarrclientcert": true, "xmsclientprincipal": true, "xmsclientprincipalid": true,
	"xmsclientprincipalname": true, "xauthemail": true, "xauthuser": true,
}

// parameters are names in a query that sign somebody in and do not show it by
// their end, in the form of loose.
var parameters = map[string]bool{
	"key": true, "accesskeyid": true, "awsaccesskeyid": true, "googleaccessid": true, "auth": true, "authkey": true, "sig": true, "pwd": true, "pass": true, "hmac": true, "phpsessid": true, "jsessionid": true,
	"keypairid": true, "xamzcredential": true, "oauthconsumerkey": true, "subscriptionkey": true, "appkey": true,
}

// ends are how names end that sign somebody in.
var ends = []string{
	"token", "apikey", "key", "secret", "password", "passwd", "passphrase", "authorization", "authentication", "auth", "credential", "credentials", "signature", "jwt", "bearer", "assertion", "ticket",
}

// before are words before such an end that make it another thing: what has a call
// done once, what goes on with a list, what a thing is stored or encrypted by.
var before = map[string][]string{
	"token": {"page", "next", "continuation", "continue", "sync", "pagination", "cursor", "resume", "delta", "skip", "start", "change", "watch", "lock", "upload", "cancel", "max", "concurrency", "affinity", "scroll", "shard", "state"},
	"key": {
		"cache", "surrogate", "partition", "routing", "sort", "shard", "dedup", "deduplication", "public", "encryption", "customer", "primary", "foreign", "order", "ordering", "group", "message", "object",
		"row", "range", "record", "event", "trace", "correlation", "websocket", "hash", "lookup", "collection",
	},
}

// once are parameters by which a call is done once, though it is made again.
var once = []string{"clienttoken", "clientrequesttoken", "requesttoken"}

// stored are prefixes of headers that hold what people keep beside an object.
var stored = []string{"x-amz-meta-", "x-goog-meta-", "x-ms-meta-", "x-object-meta-", "x-oss-meta-", "x-obs-meta-"}

func signsInHeader(name string) bool {
	low := strings.ToLower(name)
	for _, s := range stored {
		if strings.HasPrefix(low, s) {
			return false
		}
	}
	return identities[loose(name)] || signsIn(name)
}

func signsInQuery(name string) bool {
	if slices.Contains(once, loose(name)) {
		return false
	}
	if parameters[loose(name)] {
		return true
	}
	// A key is one only where it says of what: sortKey is none, apiKey is.
	return signsIn(name) && !strings.HasSuffix(loose(name), "key") || signsInKey(loose(name))
}

func signsInKey(name string) bool {
	for _, end := range []string{"apikey", "accesskey", "secretkey", "privatekey", "authkey", "appkey", "licensekey"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// signsIn judges a name by its end.
func signsIn(name string) bool {
	plain := loose(name)
	if strings.Contains(plain, "idempot") || strings.Contains(plain, "csrf") || strings.Contains(plain, "xsrf") {
		return false
	}
	for _, end := range ends {
		rest, is := strings.CutSuffix(plain, end)
		if !is {
			continue
		}
		if (end == "key" || end == "auth") && !signsInKey(plain) && !strings.HasSuffix(plain, "oauth") && !apart(name, len(end)) {
			continue // a monkey is no key
		}
		return !slices.ContainsFunc(before[end], func(word string) bool { return strings.HasSuffix(rest, word) })
	}
	return false
}

// apart says whether the last n letters of a name are a word by itself.
func apart(name string, n int) bool {
	at := len(name) - n
	if at <= 0 {
		return at == 0
	}
	before, first := name[at-1], name[at]
	letter := before >= 'a' && before <= 'z' || before >= 'A' && before <= 'Z'
	return !letter || first >= 'A' && first <= 'Z' && before >= 'a'
}
