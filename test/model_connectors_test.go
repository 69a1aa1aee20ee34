package test

import (
	"fmt"
	"strings"
	"testing"

	"hotcell/hotcelltest"
)

// providers are the connectors of models whose address a connection may name, with the
// host of each and the header that its key goes into.
var providers = []struct{ slug, host, header string }{
	{"anthropic", "api.anthropic.com", "X-Api-Key"}, {"openai", "api.openai.com", "Authorization"}, {"google-ai", "generativelanguage.googleapis.com", "X-Goog-Api-Key"},
	{"openrouter", "openrouter.ai", "Authorization"}, {"azure-openai", "acme.openai.azure.com", "Api-Key"}, {"mistral", "api.mistral.ai", "Authorization"},
	{"groq", "api.groq.com", "Authorization"}, {"ollama", "llm.acme.test", "Authorization"}, {"bedrock", "bedrock-runtime.eu-central-1.amazonaws.com", "Authorization"},
}

// providerKey is a key of a provider, by its shape.
func providerKey(slug string) string {
	const rest = "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9s"
	return map[string]string{"anthropic": "sk-ant-api03-", "openai": "sk-proj-", "google-ai": "AIzaSy", "openrouter": "sk-or-v1-", "groq": "gsk_"}[slug] + strings.ToUpper(slug[:2]) + rest
}

// TestProvidersOfModelsAreConnectors connects each, tests it, and has a job whose
// client has no key reach it, where it is declared, and not before.
func TestProvidersOfModelsAreConnectors(t *testing.T) {
	t.Parallel()
	var hosts []string
	for _, p := range providers {
		hosts = append(hosts, p.host)
	}
	w := openTwins(t, hosts...)
	s := hotcelltest.Start(t, w.configuration(hosts...))
	s.OK("assignments", "create", "agent", "--command", "true")
	command := ""
	for _, p := range providers {
		args := []string{"connections", "create", p.slug, "--set", "url=https://" + w.at(p.host), "--api-key-file", "-"}
		if p.slug == "bedrock" {
			args = append(args, "--set", "region=eu-central-1")
		}
		r := s.RunWith(providerKey(p.slug)+"\n", args...)
		if r.Code != 0 || !strings.Contains(r.Err, "hotcell connections declare "+p.slug+" --zero-data-retention") {
			t.Fatalf("%s: %+v", p.slug, r)
		}
		if r := s.Run("connections", "test", p.slug); p.slug != "bedrock" && r.Code != 0 {
			t.Errorf("%s: its test: %+v", p.slug, r)
		}
		s.OK("assignments", "attach", "agent", p.slug)
		command += fmt.Sprintf("curl -sS -o /dev/null -w 'code %s %%{http_code}\\n' https://%s/of/%s\n", p.slug, w.at(p.host), p.slug)
	}
	s.OK("assignments", "change", "agent", "--command", command+"true")
	w.take()
	if out := s.OK("run", "agent"); strings.Contains(out, " 200") || len(w.take()) > 0 {
		t.Errorf("before anything is declared: %s", out)
	}
	for _, p := range providers {
		if says := explained(t, s, "agent", "POST", "https://"+w.at(p.host)+"/of/"+p.slug); says.Allowed || !strings.Contains(says.Reason, "hotcell connections declare") {
			t.Errorf("%s, not declared: %+v", p.slug, says)
		}
		s.OK("connections", "declare", p.slug, "--zero-data-retention")
	}
	out := s.OK("run", "agent") + "\n"
	w.mu.Lock()
	arrived := strings.Join(w.got, "\n")
	w.mu.Unlock()
	for _, p := range providers {
		says := explained(t, s, "agent", "POST", "https://"+w.at(p.host)+"/of/"+p.slug)
		if !says.Allowed || !says.Model || len(says.Credentials) != 1 || !strings.Contains(out, "code "+p.slug+" 200\n") {
			t.Errorf("%s, declared: explain says %+v, the job %s", p.slug, says, out)
		}
		if !strings.Contains(arrived, "/of/"+p.slug+" ") || strings.Count(arrived, providerKey(p.slug)) == 0 {
			t.Errorf("%s: its key did not arrive:\n%s", p.slug, arrived)
		}
	}
	if list := s.OK("connections", "list"); strings.Count(list, "keeps nothing") != len(providers) {
		t.Errorf("the list:\n%s", list)
	}
	if shown := s.OK("connections", "show", "anthropic"); !strings.Contains(shown, "zero data retention") || !strings.Contains(shown, "mem_") {
		t.Errorf("shown:\n%s", shown)
	}
	if log := s.OK("audit", "list", "--kind", "connection.declare"); strings.Count(log, "connection.declare") != len(providers) {
		t.Errorf("the log:\n%s", log)
	}
}
