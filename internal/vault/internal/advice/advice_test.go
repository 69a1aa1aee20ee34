package advice_test

import (
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/vault/internal/advice"
)

func TestTheMostProtectedWayComesFirst(t *testing.T) {
	t.Parallel()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]struct {
		tier      hotcell.Tier
		connector string
	}{
		"slack.com": {hotcell.TierConnection, "slack"}, "https://acme.slack.com/archives/C1": {hotcell.TierConnection, "slack"}, "SLACK_BOT_TOKEN": {hotcell.TierConnection, "slack"},
		"xoxb-123": {hotcell.TierConnection, "slack"}, "ada@gmail.com": {hotcell.TierConnection, "gmail"}, "mail.google.com": {hotcell.TierConnection, "gmail"},
		"ghp_abc": {hotcell.TierConnection, "github"}, "GITHUB_TOKEN": {hotcell.TierConnection, "github"}, "api.github.com:443": {hotcell.TierConnection, "github"},
		"sk_live_x": {hotcell.TierConnection, "stripe"}, "notslack.com": {hotcell.TierLogin, ""}, "slack.com.evil.test": {hotcell.TierLogin, ""}, "portal.acme.test": {hotcell.TierLogin, ""},
		"api.acme.test": {hotcell.TierConnection, "http"}, "ACME_API_KEY": {hotcell.TierConnection, "http"}, "DATABASE_URL": {hotcell.TierSecret, ""}, "postgres://db": {hotcell.TierSecret, ""},
		"hotmail.com": {hotcell.TierConnection, "microsoft-mail"}, "live.com": {hotcell.TierConnection, "microsoft-mail"}, "outlook.com": {hotcell.TierConnection, "microsoft-mail"}, "googlemail.com": {hotcell.TierConnection, "gmail"},
		"eve@hotmail.com": {hotcell.TierConnection, "microsoft-mail"}, "slack_bot_token": {hotcell.TierConnection, "slack"}, "Github_Token": {hotcell.TierConnection, "github"}, "xapp-1-A": {hotcell.TierConnection, "slack"},
		"acme_api_key": {hotcell.TierConnection, "http"}, "database_url": {hotcell.TierSecret, ""}, "AZURE_CLIENT_SECRET": {hotcell.TierSecret, ""}, "Portal.Acme.Test": {hotcell.TierLogin, ""}, "192.0.2.7": {hotcell.TierLogin, ""},
		"SG.abcdefghij.0123456789": {hotcell.TierConnection, "http"}, "https://portal.acme.test/x?token=1": {hotcell.TierLogin, ""}, "b\u00fccher.example": {hotcell.TierLogin, ""},
		"Slack": {hotcell.TierConnection, "slack"}, "github": {hotcell.TierConnection, "github"}, "GitHub": {hotcell.TierConnection, "github"}, "HUBSPOT": {hotcell.TierConnection, "hubspot"},
		"google sheets": {hotcell.TierConnection, "google-sheets"}, "Stripe": {hotcell.TierConnection, "stripe"}, "gmail": {hotcell.TierConnection, "gmail"}, "SLACK.COM": {hotcell.TierConnection, "slack"},
		"sk-or-": {hotcell.TierConnection, "openrouter"}, "AKIA": {hotcell.TierConnection, "http"}, "AKIAIOSFODNN7EXAMPLE": {hotcell.TierConnection, "http"}, "AKIA…": {hotcell.TierConnection, "http"},
		"ASIA": {hotcell.TierConnection, "http"}, "glpat-": {hotcell.TierConnection, "http"}, "hf_": {hotcell.TierConnection, "http"}, "slacker": {hotcell.TierSecret, ""}, "AKIRA": {hotcell.TierSecret, ""},
		"": {hotcell.TierSecret, ""}, "what is this": {hotcell.TierSecret, ""}, "LOG_LEVEL": {hotcell.TierSecret, ""},
	} {
		list := advice.For(catalog, what)
		if len(list) == 0 || list[0].Tier != want.tier || list[0].Connector != want.connector || list[0].Reason == "" {
			t.Errorf("%q: %+v", what, list)
		}
	}
}

func TestAdviceKnowsKeysByHowTheyBegin(t *testing.T) {
	t.Parallel()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{"AKIA…": "--auth sigv4", "sk-ant-": "connections create ", "glpat-": "--auth-name PRIVATE-TOKEN", "gsk_": "connections create groq"} {
		if list := advice.For(catalog, what); list[0].Tier != hotcell.TierConnection || !strings.Contains(list[0].Command, want) {
			t.Errorf("%s: %+v", what, list)
		}
	}
}

func TestAdviceRepeatsNoToken(t *testing.T) {
	t.Parallel()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{
		"AKIACANARY0123456789", "sk-ant-canary0123", "sk-or-canary0123", "glpat-canary0123", "hvs.canary0123456789",
		"xoxb-canary-0123456789", "ghp_canary0123456789", "canary0123456789", "SG.canary.canary0123456789", "SG.Canary0123456789.canaryCANARY", "canary.xCanary", "eyJcanary.eyJcanary.canary-7",
		"ya29.canary0123456789", "canary_canary_0123456789", "CANARY_0123456789", "p@ss:canary.word1", "1//0canary.x1", "canary.0123456789", "canary.canarycanarycanarycanarycanary",
	} {
		for _, one := range advice.For(catalog, token) {
			if strings.Contains(strings.ToLower(one.Reason+one.Command), "canary") {
				t.Errorf("%+v", one)
			}
		}
	}
}

func TestAdviceLeadsToACommandThatWorks(t *testing.T) {
	t.Parallel()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{
		"xoxb-123": "hotcell connections create slack --api-key-file FILE", "ghp_abc": "hotcell connections create github --api-key-file FILE", "pat-na1-x": "hotcell connections create hubspot --api-key-file FILE",
		"ntn_x": "hotcell connections create notion --api-key-file FILE", "lin_api_x": "hotcell connections create linear --api-key-file FILE", "sk_live_x": "hotcell connections create stripe --api-key-file FILE",
		// What ends by itself, or is for something else, is no key to keep.
		"xoxe.xoxb-1": "hotcell connections create slack", "xapp-1": "hotcell connections create slack", "ya29.x": "hotcell connections create gmail",
	} {
		if list := advice.For(catalog, what); list[0].Command != want {
			t.Errorf("%s: %s", what, list[0].Command)
		}
	}
	list := advice.For(catalog, "slack_token")
	if len(list) != 3 || list[0].Command != "hotcell connections create slack" || list[1].Command != "hotcell connections create slack --from-secret SECRET/SLACK_TOKEN" {
		t.Errorf("for a variable: %+v", list)
	}
}
