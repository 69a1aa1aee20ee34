package cli

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
)

// attachedAs says how a credential is attached, and what it is bound to.
func attachedAs(at attached) string {
	name := at.Name
	if name == "" {
		return "somebody's personal credential as " + string(at.Attachment.As)
	}
	out := fmt.Sprintf("%s as %s: ", name, at.Attachment.As)
	switch {
	case at.Attachment.As == hotcell.InjectTools:
		out = strings.TrimSuffix(out, ": ")
	case at.Attachment.As == hotcell.InjectLogin:
		out += "the browser signs in"
		if at.Attachment.Fill {
			out += ", filling the password in itself"
		}
		if at.Attachment.Evaluate {
			out += ", and its agents may run scripts in pages"
		}
	case at.HTTP != nil:
		out += accessOf(at.HTTP)
	default:
		out += strings.Join(at.Variables, " ")
	}
	if len(at.Hosts) > 0 {
		out += ", bound to " + strings.Join(at.Hosts, " ")
	}
	n := at.Attachment.Narrowing
	if len(n.Methods) > 0 {
		out += ", by " + strings.Join(n.Methods, " ")
	}
	if len(n.Paths) > 0 {
		out += ", under " + strings.Join(n.Paths, " ")
	}
	if len(n.Places) > 0 {
		out += ", in " + strings.Join(n.Places, " ")
	}
	if len(n.Brings) > 0 {
		out += ", beside the job's own " + strings.Join(n.Brings, " ")
	}
	return out + filesOf(n) + toolsOf(n)
}

// filesOf says which variables are files.
func filesOf(n hotcell.Narrowing) (out string) {
	for _, f := range n.Files {
		out += ", " + f.Variable + " in the file " + f.Path
	}
	return out
}

// toolsOf says which tools may be called, and under which rules.
func toolsOf(n hotcell.Narrowing) (out string) {
	if len(n.Tools) > 0 {
		out += ", its tools " + strings.Join(n.Tools, " ")
	}
	for _, r := range n.Rules {
		if r.Tool != "" {
			out += ", " + r.Tool
		}
		out += " when " + r.When
	}
	if len(n.Approve) > 0 {
		out += ", asking for " + strings.ReplaceAll(strings.Join(n.Approve, " "), "*", "every call")
	}
	return out
}

// ruleFlags are the rules on calls of tools.
type ruleFlags struct {
	when    []string
	approve string
}

func (f *ruleFlags) add(c *cobra.Command, n *hotcell.Narrowing) {
	flags := c.Flags()
	flags.StringSliceVar(&n.Tools, "tools", nil, "the `tools` of a connection that may be called; none without it: hotcell connections tools CONNECTION lists them")
	flags.StringArrayVar(&f.when, "when", nil, "what must be true of a call, in CEL: 'args.channel == \"#ops\"', or 'TOOL: …' for one tool; may be given several times")
	flags.StringVar(&f.approve, "approve", "", "have a person approve each call: of all tools, or of these `tools`")
	flags.Lookup("approve").NoOptDefVal = everyTool
	flags.StringSliceVar(&n.Unasked, "no-approval", nil, "let these `tools` go without approval, although their connector asks for one")
}

// everyTool is --approve without tools.
const everyTool = "*"

// toolNames are names of tools, with commas between.
var toolNames = regexp.MustCompile(`^[a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*$`)

// operands are an assignment and a credential, and the tools that people write behind
// --approve with a space.
func (f *ruleFlags) operands(cmd *cobra.Command, args []string) error {
	if len(args) <= 2 || f.approve != everyTool {
		return cobra.ExactArgs(2)(cmd, args)
	}
	for _, name := range args[2:] {
		if !toolNames.MatchString(name) {
			return &usageError{"--approve takes the names of tools, with an = before them", cmd.CommandPath() + " ASSIGNMENT CREDENTIAL --approve=TOOL,TOOL"}
		}
	}
	return nil
}

// toolPrefix is the name of a tool before an expression.
var toolPrefix = regexp.MustCompile(`^([a-z][a-z0-9_]*):\s+(.+)$`)

// into puts the rules into a narrowing.
func (f *ruleFlags) into(n *hotcell.Narrowing, named ...string) {
	if f.approve == everyTool && len(named) > 0 {
		f.approve = strings.Join(named, ",")
	}
	for _, text := range f.when {
		rule := hotcell.ToolRule{When: text}
		if m := toolPrefix.FindStringSubmatch(text); m != nil {
			rule = hotcell.ToolRule{Tool: m[1], When: m[2]}
		}
		n.Rules = append(n.Rules, rule)
	}
	if f.approve != "" {
		n.Approve = strings.Split(f.approve, ",")
	}
}

func (a *app) attach() *cobra.Command {
	var as string
	var narrowing hotcell.Narrowing
	var rules ruleFlags
	c := command("attach ASSIGNMENT CREDENTIAL", "Attach a secret, a login or a connection to an assignment",
		`Attach a secret, a login or a connection to an assignment.

As env, its jobs get a secret's variables. As stand-in, they get stand-ins for the
values, which the vault swaps on the way to the bound hosts. As http, a
connection's key is put onto the requests to its host, and no job has it. As tools,
an agent calls the tools that are named and gets their results, and nothing else.
As login, the browser of its jobs signs in, and nobody sees the password.`,
		rules.operands, func(cmd *cobra.Command, args []string) error {
			c := a.client()
			on, err := a.assignmentOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			what, err := a.credentialOf(cmd.Context(), c, args[1])
			if err != nil {
				return err
			}
			rules.into(&narrowing, args[2:]...)
			for i, m := range narrowing.Methods {
				narrowing.Methods[i] = strings.ToUpper(m)
			}
			made, err := c.Attach(cmd.Context(), on.ID, what.ID, hotcell.Injection(as), narrowing)
			if err != nil {
				return err
			}
			a.warn(made.Warnings)
			return a.made(string(made.ID), fmt.Sprintf("attached %s to %s: %s", what.Name, on.Name, effect(made, what)), made)
		})
	c.Flags().StringVar(&as, "as", "", "how its jobs get it: env or stand-in for a secret, http or tools for a connection, login for a login (default env, and tools where some are named)")
	narrowingFlags(c, &narrowing)
	rules.add(c, &narrowing)
	return c
}

