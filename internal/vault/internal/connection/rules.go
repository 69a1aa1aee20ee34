package connection

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/policy/rule"
	"hotcell/internal/text/words"
)

// checkRules holds the rules of an attachment against the arguments that its tools
// name: a rule on another could not keep anything out, or would keep all out.
func checkRules(on hotcell.Narrowing, made *connector.Connector) error {
	for i, r := range on.Rules {
		program, err := rule.Calls().Compile(r.When)
		if err != nil {
			return err
		}
		tools := ruled(on, r, made)
		for _, path := range program.Paths("args") {
			var lacking *connector.Tool
			named := false
			for _, tool := range tools {
				if names(tool, path) {
					named = true
				} else if lacking == nil {
					lacking = tool
				}
			}
			// One that tells tools apart may speak of what only some of them have.
			if lacking == nil || named && program.Uses("tool") {
				continue
			}
			return hotcell.Invalid(fmt.Sprintf("/rules/%d/when", i), "the tool %s has no argument %s: %s", lacking.Name, strings.Join(path, "."), takes(lacking, path))
		}
	}
	return nil
}

// ruled are the attached tools that a rule is for.
func ruled(on hotcell.Narrowing, r hotcell.ToolRule, made *connector.Connector) (out []*connector.Tool) {
	for _, name := range on.Tools {
		if tool, there := made.Tool(name); there && (r.Tool == "" || r.Tool == name) {
			out = append(out, tool)
		}
	}
	return out
}

// names says whether a tool names what a path leads to: what is below a part of which
// its schema names nothing, it may have.
func names(tool *connector.Tool, path []string) bool {
	for i, name := range path {
		there, _ := tool.Names(path[:i]...)
		if !slices.Contains(there, name) && (i == 0 || len(there) > 0) {
			return false
		}
	}
	return true
}

// takes says which arguments a tool names where a path goes wrong.
func takes(tool *connector.Tool, path []string) string {
	at := slices.IndexFunc(path, func(name string) bool { return !names(tool, path[:slices.Index(path, name)+1]) })
	there, _ := tool.Names(path[:max(at, 0)]...)
	if len(there) == 0 {
		return "its schema names none"
	}
	return "there is " + words.Clip(strings.Join(there, ", "), maxListed)
}

const maxListed = 1000

// whom are arguments that say whom a call reaches, as services name them; case, hyphens
// and low lines aside.
var whom = []string{
	"to", "cc", "bcc", "recipient", "recipients", "torecipients", "ccrecipients", "bccrecipients", "replyto", "email", "emails", "attendees", "guests", "invitees", "participants",
	"channel", "channels", "channelid", "channelids", "user", "users", "userid", "userids", "room", "chat", "chatid", "conversation", "conversationid", "all",
}

func reaches(name string) bool {
	return slices.Contains(whom, strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name)))
}

// Warnings say what an attachment's rules leave free although they look as if they did
// not: where they bound one argument that says whom a call reaches, its siblings.
func Warnings(on hotcell.Attachment, made *connector.Connector) (out []string) {
	for _, name := range on.Tools {
		tool, there := made.Tool(name)
		if !there {
			continue
		}
		var bound []string
		for _, r := range on.Rules {
			if r.Tool != "" && r.Tool != name {
				continue
			}
			if program, err := rule.Calls().Compile(r.When); err == nil {
				bound = append(bound, program.Mentions("args")...)
			}
		}
		said := slices.IndexFunc(bound, reaches)
		if said < 0 {
			continue
		}
		all, _ := tool.Names()
		free := slices.DeleteFunc(all, func(n string) bool { return !reaches(n) || slices.Contains(bound, n) })
		if len(free) > 0 {
			out = append(out, fmt.Sprintf("the rules on %s bound %s, and leave %s free, which say whom it reaches too: bound them as well, or have them left out (!has(args.%s))",
				name, bound[said], strings.Join(free, ", "), free[0]))
		}
	}
	return out
}

// Warnings are those of an attachment that the caller has made.
func (s *Service) Warnings(ctx context.Context, p hotcell.Principal, on hotcell.Attachment) []string {
	c, _, err := s.Vault.Credential(ctx, p, on.Credential)
	if err != nil || c.Connected == nil || len(on.Rules) == 0 {
		return nil
	}
	of, err := s.Book.Of(ctx, c.Workspace, c)
	if err != nil {
		return nil
	}
	return Warnings(on, of)
}
