package test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"hotcell/test/acme/slack"
)

func TestSlackAsItsDocumentationHasIt(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	c := a.hire(t, "slack")
	var thread, file string
	c.does(t, "slack", []toolCall{
		{tool: "slack_post", args: map[string]any{"channel": "#ops", "text": "<b> & \"quotes\" ${x}"}, wants: []string{"C0000002"}, then: func(t *testing.T, _ string) {
			m := a.Slack.Messages()
			if len(m) != 1 || m[0].Text != `<b> & "quotes" ${x}` || m[0].Channel != "C0000002" {
				t.Fatalf("%+v", m)
			}
			thread = m[0].TS
			a.Slack.Post(slack.Message{Channel: "C0000002", User: "U2", Text: "another", Thread: ""})
		}},
		{tool: "slack_reply", args: map[string]any{"channel": "C0000002", "text": "an answer"}, fill: func(m map[string]any) { m["thread"] = thread }, then: func(t *testing.T, _ string) {
			if m := a.Slack.Messages(); m[2].Thread != thread || m[2].Text != "an answer" {
				t.Errorf("%+v", m)
			}
		}},
		{tool: "slack_channels", wants: []string{"C0000004", "G0000005", "about ops"}},
		{tool: "slack_history", args: map[string]any{"channel": "C0000002"}, wants: []string{"another"}},
		{tool: "slack_user", args: map[string]any{"mail": "bob@acme.test"}, wants: []string{"U2", "Bob"}},
		{tool: "slack_upload", args: map[string]any{"channel": "C0000002", "name": "report ü.txt", "base64": base64.StdEncoding.EncodeToString([]byte("all is well\n")), "comment": "the report"}, fill: func(m map[string]any) { m["thread"] = thread }, then: func(t *testing.T, _ string) {
			f := a.Slack.Files()
			if len(f) != 1 || f[0].Name != "report ü.txt" || string(f[0].Content) != "all is well\n" || f[0].Thread != thread || f[0].Comment != "the report" {
				t.Fatalf("%+v", f)
			}
			file = f[0].ID
		}},
	})
	if out := c.tells(t, "slack_user", map[string]any{"id": "U1"}); out["name"] != "ada" || file == "" {
		t.Errorf("%v", out)
	}
	// A channel is newest first and without answers; a thread is oldest first.
	same(t, "a channel", names(c.tells(t, "slack_history", map[string]any{"channel": "C0000002"})["messages"], "text"), "another", `<b> & "quotes" ${x}`)
	same(t, "a thread", names(c.tells(t, "slack_history", map[string]any{"channel": "C0000002", "thread": thread})["messages"], "text"), `<b> & "quotes" ${x}`, "an answer")

	a.Slack.Short(2) // a service may give less than what it is asked for
	for i := range 5 {
		a.Slack.Post(slack.Message{Channel: "D0000006", User: "U2", Text: fmt.Sprint("note ", i)})
	}
	same(t, "pages", names(c.listed(t, "slack_history", "messages", map[string]any{"channel": "D0000006"}, 3, 5), "text"), "note 4", "note 3", "note 2", "note 1", "note 0")
	c.listed(t, "slack_channels", "channels", map[string]any{}, 5, 5)

	// A dead token is renewed, and what was asked is done once.
	a.Identity.Forget()
	c.tells(t, "slack_post", map[string]any{"channel": "#general", "text": "after the token died"})
	if n, m := a.Identity.Counts().Refreshes, a.Slack.Messages(); n != 1 || m[len(m)-1].Text != "after the token died" || m[len(m)-2].Text == m[len(m)-1].Text {
		t.Errorf("%d refreshes, %+v", n, m)
	}
	a.Slack.Limit(1)
	c.refuses(t, "slack_history", map[string]any{"channel": "C0000002"}, `"retryable":true`, `"retry_after":30`, "ratelimited")
	c.refuses(t, "slack_post", map[string]any{"channel": "C0000004", "text": "x"}, "not_in_channel", "invite", `"retryable":false`)
	c.refuses(t, "slack_post", map[string]any{"channel": "#nowhere", "text": "x"}, "channel_not_found")
	c.refuses(t, "slack_reply", map[string]any{"channel": "#ops", "thread": "1000000000.000000", "text": "x"}, "thread_not_found")
	c.refuses(t, "slack_user", map[string]any{"mail": "eve@evil.test"}, "users_not_found")
	c.refuses(t, "slack_user", map[string]any{})
	c.refuses(t, "slack_history", map[string]any{"channel": "C0000002", "cursor": "0.nonsense"}, "invalid_cursor")
	a.Withhold("im:history")
	c.refuses(t, "slack_history", map[string]any{"channel": "D0000006"}, "missing_scope", "im:history")
	a.Withhold("")
	a.gone(t, "slack", "revoked at the service")
	if a.Identity.Counts().Revocations != 1 {
		t.Errorf("%+v", a.Identity.Counts())
	}
	a.Canaries(a.ClientSecret("slack"))
}

// TestSlackRefusesWhatSlackDoes tries the twin: what it takes beyond Slack would
// hide what does not work there.
func TestSlackRefusesWhatSlackDoes(t *testing.T) {
	t.Parallel()
	key := "Bearer key"
	a := slack.New(keyOf(key, "chat:write", "channels:history", "channels:read", "files:write"), nil)
	for _, c := range []struct{ method, path, kind, body, want string }{
		{"GET", "/api/chat.postMessage?channel=C0000002&text=x", "", "", "invalid_post_type"},
		{"POST", "/api/chat.postMessage", "application/json", `{"channel":"C0000002"}`, "no_text"},
		{"POST", "/api/conversations.history", "application/json", `{"channel":"C0000002"}`, "invalid_arguments"},
		{"GET", "/api/conversations.history?channel=%23ops", "", "", "channel_not_found"},
		{"GET", "/api/conversations.history?channel=C0000002&limit=1000", "", "", "invalid_limit"},
		{"GET", "/api/conversations.history?channel=G0000005", "", "", "missing_scope"},
		{"GET", "/api/conversations.list?types=private_channel", "", "", "missing_scope"},
		{"POST", "/api/files.getUploadURLExternal", "application/x-www-form-urlencoded", "filename=x", "invalid_arguments"},
		{"POST", "/api/files.completeUploadExternal", "application/json", `{"files":[{"id":"F1"}],"channel_id":"C0000002"}`, "file_not_found"},
	} {
		if got := shown(t, a, c.method, c.path, c.kind, key, c.body); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %s", c.method, c.path, got)
		}
	}
	if got := shown(t, a, "POST", "/api/auth.test", "", "Bearer other", ""); !strings.Contains(got, "invalid_auth") {
		t.Error(got)
	}
}
