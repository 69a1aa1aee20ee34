package egress

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/text/site"
)

// Model is the operator's word on one host of a model.
type Model struct {
	// Host is a name, or "*." and a name, with or without a port, as
	// [site.Covers] reads it.
	Host string `yaml:"host"`
	// ZeroDataRetention declares that the provider keeps nothing of what it is sent.
	ZeroDataRetention bool `yaml:"zero_data_retention"`
}

// Models are the hosts that the operator lists.
type Models []Model

// Find says whether a host is a model's, known or listed, and whether it is
// declared to be under zero data retention.
func (m Models) Find(host string, port int) (model, declared bool) {
	listed, declared := m.Listed(host, port)
	return listed || known(host), declared
}

// Listed says what the operator's list says of a host. Of several entries, the one
// that says most exactly which host it means decides; of two that say it equally
// well, the one that declares nothing.
func (m Models) Listed(host string, port int) (listed, declared bool) {
	best := 0
	for _, one := range m {
		if !site.Covers(one.Host, host, port) {
			continue
		}
		switch exact := exactness(one.Host); {
		case exact > best:
			best, declared = exact, one.ZeroDataRetention
		case exact == best:
			declared = declared && one.ZeroDataRetention
		}
	}
	return best > 0, declared
}

// exactness ranks how exactly an entry names a host: 4 with its port, 3 without,
// 2 and 1 where it begins with "*.".
func exactness(entry string) int {
	name, wild := strings.CutPrefix(entry, "*.")
	rank := 3
	if wild {
		rank = 1
	}
	if _, _, err := net.SplitHostPort(name); err == nil {
		rank++
	}
	return rank
}

// With are the operator's hosts and those of a drill, which are declared.
func (m Models) With(drill *hotcell.Drill) Models {
	if drill == nil {
		return m
	}
	out := slices.Clone(m)
	for _, host := range drill.Models {
		out = append(out, Model{Host: host, ZeroDataRetention: true})
	}
	return out
}

// Word is whose word lets what a job has go to a host of a model.
type Word int

// The words.
const (
	// NoWord is nobody's: the host may not be reached.
	NoWord Word = iota
	// OfAccount is that of an administrator on an account there: requests may go that
	// carry its key, and no other credential.
	OfAccount
	// OfOperator is the configuration's: any request may go.
	OfOperator
)

// Model says whether a host is a model's for the job, and whose word there is. The
// operator's list decides on each host that it has, whatever is said of an account:
// an account's word is for hosts that are not in it.
func (r Rules) Model(host string, port int) (model bool, word Word) {
	if listed, declared := r.Models.Listed(host, port); declared {
		return true, OfOperator
	} else if listed {
		return true, NoWord
	}
	model = known(host)
	for i := range r.Uses {
		if u := &r.Uses[i]; u.Model != nil && u.HTTP != nil && u.HTTP.Host == host && u.HTTP.Port == port {
			if model = true; Declared(u, host, port) && !r.Browser {
				word = OfAccount
			}
		}
	}
	return model, word
}

// Declared says whether a use is of an account at exactly this host that is declared
// to be under zero data retention. One whose job may bring another credential beside
// it is not: the provider could take the request for that one's.
func Declared(u *hotcell.Use, host string, port int) bool {
	return u.Model.Declared() && u.HTTP != nil && u.HTTP.Host == host && u.HTTP.Port == port && len(u.Brings) == 0
}

// Undeclared says why a job does not reach a host of a model by what a use puts on, or
// by nothing, which is nil; empty where it does, and for all other hosts.
func (r Rules) Undeclared(host string, port int, by ...*hotcell.Use) string {
	model, word := r.Model(host, port)
	switch {
	case !model, word == OfOperator:
		return ""
	case word == NoWord:
		return fmt.Sprintf("%s is a model provider's host that %s", host, r.remedy(host, port))
	case len(by) == 0:
		return fmt.Sprintf("%s is a model provider's host, under zero data retention by the word on an attached account alone: requests go there with that account's key, and this one would go without", host)
	}
	for _, u := range by {
		if !Declared(u, host, port) {
			return fmt.Sprintf("%s is a model provider's host, under zero data retention by the word on an attached account alone: nothing goes there with %s", host, u.Name)
		}
	}
	return ""
}

