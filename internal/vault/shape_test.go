package vault_test

import (
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
)

func allow(host string, port int, protocol hotcell.Protocol) hotcell.Allow {
	return hotcell.Allow{Host: host, Port: port, Protocol: protocol}
}

// work is an assignment that may reach some hosts.
func (s *scene) work(name string, allowed ...hotcell.Allow) hotcell.AssignmentID {
	s.t.Helper()
	answer, err := s.control.CreateAssignment(s.t.Context(), &vaultrpc.CreateAssignmentRequest{By: vaultrpc.As(s.me), Name: name, Work: hotcell.Work{Command: "true", Allow: allowed}})
	must(s.t, err)
	return answer.Assignment.ID
}

// TestAModelsKeyIsNoVariableOfWhatReachesTheModel attaches keys by their shapes and
// their names, to what may reach their providers and to what may not.
func TestAModelsKeyIsNoVariableOfWhatReachesTheModel(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const rest = "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9"
	for name, c := range map[string]struct{ variable, value, host, slug string }{
		"by its shape":             {"KEY", "sk-ant-api03-" + rest, "api.anthropic.com", "anthropic"},
		"by its name":              {"ANTHROPIC_API_KEY", "of-no-shape-" + rest, "api.anthropic.com", "anthropic"},
		"by its name, small":       {"openai_api_key", "of-no-shape-" + rest, "api.openai.com", "openai"},
		"of a project":             {"K", "sk-proj-" + rest, "api.openai.com", "openai"},
		"of the older kind":        {"K", "sk-abcdefghijT3BlbkFJ" + rest, "eu.api.openai.com", "openai"},
		"of Google":                {"K", "AIzaSy" + rest, "generativelanguage.googleapis.com", "google-ai"},
		"of OpenRouter":            {"K", "sk-or-v1-" + rest, "openrouter.ai", "openrouter"},
		"of Groq":                  {"K", "gsk_" + rest, "api.groq.com", "groq"},
		"of Mistral":               {"MISTRAL_API_KEY", rest, "api.mistral.ai", "mistral"},
		"of a resource at Azure":   {"AZURE_OPENAI_API_KEY", rest, "acme.openai.azure.com", "azure-openai"},
		"its shape beats its name": {"OPENAI_API_KEY", "sk-ant-api03-" + rest, "api.anthropic.com", "anthropic"},
	} {
		secret := s.secret(s.me, name, c.variable, c.value)
		if got := secret.Variables[0].Provider; got != c.slug {
			t.Errorf("%s: it is taken for %q", name, got)
		}
		on := s.work(name, allow("api.acme.test", 443, hotcell.ProtocolHTTPS), allow(c.host, 443, hotcell.ProtocolHTTPS))
		_, err := s.attach(s.me, on, secret.ID)
		refused(t, name, err, hotcell.ErrConflict, "hotcell connections create "+c.slug+" --from-secret")
		if err != nil && strings.Contains(err.Error(), rest) {
			t.Errorf("%s: the refusal holds the value: %v", name, err)
		}
		if _, err := s.attachAs(on, secret.ID, hotcell.InjectEnvironment, hotcell.Narrowing{Hosts: []string{c.host}}); err != nil {
			t.Errorf("%s, bound: %v", name, err)
		}
		elsewhere := s.work(name+" elsewhere", allow("api.acme.test", 443, hotcell.ProtocolHTTPS))
		if _, err := s.attach(s.me, elsewhere, secret.ID); err != nil {
			t.Errorf("%s, where the provider is not reached: %v", name, err)
		}
		// And the other way round: first the key, then the host.
		_, err = s.control.ChangeAssignment(t.Context(), &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(s.me), ID: elsewhere, Work: &hotcell.Work{
			Command: "true", Allow: []hotcell.Allow{allow(c.host, 443, hotcell.ProtocolHTTPS)},
		}})
		refused(t, name+": the host afterwards", err, hotcell.ErrConflict, "--from-secret")
	}
	// First the secret, then the key in it.
	late := s.secret(s.me, "late", "PLAIN", s.plant("plain"))
	on := s.work("late", allow("api.openai.com", 443, hotcell.ProtocolHTTPS))
	if _, err := s.attach(s.me, on, late.ID); err != nil {
		t.Fatal(err)
	}
	_, err := s.set(s.me, late.ID, 0, "OPENAI_API_KEY", "sk-proj-"+rest)
	refused(t, "the key afterwards", err, hotcell.ErrConflict, "--from-secret")
	_, err = s.change(&vaultrpc.ChangeSecretRequest{By: vaultrpc.As(s.me), ID: late.ID, Rename: map[string]string{"PLAIN": "OPENAI_API_KEY"}})
	refused(t, "the name afterwards", err, hotcell.ErrConflict, "--from-secret")
}

