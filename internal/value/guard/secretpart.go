package guard

import (
	"bytes"
	"slices"
	"strings"
)

// secretPart says, for each byte of a value, whether it is of its secret part: true
// but for what ordinary text has as well, or what is said of the value elsewhere.
// It leaves out the scheme, host and user of URLs, the names of fields in JSON
// and in connection strings with what is known to be public in them, addresses of
// mail, prefixes that a service puts before all its tokens, the header and the
// claims' names of a JWT, and PEM's armour with the structure inside.
func secretPart(value []byte) []bool {
	secret := slices.Repeat([]bool{true}, len(value))
	for _, strike := range []func([]byte, []bool){strikeMail, strikeNames, strikeURLs, strikePrefixes, strikeJWTs, strikePEM} {
		strike(value, secret)
	}
	return secret
}

// leave marks a stretch as public.
func leave(secret []bool, from, to int) {
	for i := max(from, 0); i < min(to, len(secret)); i++ {
		secret[i] = false
	}
}

func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

func digit(b byte) bool { return b >= '0' && b <= '9' }

// worded are the characters of names.
func worded(b byte) bool { return letter(b) || digit(b) || b == '_' || b == '-' || b == '.' }

// publicFields are fields, in JSON and in connection strings, whose values are no
// secrets, in lower case without what separates their words.
var publicFields = map[string]bool{
	"type": true, "projectid": true, "clientid": true, "clientemail": true, "authuri": true, "tokenuri": true, "universedomain": true,
	"authproviderx509certurl": true, "clientx509certurl": true, "redirecturis": true, "region": true, "host": true, "hostname": true, "port": true,
	"user": true, "username": true, "userid": true, "uid": true, "email": true, "database": true, "dbname": true, "initialcatalog": true, "server": true,
	"datasource": true, "addr": true, "address": true, "sslmode": true, "name": true, "alg": true, "kid": true, "kty": true, "use": true, "crv": true,
	"accesskeyid": true, "awsaccesskeyid": true, "tenantid": true, "tenant": true, "subscriptionid": true, "accountid": true, "accountname": true,
	"endpoint": true, "endpoints": true, "endpointsuffix": true, "defaultendpointsprotocol": true, "url": true, "issuer": true, "audience": true,
	"account": true, "warehouse": true, "role": true, "schema": true, "driver": true, "application": true, "timeout": true, "scope": true, "tokentype": true,
	"expires": true, "expiresin": true, "expiration": true, "createdat": true, "encrypt": true, "trustservercertificate": true, "org": true, "team": true,
}

// strikeNames leaves out the names of fields, "name": and name=, and what public
// ones hold.
func strikeNames(b []byte, secret []bool) {
	for i := 0; i < len(b); i++ {
		quoted := b[i] == '"'
		from := i
		if quoted {
			from++
		} else if !letter(b[i]) || i > 0 && !strings.ContainsRune(";&?,{ \n\r\t", rune(b[i-1])) {
			continue
		}
		to := from
		for to < len(b) && (worded(b[to]) || !quoted && b[to] == ' ') {
			to++
		}
		if at, is := assigned(b, to, quoted); is && to > from && to-from <= 64 && (quoted || wordlike(b[from:to])) {
			leave(secret, i-1, at) // with what stands before it
			if publicFields[plainName(b[from:to])] {
				leave(secret, at, fieldEnd(b, at))
			}
			i = at - 1
		} else if to > from {
			i = to - 1
		}
	}
}

// assigned says whether what follows a name gives it a value, and where that begins.
func assigned(b []byte, at int, quoted bool) (int, bool) {
	sign := byte('=')
	if quoted {
		if at >= len(b) || b[at] != '"' {
			return 0, false
		}
		at, sign = at+1, ':'
	}
	for at < len(b) && b[at] == ' ' {
		at++
	}
	// What ends in = may be base64.
	if at+1 >= len(b) || b[at] != sign || b[at+1] == '=' {
		return 0, false
	}
	at++
	for at < len(b) && (b[at] == ' ' || b[at] == '"') {
		at++
	}
	return at, true
}

func fieldEnd(b []byte, at int) int {
	for from := at; at < len(b); at++ {
		switch b[at] {
		case '"', ';', '&', '}', '\n', '\r':
			return at
		case ',':
			if bytes.IndexByte(b[from:], ';') < 0 {
				return at
			}
		}
	}
	return at
}

func plainName(b []byte) string {
	return string(bytes.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' || r == '.' {
			return -1
		}
		return r
	}, bytes.ToLower(b)))
}

// strikeURLs leaves out all of a URL but its password; of one that has none, all
// before its path, since that is where such a URL is secret.
func strikeURLs(b []byte, secret []bool) {
	for from := 0; ; {
		at := bytes.Index(b[from:], []byte("://"))
		if at < 0 {
			return
		}
		at += from
		scheme := at
		for scheme > 0 && (worded(b[scheme-1]) || b[scheme-1] == '+') {
			scheme--
		}
		at += 3
		end := at
		for end < len(b) && !strings.ContainsRune(" \"'<>\n\r\t", rune(b[end])) {
			end++
		}
		strikeURL(b, secret, scheme, at, end)
		from = end
	}
}

