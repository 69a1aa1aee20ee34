package egress_test

import (
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/wire/egress"
)

// account is a use of a connection to a model's provider.
func account(name, host string, port int, as hotcell.Injection, declared bool, n hotcell.Narrowing) hotcell.Use {
	u := hotcell.Use{
		Attachment: hotcell.AttachmentID("att_" + name), Credential: hotcell.CredentialID("con_" + name), Tier: hotcell.TierConnection, Name: name, As: as, Narrowing: n,
		HTTP: &hotcell.HTTPAccess{Host: host, Port: port, Auth: hotcell.Auth{Kind: "header", Name: "X-Api-Key"}}, Model: &hotcell.ModelAccount{},
	}
	if declared {
		now := time.Unix(0, 0)
		u.Model = &hotcell.ModelAccount{DeclaredBy: "mem_ada", DeclaredAt: &now}
	}
	return u
}

// TestAWordOnAnAccountIsForItsRequestsAlone has colleagues declare what they may not
// have counted: for another host, by another key, against the operator.
func TestAWordOnAnAccountIsForItsRequestsAlone(t *testing.T) {
	t.Parallel()
	const host = "api.anthropic.com"
	allow := []hotcell.Allow{
		{Host: host, Port: 443, Protocol: hotcell.ProtocolHTTPS}, {Host: host, Port: 8443, Protocol: hotcell.ProtocolHTTPS}, {Host: host, Port: 5432, Protocol: hotcell.ProtocolPostgres},
		{Host: "api.openai.com", Port: 443, Protocol: hotcell.ProtocolHTTPS}, {Host: "eu.api.anthropic.com", Port: 443, Protocol: hotcell.ProtocolHTTPS},
		{Host: "api.anthropic.com.evil.test", Port: 443, Protocol: hotcell.ProtocolHTTPS}, {Host: "llm.acme.test", Port: 443, Protocol: hotcell.ProtocolHTTPS},
	}
	use := func(as hotcell.Injection, declared bool, n hotcell.Narrowing) hotcell.Use {
		return account("claude", host, 443, as, declared, n)
	}
	http, none := hotcell.InjectHTTP, hotcell.Narrowing{}
	standIn := hotcell.Use{Attachment: "att_key", Credential: "sec_key", Tier: hotcell.TierSecret, Name: "key", As: hotcell.InjectStandIn, Narrowing: hotcell.Narrowing{Hosts: []string{host}}}
	for name, c := range map[string]struct {
		rules   egress.Rules
		host    string
		method  string
		allowed bool
		model   bool
	}{
		"its own key":                    {egress.Rules{Uses: []hotcell.Use{use(http, true, none)}}, host, "POST", true, true},
		"not declared":                   {egress.Rules{Uses: []hotcell.Use{use(http, false, none)}}, host, "POST", false, false},
		"declared, and the operator no":  {egress.Rules{Uses: []hotcell.Use{use(http, true, none)}, Models: egress.Models{{Host: host}}}, host, "POST", false, false},
		"declared, and a wide no":        {egress.Rules{Uses: []hotcell.Use{use(http, true, none)}, Models: egress.Models{{Host: "*.anthropic.com"}}}, host, "POST", false, false},
		"the operator yes":               {egress.Rules{Uses: []hotcell.Use{use(http, false, none)}, Models: egress.Models{{Host: host, ZeroDataRetention: true}}}, host, "POST", true, true},
		"another provider":               {egress.Rules{Uses: []hotcell.Use{use(http, true, none)}}, "api.openai.com", "POST", false, false},
		"a name below":                   {egress.Rules{Uses: []hotcell.Use{use(http, true, none)}}, "eu.api.anthropic.com", "POST", false, false},
		"a name that looks alike":        {egress.Rules{Uses: []hotcell.Use{use(http, true, none)}}, "api.anthropic.com.evil.test", "POST", true, false},
		"narrowed, within":               {egress.Rules{Uses: []hotcell.Use{use(http, true, hotcell.Narrowing{Methods: []string{"GET"}})}}, host, "GET", true, true},
		"narrowed, and around it":        {egress.Rules{Uses: []hotcell.Use{use(http, true, hotcell.Narrowing{Methods: []string{"GET"}})}}, host, "POST", false, false},
		"tools alone":                    {egress.Rules{Uses: []hotcell.Use{use(hotcell.InjectTools, true, none)}}, host, "POST", false, false},
		"another key beside":             {egress.Rules{Uses: []hotcell.Use{use(http, true, none), standIn}}, host, "POST", false, false},
		"another account, not declared":  {egress.Rules{Uses: []hotcell.Use{use(http, true, none), account("other", host, 443, http, false, none)}}, host, "POST", false, false},
		"brings another credential":      {egress.Rules{Uses: []hotcell.Use{use(http, true, hotcell.Narrowing{Brings: []string{"header:X-Other-Key"}})}}, host, "POST", false, false},
		"the browser":                    {egress.Rules{Uses: []hotcell.Use{use(http, true, none)}, Browser: true}, host, "GET", false, false},
		"a server of one's own":          {egress.Rules{Uses: []hotcell.Use{account("own", "llm.acme.test", 443, http, true, none)}}, "llm.acme.test", "POST", true, true},
		"one's own, not declared":        {egress.Rules{Uses: []hotcell.Use{account("own", "llm.acme.test", 443, http, false, none)}}, "llm.acme.test", "POST", false, false},
		"one's own, by tools, not asked": {egress.Rules{Uses: []hotcell.Use{account("own", "llm.acme.test", 443, hotcell.InjectTools, false, none)}}, "llm.acme.test", "POST", false, false},
	} {
		c.rules.Allow = allow
		v := c.rules.Request(c.host, 443, c.method, "/v1/messages")
		if v.Allowed != c.allowed || v.Allowed && v.Model != c.model || !v.Allowed && !strings.Contains(v.Reason, "zero data retention") && !strings.Contains(v.Reason, "does not allow the method") {
			t.Errorf("%s: %+v", name, v)
		}
		if v.Allowed && v.Account && len(v.Uses) == 0 {
			t.Errorf("%s: a request without the account's key: %+v", name, v)
		}
	}
	declared := egress.Rules{Uses: []hotcell.Use{use(http, true, none)}, Allow: allow, TCP: func(hotcell.Allow) bool { return true }}
	for _, port := range []int{8443, 5432} {
		if v := declared.Connection(host, port); v.Allowed {
			t.Errorf("the word counts for the port %d: %+v", port, v)
		}
	}
}
