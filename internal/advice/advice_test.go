package advice_test

import (
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/advice"
	"hotcell/internal/connector"
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
		"": {hotcell.TierSecret, ""}, "what is this": {hotcell.TierSecret, ""}, "LOG_LEVEL": {hotcell.TierSecret, ""},
	} {
		list := advice.For(catalog, what)
		if len(list) == 0 || list[0].Tier != want.tier || list[0].Connector != want.connector || list[0].Reason == "" {
			t.Errorf("%q: %+v", what, list)
		}
	}
}

func TestAdviceRepeatsNoToken(t *testing.T) {
	t.Parallel()
	catalog, err := connector.Load(connector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"xoxb-canary-0123456789", "ghp_canary0123456789", "canary0123456789"} {
		for _, one := range advice.For(catalog, token) {
			if strings.Contains(one.Reason+one.Command, "canary") {
				t.Errorf("%+v", one)
			}
		}
	}
}
