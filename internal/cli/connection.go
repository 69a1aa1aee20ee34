package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
	"hotcell/internal/value/sensitive"
)

func (a *app) connections() *cobra.Command {
	return group("connections", "Connections (tier 1): services whose key no job ever has",
		a.catalog(), a.createConnection(), a.listConnections(), a.showConnection(), a.tools(), a.testConnection(), a.reconnect(), a.setKey(), a.declareModel(),
		a.shareConnection(true), a.shareConnection(false), a.deleteConnection(), a.clients(), a.lint())
}

// keyFlags are the flags that say where a key is.
type keyFlags struct{ file, argument string }

func (f *keyFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.file, "api-key-file", "", "read the key from a `file`; - is standard input; without it a prompt asks, and does not show it")
	c.Flags().StringVar(&f.argument, "api-key", "", "")
	_ = c.Flags().MarkHidden("api-key") // known, so that it is refused with a word
}

// read reads the key. The caller clears it.
func (f *keyFlags) read(ctx context.Context, a *app, cmd *cobra.Command, example string) (sensitive.Bytes, error) {
	if cmd.Flags().Changed("api-key") {
		return sensitive.Bytes{}, &usageError{neverKey, example}
	}
	if f.file == "" && !term.IsTerminal(int(a.In.Fd())) {
		return sensitive.Bytes{}, &usageError{"where is the key? It is never taken from an argument", example}
	}
	return a.readValue(ctx, f.file, "the key", spaceFlags{})
}

// connectionFlags are the flags of a connection that is to be made.
type connectionFlags struct {
	name, service, host string
	auth                hotcell.Auth
	shared              bool
	key                 keyFlags
	settings            map[string]string
	definition, from    string
	way                 string
	tools               []string
	link                linkFlags
	// zero declares that the model's provider keeps nothing.
	zero bool
}

func (f *connectionFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.name, "name", "", "the connection's `name`; the connector's without it")
	flags.StringVar(&f.service, "for", "", "a `slug` that says what it is for, such as stripe")
	flags.StringToStringVar(&f.settings, "set", nil, "what the connector asks for beside a key, as `NAME=TEXT`; never a value")
	flags.StringSliceVar(&f.tools, "tools", nil, "signing in: ask for the scopes of these `tools` alone")
	flags.StringVar(&f.from, "from-secret", "", "take the key from a variable of a secret, `SECRET/VARIABLE`, inside the vault")
	flags.StringVar(&f.definition, "definition", "", "openapi: the `file` of the API's OpenAPI 3 document")
	flags.StringVar(&f.host, "host", "", "http: the one `HOST[:PORT]` that the key may go to, over TLS")
	flags.StringVar(&f.auth.Kind, "auth", "", "http: how the key goes onto a request: bearer, basic, header:NAME, query:NAME, cookie:NAME or sigv4; else which `KIND` of the connector's ways of authorisation")
	flags.StringVar(&f.auth.Name, "auth-name", "", "the `name` of the header, the query parameter or the cookie")
	flags.StringVar(&f.auth.Prefix, "prefix", "", "what comes before the key in a header, such as 'Token '")
	flags.StringVar(&f.auth.User, "user", "", "basic: the user; without it the key is user:password")
	flags.StringVar(&f.auth.AccessKeyID, "access-key-id", "", "sigv4: the access key's `id`")
	flags.StringVar(&f.auth.Region, "region", "", "sigv4: the region; without it the client's own")
	flags.StringVar(&f.auth.Service, "service", "", "sigv4: the service; without it the client's own")
	flags.BoolVar(&f.zero, "zero-data-retention", false, "of a model's provider: declare that it keeps nothing of what it is sent with this key, as agreed with it")
	shareFlag(c, &f.shared)
	f.key.add(c)
	f.link.add(c)
}

