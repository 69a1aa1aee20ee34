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
	"regexp"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/shell"
)

// variable is the name of an environment variable, as people write them: in capitals,
// or in small letters with an underscore.
var variable = regexp.MustCompile(`^([A-Z][A-Z0-9_]{1,127}|[a-z][a-z0-9]*(_[a-z0-9]+){1,20})$`)

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
	for _, c := range catalog.All() {
		if i := slices.IndexFunc(c.Advise.Variables, func(name string) bool { return strings.EqualFold(name, what) }); i >= 0 {
			return withSecret(ofName(c, c.Advise.Variables[i])...)
		}
	}
	for _, c := range catalog.All() {
		for _, prefix := range c.Advise.Prefixes {
			if strings.HasPrefix(what, prefix) {
				return withSecret(ofToken(c, prefix)...)
			}
		}
	}
	if known := ofPrefix(what); known != nil {
		return known
	}
	if c := named(catalog, what); c != nil {
		return withSecret(connect(c, "there is a connector for "+c.Name))
	}
	if variable.MatchString(what) {
		return ofVariable(strings.ToUpper(what))
	}
	if strings.HasPrefix(what, "postgres://") || strings.HasPrefix(what, "postgresql://") {
		return []vaultrpc.Advice{standIn("a database is reached with a password: attach the secret as stand-in, and no job has it")}
	}
	host := hostOf(what)
	switch {
	case host != "":
		return ofHost(catalog, host)
	case looksRandom(what):
		return []vaultrpc.Advice{http("", "it looks like a token of an API: as a connection it stays in the vault, and goes onto requests to that one host"), standIn("or as a stand-in, where a program wants it in a variable")}
	}
	return []vaultrpc.Advice{secret("nothing is known of it, so its values are kept as a secret")}
}

// ofVariable is for a variable that no connector knows.
func ofVariable(name string) []vaultrpc.Advice {
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

func ofHost(catalog *connector.Catalog, host string) []vaultrpc.Advice {
	for _, c := range catalog.All() {
		if slices.Contains(c.Advise.Mail, host) {
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
		{Tier: hotcell.TierLogin, Reason: "no connector is for " + host + ": if people sign in there with a password, it is a login", Command: "hotcell logins create " + shell.Quote(host) + " --username NAME"},
		http(host, "if it is an API that takes a key, the key stays in the vault"),
	}
}

func connect(c *connector.Connector, reason string) vaultrpc.Advice {
	return vaultrpc.Advice{
		Tier: hotcell.TierConnection, Connector: c.Slug, Command: "hotcell connections create " + c.Slug,
		Reason: reason + ": agents " + Gets(c) + ", and never a token",
	}
}

// Gets says what agents get of a connector's connections.
func Gets(c *connector.Connector) string {
	if c.Model {
		return "ask it by their own client, onto whose requests the vault puts the key"
	}
	return "get its tools and their results"
}

func http(host, reason string) vaultrpc.Advice {
	if host == "" {
		host = "HOST"
	}
	return vaultrpc.Advice{
		Tier: hotcell.TierConnection, Connector: "http", Reason: reason,
		Command: fmt.Sprintf("hotcell connections create http --name NAME --host %s --auth bearer --api-key-file FILE", shell.Quote(host)),
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
	return []vaultrpc.Advice{first, {Tier: hotcell.TierLogin, Reason: "where the work is on the pages of " + host + ", in a browser", Command: "hotcell logins create " + shell.Quote(host) + " --username NAME"}}
}
