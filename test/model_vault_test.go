package test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/value/parcel"
	"hotcell/internal/wire/authority"
	"hotcell/internal/wire/egress"
)

const accountKey = "kW9vQ2mT7xLr4ZpN8cYb3HsD"

// TestTheVaultBelievesNoGatewayOnModels has a gateway that was told of hosts which
// the operator did not declare: nothing that the vault has goes there.
func TestTheVaultBelievesNoGatewayOnModels(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		models egress.Models
		status int
	}{
		"declared":                  {egress.Models{{Host: knownModel, ZeroDataRetention: true}}, http.StatusOK},
		"not listed":                {nil, http.StatusForbidden},
		"listed and not declared":   {egress.Models{{Host: knownModel}}, http.StatusForbidden},
		"another is declared":       {egress.Models{{Host: "api.openai.com", ZeroDataRetention: true}}, http.StatusForbidden},
		"a name below is declared":  {egress.Models{{Host: "*." + knownModel, ZeroDataRetention: true}}, http.StatusForbidden},
		"its other port":            {egress.Models{{Host: knownModel + ":443", ZeroDataRetention: true}}, http.StatusForbidden},
		"the exact one says no":     {egress.Models{{Host: "*.anthropic.com", ZeroDataRetention: true}, {Host: knownModel}}, http.StatusForbidden},
		"the exact one says yes":    {egress.Models{{Host: "*.anthropic.com"}, {Host: knownModel, ZeroDataRetention: true}}, http.StatusOK},
		"said twice, and not alike": {egress.Models{{Host: knownModel, ZeroDataRetention: true}, {Host: knownModel}}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, as := range []hotcell.Injection{hotcell.InjectHTTP, hotcell.InjectStandIn} {
				b := openBoothBy(t, knownModel, func(b *booth, _ *authority.Authority) { b.models = c.models })
				b.believed = egress.Models{{Host: b.at(), ZeroDataRetention: true}}
				if c.status == http.StatusOK {
					b.believed = nil
				}
				head := ""
				if as == hotcell.InjectHTTP {
					b.connection("model", accountKey, hotcell.Auth{Kind: "header", Name: "X-Api-Key"}, hotcell.Narrowing{})
				} else {
					b.secret("KEY", accountKey, as, hotcell.Narrowing{})
				}
				b.start()
				if as == hotcell.InjectStandIn {
					head = "X-Api-Key: " + b.words["KEY"] + "\r\n"
				}
				answer, text, arrived := b.send("GET /v1/models HTTP/1.1\r\nHost: HOST\r\n" + head + "\r\n")
				if answer.StatusCode != c.status || strings.Contains(arrived, accountKey) != (c.status == http.StatusOK) {
					t.Errorf("as %s: %d %s; there arrived %q", as, answer.StatusCode, text, arrived)
				}
				if c.status != http.StatusOK && !strings.Contains(text, "zero data retention") {
					t.Errorf("as %s, the reason is %q", as, text)
				}
			}
		})
	}
}

// TestAToolTellsAModelNothing calls tools of a connection to a model's host.
func TestAToolTellsAModelNothing(t *testing.T) {
	t.Parallel()
	for _, declared := range []bool{true, false} {
		b := openBoothBy(t, knownModel, func(b *booth, _ *authority.Authority) {
			b.models = egress.Models{{Host: knownModel, ZeroDataRetention: declared}}
		})
		sealed, err := parcel.Seal(b.key, parcel.Context{Workspace: string(b.owner.Workspace), Tier: "connection", Item: "model", Field: hotcell.FieldKey}, []byte(accountKey))
		b.must(err)
		made, err := b.control.CreateConnection(t.Context(), &vaultrpc.CreateConnectionRequest{
			By: vaultrpc.As(b.owner), Name: "model", Key: sealed, HTTP: hotcell.HTTPAccess{Host: b.host, Port: b.port, Auth: hotcell.Auth{Kind: "bearer"}},
		})
		b.must(err)
		_, err = b.control.Attach(t.Context(), &vaultrpc.AttachRequest{
			By: vaultrpc.As(b.owner), Assignment: b.on, Credential: made.Credential.ID, As: hotcell.InjectTools, Narrowing: hotcell.Narrowing{Tools: []string{"post"}},
		})
		b.must(err)
		b.start()
		call := func(arguments, shown string) string {
			answer, err := b.worker.CallTool(t.Context(), &vaultrpc.CallToolRequest{Job: b.job, Tool: "http_post", Arguments: json.RawMessage(arguments), Shown: json.RawMessage(shown)})
			b.must(err)
			if answer.Error != nil {
				return answer.Error.Message
			}
			return ""
		}
		const plain = `{"path":["v1","messages"],"json":{"text":"hello"}}`
		if told := call(plain, plain); declared != (told == "") || !declared && !strings.Contains(told, "zero data retention") {
			t.Errorf("declared %t: a call is answered %q", declared, told)
		}
		const value = `{"path":["v1","messages"],"json":{"text":"the value 51Hx9Zq2"}}`
		for _, shown := range []string{`{"path":["v1","messages"],"json":{"text":"the value [hotcell:billing]"}}`, ""} {
			if told := call(value, shown); told == "" {
				t.Errorf("declared %t: a value went to a model", declared)
			}
		}
		b.mu.Lock()
		arrived := strings.Join(b.arrived, "")
		b.mu.Unlock()
		if strings.Contains(arrived, "51Hx9Zq2") || strings.Contains(arrived, "hello") != declared {
			t.Errorf("declared %t: there arrived %q", declared, arrived)
		}
	}
}

