// Package advice says which way of access a system is for, the most protected
// first: a connection where a connector is for it, else a login where it is a
// website, else a secret.
//
// It guards nothing and keeps nothing: it knows systems by the names that
// connectors' documents have of them. One way to use it:
//
//	list := advice.For(catalog, "api.slack.com")
package advice

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/connector"
	"hotcell/internal/site"
	"hotcell/internal/vaultrpc"
)

// variable is the name of an environment variable, as people write them.
var variable = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,127}$`)

// MaxWhat is how long a question may be, in bytes: the first characters of a
// token tell enough, and a whole one is nobody's business here.
const MaxWhat = 512

// For answers what somebody typed: a host, a URL, an e-mail address or domain,
// the name of a variable, or the first characters of a token.
func For(catalog *connector.Catalog, what string) []vaultrpc.Advice {
	what = strings.TrimSpace(what)
	if len(what) > MaxWhat {
		what = what[:MaxWhat]
	}
	if variable.MatchString(what) {
		return ofVariable(catalog, what)
	}
	for _, c := range catalog.All() {
		for _, prefix := range c.Advise.Prefixes {
			if strings.HasPrefix(what, prefix) {
				return withSecret(ofToken(c, prefix)...)
			}
		}
	}
	if strings.HasPrefix(what, "postgres://") || strings.HasPrefix(what, "postgresql://") {
		return []vaultrpc.Advice{standIn("a database is reached with a password: attach the secret as stand-in, and no job has it")}
	}
	host := hostOf(what)
	if host == "" {
		return []vaultrpc.Advice{secret("nothing is known of it, so its values are kept as a secret")}
	}
	return ofHost(catalog, host, strings.Contains(what, "@"))
}

func ofVariable(catalog *connector.Catalog, name string) []vaultrpc.Advice {
	for _, c := range catalog.All() {
		if slices.Contains(c.Advise.Variables, name) {
			return withSecret(ofName(c, name)...)
		}
	}
	if strings.Contains(name, "DATABASE") || strings.HasPrefix(name, "PG") || strings.Contains(name, "POSTGRES") {
		return []vaultrpc.Advice{standIn("a database is reached with a password: attach the secret as stand-in, and no job has it")}
	}
	for _, end := range []string{"_API_KEY", "_TOKEN", "_SECRET_KEY", "_ACCESS_TOKEN"} {
		if strings.HasSuffix(name, end) {
			return []vaultrpc.Advice{http("", "it looks like an API's key: as a connection it stays in the vault, and goes onto requests to that one host"), standIn("or as a stand-in, where a program wants the variable")}
		}
	}
	return []vaultrpc.Advice{secret("no connector is for it")}
}

// hostOf reads a host out of what was typed; "" where there is none.
func hostOf(what string) string {
	text := what
	if _, domain, mail := strings.Cut(text, "@"); mail && !strings.Contains(text, "://") {
		text = domain
	}
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		text = u.Hostname()
	} else {
		text, _, _ = strings.Cut(text, "/")
		text, _, _ = strings.Cut(text, ":")
	}
	if !strings.Contains(text, ".") {
		return ""
	}
	host, err := site.Host(text)
	if err != nil {
		return ""
	}
	return host
}

func ofHost(catalog *connector.Catalog, host string, mail bool) []vaultrpc.Advice {
	for _, c := range catalog.All() {
		if mail && slices.Contains(c.Advise.Mail, host) {
			return withLogin(connect(c, "mail of "+host+" is "+c.Name+"'s"), host)
		}
		for _, known := range c.Advise.Hosts {
			if host == known || strings.HasPrefix(known, "*.") && strings.HasSuffix(host, known[1:]) {
				return withLogin(connect(c, "there is a connector for "+c.Name), host)
			}
		}
	}
	if strings.HasPrefix(host, "api.") || strings.Contains(host, ".api.") {
		return []vaultrpc.Advice{http(host, "it looks like an API: its key stays in the vault, and goes onto requests to that one host"), secret("or its key is kept as a secret, where a program wants it in a variable")}
	}
	return []vaultrpc.Advice{
		{Tier: hotcell.TierLogin, Reason: "no connector is for " + host + ": if people sign in there with a password, it is a login", Command: "hotcell logins create " + host + " --username NAME"},
		http(host, "if it is an API that takes a key, the key stays in the vault"),
	}
}

func connect(c *connector.Connector, reason string) vaultrpc.Advice {
	return vaultrpc.Advice{
		Tier: hotcell.TierConnection, Connector: c.Slug, Command: "hotcell connections create " + c.Slug,
		Reason: reason + ": agents get its tools and their results, and never a token",
	}
}

func http(host, reason string) vaultrpc.Advice {
	if host == "" {
		host = "HOST"
	}
	return vaultrpc.Advice{
		Tier: hotcell.TierConnection, Connector: "http", Reason: reason,
		Command: fmt.Sprintf("hotcell connections create http --name NAME --host %s --auth bearer --api-key-file FILE", host),
	}
}

func standIn(reason string) vaultrpc.Advice {
	return vaultrpc.Advice{Tier: hotcell.TierSecret, Reason: reason, Command: "hotcell secrets create NAME --env-file .env --hosts HOST"}
}

func secret(reason string) vaultrpc.Advice {
	return vaultrpc.Advice{Tier: hotcell.TierSecret, Reason: reason, Command: "hotcell secrets create NAME --env-file .env"}
}

func withSecret(first ...vaultrpc.Advice) []vaultrpc.Advice {
	return append(first, secret("where a program wants the token itself, in a variable"))
}

func withLogin(first vaultrpc.Advice, host string) []vaultrpc.Advice {
	return []vaultrpc.Advice{first, {Tier: hotcell.TierLogin, Reason: "where the work is on the pages of " + host + ", in a browser", Command: "hotcell logins create " + host + " --username NAME"}}
}
