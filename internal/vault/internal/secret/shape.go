package secret

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/text/shell"
	"hotcell/internal/text/site"
)

// Names and shapes of keys that sign, and never travel in what they sign.
var (
	accessKeyName  = regexp.MustCompile(`(?i)(^|_)(AWS|S3|MINIO|R2|SPACES|B2|WASABI)_(SECRET|SESSION_TOKEN|SECURITY_TOKEN)|SECRET_ACCESS_KEY$`)
	signingName    = regexp.MustCompile(`(?i)(^|_)(JWT_SECRET|JWT_SIGNING_KEY|SIGNING_SECRET|SIGNING_KEY|HMAC_KEY|HMAC_SECRET|WEBHOOK_SECRET)$`)
	privateShape   = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|^PuTTY-User-Key-File-|AGE-SECRET-KEY-1`)
	accessKeyShape = regexp.MustCompile(`(?i)aws_secret_access_key\s*=|"SecretAccessKey"\s*:`)
)

// maxShape is how much of a value is looked at to see what it is, in bytes.
const maxShape = 16 << 10

// The kinds of keys that sign.
const (
	accessKey  = "an access key of AWS's kind"
	privateKey = "a private key"
	signingKey = "a key that signs"
)

// signs names the kind of key where it signs and never travels; empty for all others.
func signs(name string, value []byte) string {
	value = value[:min(len(value), maxShape)]
	switch {
	case privateShape.Match(value):
		return privateKey
	case accessKeyName.MatchString(name), accessKeyShape.Match(value):
		return accessKey
	case signingName.MatchString(name), bytes.HasPrefix(value, []byte("whsec_")):
		return signingKey
	}
	return ""
}

// remedies are what to use in the place of a stand-in.
var remedies = map[string]string{
	accessKey:  "keep it as a connection, which signs the requests of its jobs (hotcell connections create http --host HOST --auth sigv4 --access-key-id ID --from-secret %s), or attach the secret as env",
	privateKey: "attach the secret as env; a service account's key can be a connection instead, which gets tokens by it (hotcell connections catalog)%.0s",
	signingKey: "attach the secret as env%.0s",
}

// checkStandIn refuses a stand-in that would be swapped nowhere: its variable signs, or
// all that the jobs may reach of its hosts passes as it is.
func checkStandIn(on hotcell.Attachment, c hotcell.Credential, work hotcell.Work) error {
	if on.As != hotcell.InjectStandIn {
		return nil
	}
	for _, v := range c.Variables {
		kind := v.Signs
		if kind == "" {
			kind = signs(v.Name, nil)
		}
		if kind != "" {
			return hotcell.Invalid("/as", "%s is %s: it signs in the cell and is never sent, so a stand-in for it is swapped nowhere, and what it signs is refused: "+remedies[kind], v.Name, kind, shell.Quote(c.Name+"/"+v.Name))
		}
	}
	for _, host := range bounds(on, c) {
		raw, other := "", false
		for _, a := range work.Allow {
			switch {
			case !site.Covers(host, a.Host, a.Port):
			case a.Protocol == hotcell.ProtocolTCP:
				raw = site.FormatAllow(a)
			default:
				other = true
			}
		}
		if raw != "" && !other {
			return hotcell.Invalid("/as", "what goes to %s passes as it is (%s), so a stand-in is swapped there nowhere: attach the secret as env, or allow the host by https or postgres", host, raw)
		}
	}
	return nil
}

// bounds are the hosts that an attachment's values may go to.
func bounds(on hotcell.Attachment, c hotcell.Credential) []string {
	if len(on.Hosts) > 0 {
		return on.Hosts
	}
	return c.Hosts
}

// checkModelKey refuses the key of a model's provider as a variable of jobs that may
// reach the provider, where it is bound to no host: nothing that is bound to none goes
// to a model, and what would arrive there is a mark in the key's place.
func checkModelKey(catalog *connector.Catalog, on hotcell.Attachment, c hotcell.Credential, reach []hotcell.Allow) error {
	if on.As != hotcell.InjectEnvironment || len(bounds(on, c)) > 0 {
		return nil
	}
	for _, v := range c.Variables {
		slug := v.Provider
		if slug == "" {
			slug = catalog.ModelKey(v.Name, nil)
		}
		of, found := catalog.Find(slug)
		if !found {
			continue
		}
		at := slices.IndexFunc(reach, func(a hotcell.Allow) bool { return of.IsOf(a.Host, a.Port) })
		if at < 0 {
			continue
		}
		from := shell.Quote(c.Name + "/" + v.Name)
		return fmt.Errorf("%w: %s is a key of %s, and bound to no host, so what its jobs send to %s would have a mark in its place: keep it as a connection (hotcell connections create %s --from-secret %s, then attach that: no job has the key), or bind it (--hosts %s)",
			hotcell.ErrConflict, v.Name, of.Name, reach[at].Host, slug, from, reach[at].Host)
	}
	return nil
}
