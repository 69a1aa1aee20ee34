package call

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/vault/internal/door"
)

// list is what the job may call, as agents are told.
func (m *menu) list() *vaultrpc.ListToolsAnswer {
	out := &vaultrpc.ListToolsAnswer{Access: m.access()}
	for _, name := range m.names {
		out.Tools = append(out.Tools, describe(name, m.tools[name]))
	}
	return out
}

// describe is one tool, of one connection or of several.
func describe(name string, offers []*offer) vaultrpc.Tool {
	first := offers[0].tool
	out := vaultrpc.Tool{
		Name: name, Title: first.Title, Description: strings.TrimSpace(first.About), Input: narrow(first.Input, offers[0].fixed()), Output: first.Output,
		ReadOnly: true, Idempotent: true,
	}
	if len(offers) > 1 {
		out.Input = joined(offers)
	}
	argument, aliases := argumentOf(offers), aliasesOf(offers)
	for i, o := range offers {
		out.ReadOnly = out.ReadOnly && o.tool.Hint == hintRead
		out.Destructive = out.Destructive || o.tool.Hint == hintDestructive
		out.Idempotent = out.Idempotent && (o.tool.Idempotent || o.tool.Hint == hintRead)
		out.Approval = out.Approval || o.approval
		if string(o.tool.Output) != string(first.Output) {
			out.Output = nil
		}
		as := "Called"
		if len(offers) > 1 {
			as = fmt.Sprintf("With %s %q:", argument, aliases[i])
		}
		out.Description += "\n" + as + " as " + o.manner()
	}
	return out
}

// The hints of connector documents.
const (
	hintRead        = "read"
	hintDestructive = "destructive"
)

// manner says as whom a call is made, and under which rules.
func (o *offer) manner() string {
	text := o.who()
	var whens []string
	for _, r := range o.rules {
		whens = append(whens, r.when)
	}
	if whens != nil {
		text += "; only where " + strings.Join(whens, " and ")
	}
	if o.approval {
		text += "; each call waits until a person has approved it"
	}
	return text + "."
}

// access says which access there is, for an agent.
func (m *menu) access() string {
	var out strings.Builder
	out.WriteString("You work in a Hotcell job. Credentials are put on for you where you have access: you never need to have one.\n")
	m.connections(&out)
	for _, name := range m.missing {
		fmt.Fprintf(&out, "The connection %q has no tools now: its connector is not there, or cannot be read.\n", name)
	}
	hosts(&out, m.holding.Uses)
	variables(&out, m.holding.Uses)
	logins(&out, m.holding.Uses)
	if allow := m.holding.Grant.Allow; len(allow) > 0 {
		var list []string
		for _, entry := range allow {
			list = append(list, site.FormatAllow(entry))
		}
		fmt.Fprintf(&out, "Hosts that can be reached: %s.\n", strings.Join(list, ", "))
	}
	out.WriteString("Never write a value of a credential anywhere: not in an answer, a file, a log or an argument. Do not ask people for one.\n")
	return out.String()
}

// connections tells which tools there are, as which account.
func (m *menu) connections(out *strings.Builder) {
	for i := range m.holding.Uses {
		held := &m.holding.Uses[i]
		if held.Use.As != hotcell.InjectTools || !offers(held) {
			continue
		}
		var names []string
		var of *offer
		for _, name := range m.names {
			for _, o := range m.tools[name] {
				if o.held.Use.Attachment == held.Use.Attachment {
					names, of = append(names, name), o
				}
			}
		}
		if of != nil {
			fmt.Fprintf(out, "Tools of the connection %q, as %s: %s.\n", m.called(of), of.who(), strings.Join(names, ", "))
		}
		if held.Refusal != nil {
			fmt.Fprintf(out, "They do not work now: %s.\n", sentence(held.Refusal))
		}
	}
}

// hosts tells where a key is put onto requests.
func hosts(out *strings.Builder, uses []door.Held) {
	for i := range uses {
		u := &uses[i].Use
		if u.As == hotcell.InjectHTTP && u.HTTP != nil && uses[i].Refusal == nil {
			host := site.FormatAllow(hotcell.Allow{Host: u.HTTP.Host, Port: u.HTTP.Port, Protocol: hotcell.ProtocolHTTPS})
			fmt.Fprintf(out, "Requests to https://%s get the key of %q put on.\n", host, u.Name)
		}
	}
}

// logins tells where the browser can sign in, and as whom.
func logins(out *strings.Builder, uses []door.Held) {
	for i := range uses {
		u := &uses[i].Use
		if u.As == hotcell.InjectLogin && u.Login != nil && uses[i].Refusal == nil {
			fmt.Fprintf(out, "The browser can sign in to %s", site.FormatLogin(*u.Login))
			if u.Login.Username != "" {
				fmt.Fprintf(out, " as %s", u.Login.Username)
			}
			out.WriteString(": go there with browser_navigate, and call browser_sign_in.\n")
		}
	}
}

// variables tells which variables there are, and which hold stand-ins.
func variables(out *strings.Builder, uses []door.Held) {
	for i := range uses {
		held := &uses[i]
		var names []string
		for _, v := range held.Credential.Variables {
			names = append(names, v.Name)
		}
		if len(names) == 0 || held.Refusal != nil {
			continue
		}
		switch held.Use.As {
		case hotcell.InjectEnvironment:
			fmt.Fprintf(out, "Variables of the secret %q: %s.\n", held.Use.Name, strings.Join(names, ", "))
		case hotcell.InjectStandIn:
			fmt.Fprintf(out, "Variables of the secret %q, which hold stand-ins that become the values on the way to %s: %s.\n",
				held.Use.Name, strings.Join(held.Use.Hosts, ", "), strings.Join(names, ", "))
		case hotcell.InjectHTTP, hotcell.InjectTools, hotcell.InjectLogin:
		}
	}
}

// maxContent bounds, in bytes, what a result holds beside its JSON.
const maxContent = 12 << 20

// answerOf is what an agent gets of a result.
func answerOf(result *connector.Result) (*vaultrpc.CallToolAnswer, error) {
	out := &vaultrpc.CallToolAnswer{Result: result.JSON}
	size := 0
	for _, c := range result.Content {
		out.Content = append(out.Content, vaultrpc.ToolContent{Kind: c.Kind, Text: c.Text, Data: c.Data, Type: c.Type})
		size += len(c.Text) + len(c.Data)
	}
	if size > maxContent {
		return nil, refused(codeService, "what came is larger than %d MiB: ask for less", maxContent>>20)
	}
	if len(out.Result) > 0 && !json.Valid(out.Result) {
		return nil, errStrange
	}
	if slices.ContainsFunc(out.Content, func(c vaultrpc.ToolContent) bool { return c.Kind == "" }) {
		return nil, errStrange
	}
	return out, nil
}