// remedy says who can declare what nobody has declared.
func (r Rules) remedy(host string, port int) string {
	const operator = "the operator has not declared to be under zero data retention (models: in the configuration)"
	if listed, _ := r.Models.Listed(host, port); listed {
		return operator
	}
	for _, u := range r.Uses {
		if u.HTTP != nil && u.HTTP.Host == host && u.HTTP.Port == port {
			return operator + "; for the account of " + u.Name + " alone, an administrator can: hotcell connections declare " + string(u.Credential) + " --zero-data-retention"
		}
	}
	return operator
}

// known says whether a host is one of the model providers that everybody
// knows: what is not in the operator's list is refused there.
func known(host string) bool {
	if providers[host] {
		return true
	}
	for _, f := range families {
		if strings.HasPrefix(host, f.begins) && strings.HasSuffix(host, f.ends) && len(host) > len(f.begins)+len(f.ends) {
			return true
		}
	}
	return false
}

// providers are hosts of model providers, from their public documentation.
var providers = map[string]bool{
	"api.openai.com": true, "eu.api.openai.com": true, "us.api.openai.com": true, "chatgpt.com": true, "chat.openai.com": true,
	"api.anthropic.com": true, "claude.ai": true, "generativelanguage.googleapis.com": true, "aiplatform.googleapis.com": true, "gemini.google.com": true,
	"api.mistral.ai": true, "codestral.mistral.ai": true, "api.cohere.com": true, "api.cohere.ai": true, "api.groq.com": true,
	"api.together.xyz": true, "api.together.ai": true, "api.perplexity.ai": true, "openrouter.ai": true, "api.deepseek.com": true,
	"api.x.ai": true, "api.fireworks.ai": true, "api-inference.huggingface.co": true, "router.huggingface.co": true, "api.replicate.com": true,
	"models.inference.ai.azure.com": true, "models.github.ai": true, "api.githubcopilot.com": true, "api.ai21.com": true, "api.cerebras.ai": true,
	"api.sambanova.ai": true, "integrate.api.nvidia.com": true, "ollama.com": true, "dashscope.aliyuncs.com": true, "dashscope-intl.aliyuncs.com": true,
	"api.moonshot.ai": true, "api.moonshot.cn": true, "api.z.ai": true, "open.bigmodel.cn": true, "api.minimax.io": true, "api.deepinfra.com": true,
	"api.novita.ai": true, "api.voyageai.com": true, "gateway.ai.cloudflare.com": true, "ai-gateway.vercel.sh": true, "api.studio.nebius.com": true,
	"api.hyperbolic.xyz": true, "inference.baseten.co": true, "api.lambda.ai": true, "api.scaleway.ai": true, "api.reka.ai": true, "api.writer.com": true,
}

// families are providers' hosts that differ by region or by customer.
var families = []struct{ begins, ends string }{
	{"", ".openai.azure.com"}, {"", ".services.ai.azure.com"}, {"", ".inference.ai.azure.com"}, {"", ".cognitiveservices.azure.com"},
	{"", "-aiplatform.googleapis.com"}, {"aiplatform.", ".rep.googleapis.com"},
	{"bedrock-runtime.", ".amazonaws.com"}, {"bedrock-runtime-fips.", ".amazonaws.com"}, {"bedrock-agent-runtime.", ".amazonaws.com"}, {"bedrock-mantle.", ".api.aws"},
	{"runtime.sagemaker.", ".amazonaws.com"}, {"", ".endpoints.huggingface.cloud"},
	{"", ".api.openai.com"}, {"", ".api.anthropic.com"},
}