// TestStandInsAreMadeWhereTheyWork attaches as stand-ins what signs, and what goes
// where nothing is looked at.
func TestStandInsAreMadeWhereTheyWork(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC0aB1cD2eF3gH4iJ5kL6mN7oP8qR9"
	for name, c := range map[string]struct{ variable, value, use string }{
		"an access key by its name": {"AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00", "sigv4"},
		"a session's token":         {"AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjE" + body, "sigv4"},
		"of another store":          {"R2_SECRET_ACCESS_KEY", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01", "sigv4"},
		"a file of access keys":     {"CREDENTIALS", "[default]\naws_access_key_id = AKIA0000000000000000\naws_secret_access_key = wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY02\n", "sigv4"},
		"a private key":             {"KEY", "-----BEGIN PRIVATE KEY-----\n" + body + "\n-----END PRIVATE KEY-----\n", "as env"},
		"a key of RSA":              {"KEY", "-----BEGIN RSA PRIVATE KEY-----\n" + body + "\n-----END RSA PRIVATE KEY-----\n", "as env"},
		"a key of SSH":              {"KEY", "-----BEGIN OPENSSH PRIVATE KEY-----\n" + body + "\n-----END OPENSSH PRIVATE KEY-----\n", "as env"},
		"a service account's file":  {"GOOGLE", `{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----\n` + body + `"}`, "as env"},
		"a key of tokens":           {"JWT_SECRET", body, "as env"},
		"a webhook's":               {"HOOK", "whsec_" + body, "as env"},
	} {
		secret := s.secret(s.me, name, c.variable, c.value)
		on := s.work(name, allow("api.acme.test", 443, hotcell.ProtocolHTTPS))
		_, err := s.attachAs(on, secret.ID, hotcell.InjectStandIn, hotcell.Narrowing{Hosts: []string{"api.acme.test"}})
		refused(t, name, err, hotcell.ErrInvalid, c.use)
		if err != nil && strings.Contains(err.Error(), "0aB1cD2e") {
			t.Errorf("%s: the refusal holds the value: %v", name, err)
		}
		if _, err := s.attachAs(on, secret.ID, hotcell.InjectEnvironment, hotcell.Narrowing{}); err != nil {
			t.Errorf("%s, as a variable: %v", name, err)
		}
	}
	plain := s.secret(s.me, "plain", "TOKEN", s.plant("token"))
	raw := s.work("raw", allow("git.acme.test", 22, hotcell.ProtocolTCP))
	_, err := s.attachAs(raw, plain.ID, hotcell.InjectStandIn, hotcell.Narrowing{Hosts: []string{"git.acme.test:22"}})
	refused(t, "where bytes pass as they are", err, hotcell.ErrInvalid, "attach the secret as env")
	both := s.work("both", allow("git.acme.test", 22, hotcell.ProtocolTCP), allow("git.acme.test", 443, hotcell.ProtocolHTTPS))
	if _, err := s.attachAs(both, plain.ID, hotcell.InjectStandIn, hotcell.Narrowing{Hosts: []string{"git.acme.test"}}); err != nil {
		t.Errorf("where some is looked at: %v", err)
	}
	web := s.work("web", allow("git.acme.test", 443, hotcell.ProtocolHTTPS))
	if _, err := s.attachAs(web, plain.ID, hotcell.InjectStandIn, hotcell.Narrowing{Hosts: []string{"git.acme.test"}}); err != nil {
		t.Fatal(err)
	}
	_, err = s.control.ChangeAssignment(t.Context(), &vaultrpc.ChangeAssignmentRequest{By: vaultrpc.As(s.me), ID: web, Work: &hotcell.Work{
		Command: "true", Allow: []hotcell.Allow{allow("git.acme.test", 22, hotcell.ProtocolTCP)},
	}})
	refused(t, "raw afterwards", err, hotcell.ErrInvalid, "attach the secret as env")
}
