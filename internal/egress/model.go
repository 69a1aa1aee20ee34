package egress

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/site"
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
// declared to be under zero data retention. Of several entries for a host, the one
// that says most exactly which host it means decides; of two that say it equally
// well, the one that declares nothing.
func (m Models) Find(host string, port int) (model, declared bool) {
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
	return best > 0 || known(host), declared
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

// Undeclared says why a host of a model may not be reached; empty for one that may,
// and for all other hosts.
func (m Models) Undeclared(host string, port int) string {
	if model, declared := m.Find(host, port); !model || declared {
		return ""
	}
	return fmt.Sprintf("%s is a model provider's host that the operator has not declared to be under zero data retention (models: in the configuration)", host)
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