func (a *app) createConnection() *cobra.Command {
	var flags connectionFlags
	c := command("create CONNECTOR [--name N] [--tools A,B] [--api-key-file FILE|- | --from-secret SECRET/VARIABLE]", "Connect an account, or keep a service's key",
		`Connect an account, or keep a service's key. hotcell connections catalog lists the
connectors; http is any service that takes a key.

A service that people sign in to is connected by a link, which is opened in a
browser; the token that comes of it goes to the vault and nowhere else. A key is
sealed before it leaves this process, and no command ever shows it again.`,
		cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			ctx, c := cmd.Context(), a.client()
			if args[0] == "http" {
				return a.createHTTP(ctx, cmd, c, flags)
			}
			of, err := c.Connector(ctx, args[0])
			if err != nil {
				return noConnector(err, args[0])
			}
			flags.name = cmp.Or(flags.name, of.Slug)
			signs, err := signsIn(of, &flags, cmd.Flags().Changed("api-key"))
			if err != nil {
				return err
			}
			if signs {
				return a.createLink(ctx, cmd, c, of, flags)
			}
			return a.createKeyed(ctx, cmd, c, of, flags)
		})
	flags.add(c)
	return c
}

// createKeyed keeps a key for a service of the catalogue.
func (a *app) createKeyed(ctx context.Context, cmd *cobra.Command, c *client.Client, of client.Connector, flags connectionFlags) error {
	draft := client.ConnectionDraft{Name: flags.name, Service: flags.service, Shared: flags.shared, Connector: of.Slug, Settings: flags.settings}
	var err error
	if draft.ZeroDataRetention, err = a.retention(ctx, cmd, of, flags); err != nil {
		return err
	}
	if flags.definition != "" {
		text, err := os.ReadFile(flags.definition)
		if err != nil {
			return hotcell.Invalid("", "the file %s cannot be read", flags.definition)
		}
		draft.Definition = string(text)
	}
	draft.Auth = flags.way
	if flags.auth.Kind != "" {
		draft.HTTP.Auth = flags.auth
	}
	if of.Auth == "none" && flags.key.file == "" && flags.from == "" {
		return a.kept(c.CreateConnection(ctx, draft))
	}
	return a.keep(ctx, cmd, c, draft, flags, "hotcell connections create "+of.Slug+" --api-key-file key.txt")
}

// keep reads the key of a draft, or finds the secret that has it, and makes the
// connection.
func (a *app) keep(ctx context.Context, cmd *cobra.Command, c *client.Client, draft client.ConnectionDraft, flags connectionFlags, example string) (err error) {
	if flags.from != "" {
		name, variable, both := cutLast(flags.from)
		if !both || flags.key.file != "" {
			return &usageError{"--from-secret takes SECRET/VARIABLE, and then no --api-key-file", "hotcell connections create slack --from-secret billing/SLACK_TOKEN"}
		}
		secret, err := a.secretOf(ctx, c, name)
		if err != nil {
			return err
		}
		draft.FromSecret, draft.FromVariable = secret.ID, variable
	} else if draft.Key, err = flags.key.read(ctx, a, cmd, example); err != nil {
		return err
	}
	defer draft.Key.Clear()
	made, err := c.CreateConnection(ctx, draft)
	if err := a.kept(made, err); err != nil || flags.from == "" {
		return err
	}
	name, variable, _ := cutLast(flags.from)
	a.say("the variable %s is still in the secret %s, for who has that attached; take it out, if nothing needs it: hotcell secrets unset %s %s", variable, name, shell.Quote(name), variable)
	return nil
}

