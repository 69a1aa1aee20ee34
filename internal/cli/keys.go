package cli

import (
	"regexp"
	"strings"

	"hotcell/internal/text/shell"
)

const yesKeys = "go on although something looks like a key"

// keyKinds are how keys begin that are known, and what they are. Each takes as much
// behind it as makes it a key, and not a word about one.
var keyKinds = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"a key of Anthropic", regexp.MustCompile(`\bsk-ant-[A-Za-z0-9_-]{12,}`)},
	{"a key of OpenRouter", regexp.MustCompile(`\bsk-or-[A-Za-z0-9_-]{12,}`)},
	{"a key of Stripe", regexp.MustCompile(`\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}`)},
	{"a key of OpenAI", regexp.MustCompile(`\bsk-[A-Za-z0-9_-]{20,}`)},
	{"a key of GitHub", regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})`)},
	{"a key of GitLab", regexp.MustCompile(`\bgl(?:pat|ptt|rt|dt|soat|agent|cbt|imt|ft|oas)-[A-Za-z0-9_.-]{16,}`)},
	{"a key of Slack", regexp.MustCompile(`\bxox[abeprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/[A-Za-z0-9/]{16,}`)},
	{"a key of AWS", regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)},
	{"a key of Google", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[A-Za-z0-9_-]{16,}|\bGOCSPX-[A-Za-z0-9_-]{16,}`)},
	{"a key of Hugging Face", regexp.MustCompile(`\bhf_[A-Za-z0-9]{20,}`)},
	{"a key of npm", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{20,}`)},
	{"a key of PyPI", regexp.MustCompile(`\bpypi-[A-Za-z0-9_-]{20,}`)},
	{"a key of SendGrid", regexp.MustCompile(`\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`)},
	{"a key of HubSpot", regexp.MustCompile(`\bpat-(?:na|eu)[0-9]-[a-f0-9-]{20,}`)},
	{"a key of Notion", regexp.MustCompile(`\b(?:ntn|secret)_[A-Za-z0-9]{30,}`)},
	{"a key of Linear", regexp.MustCompile(`\blin_(?:api|oauth)_[A-Za-z0-9]{16,}`)},
	{"a key of Figma", regexp.MustCompile(`\bfigd_[A-Za-z0-9_-]{20,}`)},
	{"a key of Shopify", regexp.MustCompile(`\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{20,}`)},
	{"a key of DigitalOcean", regexp.MustCompile(`\bdo[opr]_v1_[a-f0-9]{20,}`)},
	{"a key of Groq", regexp.MustCompile(`\bgsk_[A-Za-z0-9]{20,}`)},
	{"a key of xAI", regexp.MustCompile(`\bxai-[A-Za-z0-9]{20,}`)},
	{"a key of HashiCorp Vault", regexp.MustCompile(`\bhv[sbr]\.[A-Za-z0-9_-]{20,}`)},
	{"a key of Hotcell", regexp.MustCompile(`\bhc_[a-z]{3}_[A-Za-z0-9]{16,}`)},
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)},
	{"a signed token (JWT)", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)},
	{"a header with a token", regexp.MustCompile(`(?i)\b(?:authorization:\s*)?(?:bearer|basic)\s+[A-Za-z0-9+/_.=-]{20,}`)},
	{"a URL with a password", regexp.MustCompile(`\b[a-z][a-z0-9+.-]*://[^\s/:@'"$]+:[^\s/@'"$]{6,}@`)},
}

// secretName is what variables that hold keys are called.
var secretName = regexp.MustCompile(`(?i)(?:^|_)(?:API_?KEY|SECRET(?:_?KEY)?|TOKEN|PASSWORD|PASSWD|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIALS?|PASSPHRASE)$`)

// assigned is a value that a command gives such a variable itself.
var assigned = regexp.MustCompile(`(?i)(?:^|[\s;&|(])(?:export\s+)?([A-Z][A-Z0-9_]{2,64})=("[^"$]{8,}"|'[^']{8,}'|[^\s"'$;&|()]{8,})`)

// looksLikeKey says what a text looks like it holds; empty for nothing.
func looksLikeKey(text string) string {
	for _, kind := range keyKinds {
		if kind.pattern.MatchString(text) {
			return kind.what
		}
	}
	for _, m := range assigned.FindAllStringSubmatch(text, -1) {
		if secretName.MatchString(m[1]) && dense(strings.Trim(m[2], `"'`)) {
			return "the value of " + m[1]
		}
	}
	return ""
}

// dense says whether a text is one word in which digits are among letters, as keys are,
// and no path, host or plain word.
func dense(text string) bool {
	if len(text) < 12 || strings.ContainsAny(text, " /\\") {
		return false
	}
	digits := strings.ContainsAny(text, "0123456789")
	letters := strings.ContainsAny(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz")
	return digits && letters
}

// noKeys refuses what looks like a key where everybody can read it, unless a person
// says that it is none.
func noKeys(yes bool, where string, texts ...string) error {
	if yes {
		return nil
	}
	for _, text := range texts {
		if what := looksLikeKey(text); what != "" {
			return looksLike(where, what)
		}
	}
	return nil
}

func looksLike(where, what string) error {
	return &usageError{where + ": this looks like " + what + ", and everybody who may see the assignment or its jobs can read it there",
		"keep it as a secret, and attach that: hotcell secrets create NAME --env-file .env; if it is none, say --yes"}
}

// noVariableKeys is noKeys for variables that are no secret, of whose names some say
// that they are.
func noVariableKeys(yes bool, variables []string) error {
	for _, text := range variables {
		name, value, _ := strings.Cut(text, "=")
		if err := noKeys(yes, "--env "+shell.Quote(name), value); err != nil {
			return err
		}
		if !yes && secretName.MatchString(name) && dense(value) {
			return looksLike("--env "+shell.Quote(name), "a key")
		}
	}
	return nil
}