// narrowingFlags are the flags of what an attachment allows, beside its tools.
func narrowingFlags(c *cobra.Command, narrowing *hotcell.Narrowing) {
	flags := c.Flags()
	flags.StringSliceVar(&narrowing.Hosts, "hosts", nil, "the `hosts` that a secret's values may go to: HOST[:PORT] or *.HOST[:PORT], with commas between")
	flags.StringSliceVar(&narrowing.Methods, "methods", nil, "the `methods` that it may be used for, such as GET,POST")
	flags.StringSliceVar(&narrowing.Paths, "paths", nil, "the `paths` that it may be used for: /v1/charges, /v1/customers/* (one segment), /v1/** (any rest)")
	flags.Var(filesFlag{&narrowing.Files}, "file-secret", "of a secret: its jobs get a `VARIABLE=PATH` as a file that they alone may read, and not in their environment, such as NETRC=/home/job/.netrc; may be given several times")
	flags.BoolVar(&narrowing.Fill, "fill", false, "of a login: let the browser itself have the password, for sites that compute on it")
	flags.BoolVar(&narrowing.Evaluate, "evaluate", false, "of a login: let agents run scripts in pages, which can read cookies and what pages keep")
	flags.StringSliceVar(&narrowing.Places, "places", nil, "the `places` where a stand-in may stand, beside Authorization and what is known of the service: header:X-Api-Key, query:key, body:token, cookie:NAME, path")
	flags.StringSliceVar(&narrowing.Brings, "brings", nil, "`places` in which the job may bring what looks like a credential and is not what is attached: header:X-Page-Key")
	flags.BoolVar(&narrowing.Bodies, "bodies", false, "")
	_ = flags.MarkDeprecated("bodies", "stand-ins are swapped in fields that are named: --places body:FIELD")
}

// effect says what an attachment does.
func effect(made client.Attached, c hotcell.Credential) string {
	hosts := made.Hosts
	if len(hosts) == 0 {
		hosts = c.Hosts
	}
	switch {
	case made.As == hotcell.InjectLogin && made.Fill:
		return "the browser of its jobs signs in to " + loginSite(c) + ", and has the password itself for that time"
	case made.As == hotcell.InjectLogin:
		return "the browser of its jobs signs in to " + loginSite(c) + ", and never has the password itself"
	case made.As == hotcell.InjectTools:
		return "its agents may call " + strings.Join(made.Tools, " ") + toolsOf(hotcell.Narrowing{Rules: made.Rules, Approve: made.Approve})
	case c.HTTP != nil:
		out := "the vault puts its key onto their requests, " + accessOf(c.HTTP)
		if made.Opens != "" {
			out += "; its jobs may reach " + made.Opens + " by this alone"
		}
		return out
	case made.As == hotcell.InjectStandIn:
		return "its jobs get stand-ins for " + variableNames(c) + filesOf(made.Narrowing) + ", swapped on the way to " + strings.Join(hosts, " ")
	case len(hosts) > 0:
		return "its jobs get " + variableNames(c) + filesOf(made.Narrowing) + ", for " + strings.Join(hosts, " ") + " alone"
	}
	return "its jobs get " + variableNames(c) + filesOf(made.Narrowing)
}

func (a *app) detach() *cobra.Command {
	var sure sureFlag
	return sure.add(command("detach ASSIGNMENT CREDENTIAL", "Take a credential away from an assignment; jobs that use it end", "", cobra.ExactArgs(2), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		on, err := a.assignmentOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		found, err := onlyAttached(on, args[1])
		if err != nil {
			return err
		}
		var h harm
		if h.jobs, err = running(cmd.Context(), c, on.ID); err != nil {
			return err
		}
		if err := a.ending(cmd.Context(), sure, fmt.Sprintf("detach %s from %s?", args[1], on.Name), h); err != nil {
			return err
		}
		if err := c.Detach(cmd.Context(), found.Attachment.ID); err != nil {
			return err
		}
		return a.made(string(found.Attachment.ID), fmt.Sprintf("detached %s from %s", args[1], on.Name), map[string]string{"detached": string(found.Attachment.ID)})
	}))
}

// onlyAttached returns the one attachment of a credential's name or id, or of
// its own id.
func onlyAttached(on client.Assignment, text string) (attached, error) {
	var found []attached
	var ids []string
	for _, at := range on.Attachments {
		if at.Name == text || string(at.Attachment.Credential) == text || string(at.Attachment.ID) == text {
			found, ids = append(found, at), append(ids, fmt.Sprintf("%s (a %s)", at.Attachment.Credential, at.Tier))
		}
	}
	switch len(found) {
	case 0:
		return attached{}, fmt.Errorf("%w: %q is not attached to %s", hotcell.ErrNotFound, text, on.Name)
	case 1:
		return found[0], nil
	}
	return attached{}, &hinted{fmt.Errorf("%w: several credentials %q are attached to %s", hotcell.ErrConflict, text, on.Name), "name one by its id: " + strings.Join(ids, " or ")}
}