// TestAWordOnAnAccountCountsForItsKeyAlone has a job with a declared account send
// what is somebody else's: a key of its own, one that it was given, one in the body.
func TestAWordOnAnAccountCountsForItsKeyAlone(t *testing.T) {
	t.Parallel()
	const other = "pW3nB8xKq5RtYv7LmD2sJh6Z"
	for name, c := range map[string]struct {
		head   string
		status int
	}{
		"its key":                 {"", http.StatusOK},
		"another beside it":       {"Authorization: Bearer sk-ant-another-00000000\r\n", http.StatusForbidden},
		"a variable's beside it":  {"Authorization: Bearer " + other + "\r\n", http.StatusForbidden},
		"a session beside it":     {"Cookie: sessionKey=" + other + "\r\n", http.StatusOK},
		"its own place is ours":   {"X-Api-Key: " + other + "\r\n", http.StatusOK},
		"a path around the model": {"X-Original-Url: /v1/messages\r\n", http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openBoothBy(t, knownModel, func(b *booth, _ *authority.Authority) {
				b.declared = true
			})
			b.connection("model", accountKey, hotcell.Auth{Kind: "header", Name: "X-Api-Key"}, hotcell.Narrowing{})
			b.secret("OTHER", other, hotcell.InjectEnvironment, hotcell.Narrowing{})
			b.start()
			answer, text, arrived := b.send("GET /v1/models HTTP/1.1\r\nHost: HOST\r\n" + c.head + "\r\n")
			if answer.StatusCode != c.status || strings.Contains(arrived, accountKey) != (c.status == http.StatusOK) || strings.Contains(arrived, other) {
				t.Errorf("%d %s; there arrived %q", answer.StatusCode, text, arrived)
			}
		})
	}
}

// TestAModelGetsNoMarkForAKey has jobs show a value that may not go to a model, in the
// places for keys and in others.
func TestAModelGetsNoMarkForAKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hosts  []string
		line   string
		head   string
		status int
	}{
		"its own header":          {nil, "/v1/messages", "X-Api-Key: VALUE", http.StatusForbidden},
		"a bearer's":              {nil, "/v1/messages", "Authorization: Bearer VALUE", http.StatusForbidden},
		"a basic pair":            {nil, "/v1/messages", "Authorization: Basic YWRhOmtXOXZRMm1UN3hMcjRacE44Y1liM0hzRA==", http.StatusForbidden},
		"a parameter":             {nil, "/v1/messages?api_key=VALUE", "X-Note: none", http.StatusForbidden},
		"a header by another way": {nil, "/v1/messages", "X-Auth-Token: VALUE", http.StatusForbidden},
		"bound elsewhere":         {[]string{"api.acme.test"}, "/v1/messages", "X-Api-Key: VALUE", http.StatusForbidden},
		"what is no key's place":  {nil, "/v1/messages", "X-Note: see VALUE", http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openBoothBy(t, knownModel, func(b *booth, _ *authority.Authority) {
				b.models = egress.Models{{Host: knownModel, ZeroDataRetention: true}}
			})
			b.secretFor(c.hosts, "OTHER", accountKey, hotcell.InjectEnvironment, hotcell.Narrowing{})
			b.start()
			answer, text, arrived := b.send(strings.ReplaceAll("GET "+c.line+" HTTP/1.1\r\nHost: HOST\r\n"+c.head+"\r\n\r\n", "VALUE", accountKey))
			if answer.StatusCode != c.status || strings.Contains(arrived, accountKey) || c.status == http.StatusForbidden && (arrived != "" || !strings.Contains(text, "--hosts "+knownModel)) {
				t.Errorf("%d %s; there arrived %q", answer.StatusCode, text, arrived)
			}
			if c.status == http.StatusOK && !strings.Contains(arrived, "[hotcell:OTHER]") {
				t.Errorf("there arrived %q", arrived)
			}
		})
	}
}