// cutLast cuts at the last slash: a secret's name may have some.
func cutLast(text string) (before, after string, both bool) {
	i := strings.LastIndexByte(text, '/')
	if i < 1 || i == len(text)-1 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

func (a *app) kept(made client.Connection, err error) error {
	if err != nil {
		return err
	}
	a.advised(made.Advice)
	next := "hotcell assignments attach ASSIGNMENT " + shell.Quote(made.Name)
	if made.Model != nil {
		defer a.undeclared(made.Credential)
	} else if made.Connected != nil && made.Connected.Connector != "http" {
		next += " --tools …, of hotcell connections tools " + shell.Quote(made.Name)
	}
	return a.made(string(made.ID), fmt.Sprintf("created the connection %s (%s); attach it: %s", describeConnection(made.Credential), groupOf(made.Credential), next), made)
}

func (a *app) createLink(ctx context.Context, cmd *cobra.Command, c *client.Client, of client.Connector, flags connectionFlags) error {
	if flags.key.file != "" || cmd.Flags().Changed("api-key") || flags.from != "" {
		return &usageError{of.Name + " is connected by signing in, and takes no key", "hotcell connections create " + of.Slug}
	}
	if of.Client == "missing" {
		hint := fmt.Sprintf("hotcell connections clients set %s --id ID --secret-file secret.txt; how to get one: hotcell connections catalog %s", of.Slug, of.Slug)
		if takesKey(of) {
			hint += "; or with a key: hotcell connections create " + of.Slug + " --api-key-file key.txt"
		}
		return &hinted{fmt.Errorf("%w: %s needs an OAuth client of your own first", hotcell.ErrConflict, of.Name), hint}
	}
	link, err := c.CreateLink(ctx, client.LinkDraft{Connector: of.Slug, Auth: flags.way, Name: flags.name, Shared: flags.shared, Settings: flags.settings, Tools: flags.tools})
	if err != nil {
		return err
	}
	return a.invite(ctx, c, link, flags.link)
}

// accessOf says where and how a key goes on.
func accessOf(h *hotcell.HTTPAccess) string {
	if h == nil {
		return ""
	}
	how := h.Auth.Kind
	if h.Auth.Name != "" {
		how += " " + h.Auth.Name
	}
	return how + " to " + net.JoinHostPort(h.Host, strconv.Itoa(h.Port))
}

func (a *app) listConnections() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List the connections that you may know of", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Connections(cmd.Context(), "")
		if err != nil {
			return err
		}
		return printList(a, &f, list, "no connections yet: "+exampleConnection, credentialID, []column[hotcell.Credential]{
			{"NAME", credentialName}, {"GROUP", groupOf}, {"TO", connectedTo}, {"ACCOUNT", accountOf}, {"STATE", stateOf}, {"CHANGED", changedAt}, {"ID", credentialID},
		})
	}))
}

// connectedTo is what a connection is to.
func connectedTo(c hotcell.Credential) string {
	if c.Connected != nil {
		return c.Connected.Connector
	}
	return accessOf(c.HTTP)
}

func accountOf(c hotcell.Credential) string {
	if c.Connected == nil {
		return ""
	}
	return c.Connected.Account
}

func (a *app) showConnection() *cobra.Command {
	return command("show CONNECTION", "Show a connection, without its key", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c, err := a.connectionOf(cmd.Context(), a.client(), args[0])
		if err != nil {
			return err
		}
		if a.output == "json" {
			return a.json(c)
		}
		rows := [][]string{{"name", c.Name}, {"id", string(c.ID)}, {"group", groupOf(c.Credential)}, {"for", c.Service}, {"key", accessOf(c.HTTP)}, {"version", strconv.Itoa(c.Version)}, {"changed", at(c.UpdatedAt)}}
		rows = append(rows, connectedRows(c.Credential)...)
		rows = append(rows, modelRows(c.Credential)...)
		for _, at := range c.Attachments {
			rows = append(rows, []string{"attached to", at.Name, string(at.Assignment)})
		}
		return a.table(append(rows, heldRows(c.Held)...))
	})
}

// stateOf says whether a connection works, as far as is known.
func stateOf(c hotcell.Credential) string {
	switch {
	case c.Connected != nil && c.Connected.Broken != nil:
		return "needs reconnect"
	case c.Model.Declared():
		return "active, keeps nothing"
	}
	return "active"
}

