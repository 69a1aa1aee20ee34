package cli

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
)

func (a *app) catalog() *cobra.Command {
	var f listFlags
	return f.add(command("catalog [CONNECTOR]", "List what a connection can be made to, or the tools of one", "", cobra.MaximumNArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		if len(args) == 1 {
			one, err := c.Connector(cmd.Context(), args[0])
			if err != nil {
				return noConnector(err, args[0])
			}
			return a.showConnector(one)
		}
		list, err := c.Connectors(cmd.Context())
		if err != nil {
			return err
		}
		slug := func(c client.Connector) string { return c.Slug }
		return printList(a, &f, list, "", slug, []column[client.Connector]{
			{"CONNECTOR", slug}, {"NAME", func(c client.Connector) string { return c.Name }}, {"FOR", func(c client.Connector) string { return c.Category }},
			{"AUTHORISED BY", authorisedBy}, {"NOTE", func(c client.Connector) string { return cmp.Or(note(c), "-") }},
		})
	}))
}

// authorised says in words how a connector is authorised.
var authorised = map[string]string{
	"oauth2": "signing in", "device": "a code to type in", "client_credentials": "a client", "key": "a key", "basic": "user and password",
	"service_account": "a service account's key", "none": "nothing",
}

// authorisedBy names all ways of authorisation.
func authorisedBy(c client.Connector) string {
	if len(c.Ways) == 0 {
		return cmp.Or(authorised[c.Auth], c.Auth)
	}
	var out []string
	for _, kind := range kindsOf(c) {
		out = append(out, cmp.Or(authorised[kind], kind))
	}
	return strings.Join(out, ", or ")
}

func note(c client.Connector) string {
	var out []string
	if c.Own {
		out = append(out, "your own")
	}
	if c.Client == "missing" {
		out = append(out, "needs an OAuth client: hotcell connections clients set "+c.Slug)
	}
	return strings.Join(out, "; ")
}

func noConnector(err error, slug string) error {
	return &hinted{fmt.Errorf("there is no connector %q: %w", slug, err), "see what there is: hotcell connections catalog"}
}

func (a *app) showConnector(c client.Connector) error {
	if a.output == "json" {
		return a.json(c)
	}
	rows := [][]string{{"connector", c.Slug}, {"name", c.Name}, {"about", c.About}, {"authorised by", authorisedBy(c)}, {"hosts", strings.Join(c.Hosts, " ")}}
	for _, s := range c.Settings {
		need := "may be given"
		if s.Required {
			need = "needed"
		}
		rows = append(rows, []string{"setting", s.Name, s.About, need})
	}
	if n := note(c); n != "" {
		rows = append(rows, []string{"note", n})
	}
	helps := []string{c.Help}
	for i, way := range c.Ways {
		if i > 0 && way.Help != "" {
			helps = append(helps, way.Help)
		}
	}
	for _, help := range helps {
		for line := range strings.SplitSeq(strings.TrimSpace(help), "\n") {
			rows = append(rows, []string{"help", line})
		}
	}
	if err := a.table(rows); err != nil {
		return err
	}
	return a.toolTable(&listFlags{}, c.Tools)
}

// toolTable prints tools by the names that attaching takes.
func (a *app) toolTable(f *listFlags, tools []client.Tool) error {
	if len(tools) == 0 && !a.asJSON(f) {
		return nil
	}
	name := func(t client.Tool) string { return t.Name }
	return printList(a, f, tools, "", name, []column[client.Tool]{
		{"TOOL", name}, {"DOES", whatDoes}, {"WHAT", func(t client.Tool) string { return firstSentence(cmp.Or(t.Title, t.Description)) }},
	})
}

// whatDoes says in a word what a tool may do.
func whatDoes(t client.Tool) string {
	does := "writes"
	switch {
	case t.ReadOnly:
		does = "reads"
	case t.Destructive:
		does = "destroys"
	}
	if t.Approval {
		does += ", asks"
	}
	return does
}

func firstSentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if sentence, _, more := strings.Cut(text, ". "); more {
		return sentence
	}
	return text
}

func (a *app) tools() *cobra.Command {
	var f listFlags
	return f.add(command("tools CONNECTION", "List the tools of a connection: what may be attached", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		of, err := a.connectionOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		offer, err := c.Offer(cmd.Context(), of.ID)
		if err != nil {
			return err
		}
		if len(offer.Tools) == 0 && !a.asJSON(&f) {
			a.say("%s has no tools: attach it as http", of.Name)
		}
		for _, one := range offer.Missing {
			a.say("no tool: %s", one)
		}
		return a.toolTable(&f, offer.Tools)
	}))
}

func (a *app) lint() *cobra.Command {
	return command("lint FILE", "Say what is wrong with a connector's document", `Say what is wrong with a connector's document; docs/connectors.md has its form.
It exits with 6 where something is.`, cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		text, err := os.ReadFile(args[0])
		if err != nil {
			return hotcell.Invalid("", "the file %s cannot be read", args[0])
		}
		problems, err := a.client().Lint(cmd.Context(), string(text))
		if err != nil {
			return err
		}
		if a.output == "json" {
			err = a.json(emptyList(problems))
		}
		for _, p := range problems {
			if a.output != "json" {
				_, err = fmt.Fprintln(a.Out, safe(fmt.Sprintf("%s:%d: %s: %s", args[0], p.Line, cmp.Or(p.Path, "/"), p.Detail)))
			}
		}
		if err == nil && len(problems) > 0 {
			err = hotcell.Invalid("", "%s in %s", count(len(problems), "problem"), args[0])
		}
		if err == nil {
			a.say("%s is well", args[0])
		}
		return err
	})
}

func (a *app) advise() *cobra.Command {
	return command("advise WHAT", "Say which way of access a system is for, and why",
		`Say which way of access a system is for, and why: a connection, a login or a secret.

WHAT is a host, a URL, an e-mail address or domain, the name of a variable, or the
first few characters of a token. Never give a whole token: arguments can be read.`, cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
			advice, err := a.client().Advise(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(emptyList(advice))
			}
			for i, one := range advice {
				lead := "or a"
				if i == 0 {
					lead = "a"
				}
				if _, err := fmt.Fprintln(a.Out, safe(fmt.Sprintf("%s %s: %s", lead, one.Tier, one.Reason))); err != nil {
					return err
				}
				if one.Command != "" {
					if _, err := fmt.Fprintln(a.Out, "  "+safe(one.Command)); err != nil {
						return err
					}
				}
			}
			return nil
		})
}

// advised tells of a more protected way.
func (a *app) advised(advice []client.Advice) {
	for _, one := range advice {
		about := ""
		if one.Variable != "" {
			about = one.Variable + ": "
		}
		a.say("advice: %s%s", about, one.Reason)
		if one.Command != "" {
			a.say("        %s", one.Command)
		}
	}
}
