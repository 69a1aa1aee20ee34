package connection_test

import (
	"errors"
	"strings"
	"testing"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/vault/internal/connection"
)

const mailer = `slug: mailer
name: Mailer
category: mail
about: Sends mail.
base: https://mailer.acme.test
auth: {kind: key}
tools:
- name: send
  about: Sends a message to whom it is told to.
  hint: write
  input:
    type: object
    properties:
      to: {type: array, items: {type: string}}
      cc: {type: array, items: {type: string}}
      bcc: {type: array, items: {type: string}}
      subject: {type: string}
      message: {type: object, properties: {text: {type: string}}}
      labels: {type: object}
  request: {method: POST, path: /send, json: {to: "${args.to}"}}
- name: read
  about: Reads a message that it is told to.
  hint: read
  input: {type: object, properties: {id: {type: string}}}
  request: {method: GET, path: "/read/${args.id}"}
`

// fresh is a store in which no attachment is yet.
type fresh struct{ hotcell.VaultReader }

func (fresh) Attachment(hotcell.WorkspaceID, hotcell.AttachmentID) (hotcell.Attachment, error) {
	return hotcell.Attachment{}, hotcell.ErrNotFound
}

func TestRulesAreHeldAgainstTheArgumentsThatThereAre(t *testing.T) {
	t.Parallel()
	made, err := connector.Parse([]byte(mailer))
	if err != nil {
		t.Fatal(err)
	}
	check := connection.CheckAttach(func(hotcell.Credential) (*connector.Connector, error) { return made, nil })
	for _, c := range []struct{ tools, tool, when, lacks, warns string }{
		{"send", "", `args.nope == "x"`, "nope", ""},
		{"send", "", `args["nope"] == "x"`, "nope", ""},
		{"send", "", `"nope" in args`, "nope", ""},
		{"send", "", `!has(args.nope) || args.subject == "x"`, "nope", ""},
		{"send", "", `args.message.html == "x"`, "message.html", ""},
		{"send", "", `args.message.text == "x"`, "", ""},
		{"send", "", `args.labels.any == "x"`, "", ""},
		{"send", "", `account == "ada"`, "", ""},
		{"send,read", "", `args.subject == "x"`, "subject", ""},
		{"send,read", "send", `args.subject == "x"`, "", ""},
		{"send,read", "", `tool == "read" || args.subject == "x"`, "", ""},
		{"send,read", "", `tool == "read" || args.nope == "x"`, "nope", ""},
		{"send", "", `args.to.endsWith("@acme.test")`, "", "bcc, cc free"},
		{"send", "", `args.to.all(a, a.endsWith("@acme.test")) && !has(args.cc) && !has(args.bcc)`, "", ""},
		{"send", "", `args.to.all(a, a.endsWith("@acme.test")) && !has(args.cc)`, "", "bcc free"},
	} {
		on := hotcell.Attachment{As: hotcell.InjectTools, Narrowing: hotcell.Narrowing{Tools: strings.Split(c.tools, ","), Rules: []hotcell.ToolRule{{Tool: c.tool, When: c.when}}}}
		err := check(fresh{}, on, hotcell.Credential{})
		if c.lacks == "" && err != nil || c.lacks != "" && (!errors.Is(err, hotcell.ErrInvalid) || !strings.Contains(err.Error(), "no argument "+c.lacks+": there is ")) {
			t.Errorf("%s for %s: %v", c.when, c.tools, err)
		}
		warnings := strings.Join(connection.Warnings(on, made), "\n")
		if c.lacks == "" && (warnings == "") != (c.warns == "") || !strings.Contains(warnings, c.warns) && c.lacks == "" {
			t.Errorf("%s for %s warns of %q", c.when, c.tools, warnings)
		}
	}
}
