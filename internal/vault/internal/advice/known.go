package advice

import (
	"regexp"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
)

// prefixes are beginnings of keys whose services have no connector: whose they are,
// the one host that they are for, and how they go onto requests.
var prefixes = []struct{ begins, of, host, auth string }{
	{"xai-", "xAI", "api.x.ai", "bearer"},
	{"hf_", "Hugging Face", "huggingface.co", "bearer"},
	{"AIza", "Google", "HOST", "header --auth-name x-goog-api-key"},
	{"glpat-", "GitLab", "gitlab.com", "header --auth-name PRIVATE-TOKEN"},
	{"npm_", "npm", "registry.npmjs.org", "bearer"},
	{"pypi-", "PyPI", "upload.pypi.org", "basic --user __token__"},
	{"SG.", "SendGrid", "api.sendgrid.com", "bearer"},
	{"figd_", "Figma", "api.figma.com", "header --auth-name X-Figma-Token"},
	{"dop_v1_", "DigitalOcean", "api.digitalocean.com", "bearer"},
	{"shpat_", "Shopify", "SHOP.myshopify.com", "header --auth-name X-Shopify-Access-Token"},
	{"hvs.", "HashiCorp Vault", "HOST", "header --auth-name X-Vault-Token"},
	{"key-", "Mailgun", "api.mailgun.net", "basic --user api"},
}

// aws are the beginnings of access key ids.
var aws = regexp.MustCompile(`^(?:AKIA|ASIA)[A-Z0-9…]*\.{0,3}$`)

// ofPrefix is for who has a key of which we know how it begins; nil where we do not.
func ofPrefix(what string) []vaultrpc.Advice {
	if aws.MatchString(what) {
		return withSecret(vaultrpc.Advice{
			Tier: hotcell.TierConnection, Connector: "http", Reason: "an id that begins with " + what[:4] + " is of an access key of AWS: the vault signs each request with the key, and no job has it",
			Command: "hotcell connections create http --name NAME --host HOST --auth sigv4 --access-key-id ID --api-key-file FILE",
		})
	}
	for _, p := range prefixes {
		if !strings.HasPrefix(what, p.begins) {
			continue
		}
		return withSecret(vaultrpc.Advice{
			Tier: hotcell.TierConnection, Connector: "http", Reason: "keys that begin with " + p.begins + " are " + p.of + "'s: as a connection one stays in the vault, and goes onto requests to that one host",
			Command: "hotcell connections create http --name NAME --host " + p.host + " --auth " + p.auth + " --api-key-file FILE",
		})
	}
	return nil
}

// plainName takes out of a name what people write in different ways.
func plainName(text string) string {
	return strings.NewReplacer(" ", "", "-", "", "_", "", ".", "").Replace(strings.ToLower(text))
}

// named is the connector that a person calls so: by its name or slug in any case, by a
// part of it that no other has, or by its host's own name.
func named(catalog *connector.Catalog, what string) *connector.Connector {
	wanted := plainName(strings.TrimSuffix(strings.TrimPrefix(what, "www."), "…"))
	if len(wanted) < 3 || strings.ContainsAny(what, "@/:") {
		return nil
	}
	var part *connector.Connector
	parts := 0
	for _, c := range catalog.All() {
		if plainName(c.Slug) == wanted || plainName(c.Name) == wanted {
			return c
		}
		for word := range strings.FieldsSeq(c.Name) {
			if plainName(word) == wanted {
				part, parts = c, parts+1
				break
			}
		}
	}
	if parts != 1 {
		return nil
	}
	return part
}