// connectedRows tell of what a connector made.
func connectedRows(c hotcell.Credential) (rows [][]string) {
	if c.Connected == nil {
		return nil
	}
	rows = append(rows, []string{"connector", c.Connected.Connector}, []string{"account", c.Connected.Account}, []string{"state", stateOf(c)})
	if b := c.Connected.Broken; b != nil {
		rows = append(rows, []string{"since", at(b.At), b.Reason}, []string{"renew it", "hotcell connections reconnect " + string(c.ID)})
	}
	if e := c.Connected.Expires; e != nil {
		rows = append(rows, []string{"token until", at(*e), "renewed by itself"})
	}
	if len(c.Connected.Scopes) > 0 {
		rows = append(rows, []string{"scopes", strings.Join(c.Connected.Scopes, " ")})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Connected.Settings)) {
		rows = append(rows, []string{"setting", name, c.Connected.Settings[name]})
	}
	return rows
}

func (a *app) setKey() *cobra.Command {
	var flags keyFlags
	var anyone bool
	example := func(name string) string {
		return "hotcell connections set-key " + shell.Quote(name) + " --api-key-file key.txt"
	}
	c := command("set-key CONNECTION --api-key-file FILE|-", "Give a connection another key; jobs that run keep theirs", "",
		func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{neverKey, example(args[0])}
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		func(cmd *cobra.Command, args []string) error {
			key, err := flags.read(cmd.Context(), a, cmd, example(args[0]))
			if err != nil {
				return err
			}
			defer key.Clear()
			c := a.client()
			was, err := a.connectionOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			now, err := c.SetKey(cmd.Context(), was.ID, was.Revision, key, anyone)
			if err != nil {
				return err
			}
			told := fmt.Sprintf("%s has another key: it is at version %d", now.Name, now.Version)
			if now.Connected != nil && now.Connected.Account != "" {
				told += ", as " + now.Connected.Account
			}
			return a.made(string(now.ID), told, now)
		})
	c.Flags().BoolVar(&anyone, "any-account", false, "let it be another account's; the assignments that it is attached to then work as that one")
	flags.add(c)
	return c
}

func (a *app) shareConnection(shared bool) *cobra.Command {
	use, short, sentence := "share CONNECTION", "Share a connection with the workspace: all may use it, nobody can view its key", "every assignment of the workspace may use it now, and nobody can view its key"
	if !shared {
		use, short, sentence = "unshare CONNECTION", "Make a connection personal again; others' jobs that use it end", "it is its owner's alone now"
	}
	var sure sureFlag
	run := command(use, short, "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		was, err := a.connectionOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		if !shared {
			if err := a.unsharing(cmd.Context(), sure, c, was.Credential, was.Attachments); err != nil {
				return err
			}
		}
		now, err := c.ShareConnection(cmd.Context(), was.ID, shared)
		if err != nil {
			return err
		}
		return a.made(string(now.ID), now.Name+": "+sentence, now)
	})
	if !shared {
		sure.add(run)
	}
	return run
}

func (a *app) deleteConnection() *cobra.Command {
	var sure destroyFlag
	return sure.add(command("delete CONNECTION", "Delete a connection, so that it can be taken back for 7 days; jobs that use it end", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		was, err := a.connectionOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		if err := a.deletingCredential(cmd, sure.sureFlag, was.Credential, was.Attachments, sure.gone("Its key and tokens")); err != nil {
			return err
		}
		grant, err := c.DeleteConnection(cmd.Context(), was.ID, was.Revision, sure.name)
		if err != nil {
			return err
		}
		told := sure.told(was.Credential, grant)
		if grant == "" {
			told += "; at the service, what it holds is good until it is ended there"
		}
		return a.made(string(was.ID), told, map[string]string{"deleted": string(was.ID), "grant": grant})
	}))
}