func strikeURL(b []byte, secret []bool, scheme, at, end int) {
	leave(secret, scheme, at)
	host := at
	for host < end && b[host] != '/' && b[host] != '?' && b[host] != '#' {
		host++
	}
	sign := bytes.LastIndexByte(b[at:host], '@')
	if sign < 0 {
		sign = unescapedSign(b[at:end], host-at)
	}
	if sign < 0 {
		leave(secret, at, host)
		return
	}
	colon := bytes.IndexByte(b[at:at+sign], ':')
	if colon < 0 { // a token as the user
		leave(secret, at+sign, end)
		return
	}
	if colon+1 == sign || bytes.HasPrefix(b[at+colon+1:], []byte("x-oauth-basic@")) {
		leave(secret, at+colon, end)
		return
	}
	leave(secret, at, at+colon+1)
	leave(secret, at+sign, end)
	for i := at + colon + 1; i < at+sign; i++ {
		secret[i] = true // also where its end and the host look like an address of mail
	}
}

// unescapedSign is where the host's @ is in what follows a scheme, where the password
// has a slash, ? or # of its own, the first at cut: it was escaped, as URLs demand,
// until it was read, or never was. It is -1 where there is no such password.
func unescapedSign(b []byte, cut int) int {
	colon := bytes.IndexByte(b[:cut], ':')
	if colon < 0 || !bytes.ContainsFunc(b[colon+1:cut], func(r rune) bool { return r < '0' || r > '9' }) {
		return -1 // no password, or a port
	}
	for sign := len(b) - 1; sign > cut; sign-- {
		if b[sign] != '@' {
			continue
		}
		to := sign + 1
		for to < len(b) && (worded(b[to]) || b[to] == ':' || b[to] == '[' || b[to] == ']') {
			to++
		}
		if to > sign+1 && (to == len(b) || b[to] == '/' || b[to] == '?' || b[to] == '#') {
			return sign
		}
	}
	return -1
}

// strikeMail leaves out addresses of mail.
func strikeMail(b []byte, secret []bool) {
	for i := range b {
		if b[i] != '@' {
			continue
		}
		from, to := i, i+1
		for from > 0 && worded(b[from-1]) {
			from--
		}
		for to < len(b) && worded(b[to]) {
			to++
		}
		if from > 0 && (b[from-1] == ':' || b[from-1] == '/') {
			continue // a password before a host
		}
		domain := b[i+1 : to]
		dot := bytes.LastIndexByte(domain, '.')
		if i-from < 2 || dot < 1 || len(domain)-dot < 3 || bytes.ContainsFunc(domain[dot+1:], func(r rune) bool { return r < 'a' || r > 'z' }) {
			continue
		}
		leave(secret, from, to)
	}
}

// strikePrefixes leaves out the known beginning of a token, where one begins.
func strikePrefixes(b []byte, secret []bool) {
	for i := range b {
		if i > 0 && (letter(b[i-1]) || digit(b[i-1])) {
			continue
		}
		begins := i == 0 || strings.ContainsRune(" \"'=:\n", rune(b[i-1]))
		for _, prefix := range prefixes {
			if bytes.HasPrefix(b[i:], []byte(prefix)) && (begins || len(prefix) > 5) {
				leave(secret, i, i+len(prefix)+furtherPublic(prefix, b[i+len(prefix):]))
			}
		}
	}
}

// furtherPublic is how much more is known of a token with that prefix: numbers of
// a workspace, an account's name.
func furtherPublic(prefix string, rest []byte) int {
	switch prefix {
	case "xoxb-", "xoxp-", "xoxa-", "xoxs-", "xapp-":
		n := 0
		for n < len(rest) && (digit(rest[n]) || rest[n] == '-' && n > 0 && digit(rest[n-1])) {
			n++
		}
		for n > 0 && rest[n-1] != '-' {
			n--
		}
		return n
	case "sk_live_51", "sk_test_51", "rk_live_51", "rk_test_51":
		if len(rest) > 80 { // its account
			return 14
		}
	}
	return 0
}

// prefixes are what services put before all their tokens.
var prefixes = []string{
	"sk-ant-api03-", "sk-ant-oat01-", "sk-ant-admin01-", "sk-ant-", "sk-proj-", "sk-svcacct-", "sk-or-v1-", "sk-", "sk_live_51", "sk_test_51", "rk_live_51", "rk_test_51",
	"sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_", "whsec_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glsa_",
	"xoxb-", "xoxp-", "xoxa-", "xoxs-", "xoxe.xoxp-", "xoxe-", "xapp-", "AKIA", "ASIA", "AIza", "GOCSPX-", "ya29.", "1//0", "npm_", "pypi-AgEIcHlwaS5vcmc", "pypi-", "dop_v1_", "doo_v1_",
	"shpat_", "shpss_", "shpca_", "hf_", "r8_", "lin_api_", "lin_oauth_", "ntn_", "secret_", "pat-na1-", "pat-eu1-", "SG.", "key-", "figd_", "ATATT3xFfGF0", "ATCTT3xFfGF0", "vercel_",
	"dapi", "hvs.", "hvb.", "hvr.", "s.", "tskey-auth-", "tskey-api-", "sntrys_", "sntryu_", "phc_", "phx_", "dp.pt.", "dp.st.", "sbp_", "sb_secret_", "gsk_", "xai-", "pplx-", "nvapi-", "co_", "fc-",
	"EAAC", "EAAG", "FLWSECK_TEST-", "FLWSECK-", "rzp_live_", "rzp_test_", "sq0csp-", "sq0atp-", "EAAAE", "NRAK-", "NRII-", "NRJS-", "PMAK-", "rnd_", "pul-", "tfp_", "rubygems_", "CFPAT-", "dckr_pat_", "ops_ey",
	"Bearer ", "bearer ", "Basic ", "basic ", "Token ", "token ", "AccountKey=", "SharedAccessKey=",
}
