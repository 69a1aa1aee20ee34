package cli

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/sensitive"
)

func (a *app) connections() *cobra.Command {
	return group("connections", "Connections (tier 1): services whose key no job ever has",
		a.catalog(), a.createConnection(), a.listConnections(), a.showConnection(), a.setKey(), a.shareConnection(true), a.shareConnection(false), a.deleteConnection())
}

// connector is one entry of the catalogue.
type connector struct {
	Name string   `json:"name"`
	What string   `json:"what"`
	Auth []string `json:"auth"`
}

// catalogue is what a connection can be made to, so far.
var catalogue = []connector{{"http", "a service that takes a key by HTTP", []string{"bearer", "basic", "header", "query", "cookie", "sigv4"}}}

func (a *app) catalog() *cobra.Command {
	return command("catalog", "List what a connection can be made to", "", cobra.NoArgs, func(*cobra.Command, []string) error {
		if a.output == "json" {
			return a.json(catalogue)
		}
		rows := [][]string{{"CONNECTOR", "WHAT", "AUTH"}}
		for _, c := range catalogue {
			rows = append(rows, []string{c.Name, c.What, strings.Join(c.Auth, " ")})
		}
		return a.table(rows)
	})
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
		return sensitive.Bytes{}, &usageError{"a key is never taken from an argument: others of this machine can read those, and your shell keeps them", example}
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
}

func (f *connectionFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.name, "name", "", "the connection's `name`")
	flags.StringVar(&f.service, "for", "", "a `slug` that says what it is for, such as stripe")
	flags.StringVar(&f.host, "host", "", "the one `HOST[:PORT]` that the key may go to, over TLS")
	flags.StringVar(&f.auth.Kind, "auth", "", "how the key goes onto a request: bearer, basic, header, query, cookie or sigv4")
	flags.StringVar(&f.auth.Name, "auth-name", "", "the `name` of the header, the query parameter or the cookie")
	flags.StringVar(&f.auth.Prefix, "prefix", "", "what comes before the key in a header, such as 'Token '")
	flags.StringVar(&f.auth.User, "user", "", "basic: the user; without it the key is user:password")
	flags.StringVar(&f.auth.AccessKeyID, "access-key-id", "", "sigv4: the access key's `id`")
	flags.StringVar(&f.auth.Region, "region", "", "sigv4: the region; without it the client's own")
	flags.StringVar(&f.auth.Service, "service", "", "sigv4: the service; without it the client's own")
	flags.BoolVar(&f.shared, "share", false, "share it with the workspace")
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "shared" { // as secrets have it
			name = "share"
		}
		return pflag.NormalizedName(name)
	})
	f.key.add(c)
}

const exampleConnection = "hotcell connections create http --name stripe --host api.stripe.com --auth bearer --api-key-file key.txt"

// access is where and how the key goes on.
func (f *connectionFlags) access() (hotcell.HTTPAccess, error) {
	for flag, given := range map[string]string{"--name": f.name, "--host": f.host, "--auth": f.auth.Kind} {
		if given == "" {
			return hotcell.HTTPAccess{}, &usageError{flag + " is needed, and so are --name, --host and --auth", exampleConnection}
		}
	}
	out := hotcell.HTTPAccess{Host: f.host, Auth: f.auth}
	if host, port, err := net.SplitHostPort(f.host); err == nil {
		n, err := strconv.Atoi(port)
		if err != nil {
			return out, usagef("--host takes HOST or HOST:PORT")
		}
		out.Host, out.Port = host, n
	}
	return out, nil
}

func (a *app) createConnection() *cobra.Command {
	var flags connectionFlags
	c := command("create http --name N --host HOST[:PORT] --auth KIND --api-key-file FILE|-", "Create a connection to a service that takes a key by HTTP",
		`Create a connection to a service that takes a key by HTTP.

The key is sealed before it leaves this process, and no command ever shows it
again. Jobs that it is attached to send their requests without it: the vault puts
it on, on the way to that one host, and takes it out of what the service answers.`,
		cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			if args[0] != "http" {
				return &usageError{"there is no such connector: so far, a connection is made to http", exampleConnection}
			}
			to, err := flags.access()
			if err != nil {
				return err
			}
			key, err := flags.key.read(cmd.Context(), a, cmd, exampleConnection)
			if err != nil {
				return err
			}
			defer key.Clear()
			made, err := a.client().CreateConnection(cmd.Context(), client.ConnectionDraft{Name: flags.name, Service: flags.service, Shared: flags.shared, HTTP: to, Key: key})
			if err != nil {
				return err
			}
			return a.made(string(made.ID), fmt.Sprintf("created the connection %s: %s (%s); attach it: hotcell assignments attach ASSIGNMENT %s", made.Name, accessOf(made.HTTP), groupOf(made.Credential), made.Name), made)
		})
	flags.add(c)
	return c
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
	return command("list", "List the connections that you may know of", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Connections(cmd.Context(), "")
		if err != nil {
			return err
		}
		if a.output == "json" {
			return a.json(emptyList(list))
		}
		if len(list) == 0 {
			a.say("no connections yet: %s", exampleConnection)
			return nil
		}
		rows := [][]string{{"NAME", "GROUP", "KEY", "CHANGED", "ID"}}
		for _, c := range list {
			rows = append(rows, []string{c.Name, groupOf(c), accessOf(c.HTTP), at(c.UpdatedAt), string(c.ID)})
		}
		return a.table(rows)
	})
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
		for _, at := range c.Attachments {
			rows = append(rows, []string{"attached to", at.Name, string(at.Assignment)})
		}
		return a.table(rows)
	})
}

func (a *app) setKey() *cobra.Command {
	var flags keyFlags
	example := func(name string) string { return "hotcell connections set-key " + name + " --api-key-file key.txt" }
	c := command("set-key CONNECTION --api-key-file FILE|-", "Give a connection another key; jobs that run keep theirs", "",
		func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{"a key is never taken from an argument: others of this machine can read those, and your shell keeps them", example(args[0])}
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
			now, err := c.SetKey(cmd.Context(), was.ID, was.Revision, key)
			if err != nil {
				return err
			}
			return a.made(string(now.ID), fmt.Sprintf("%s has another key: it is at version %d", now.Name, now.Version), now)
		})
	flags.add(c)
	return c
}

func (a *app) shareConnection(shared bool) *cobra.Command {
	use, short, sentence := "share CONNECTION", "Share a connection with the workspace: all may use it, nobody can view its key", "every assignment of the workspace may use it now, and nobody can view its key"
	if !shared {
		use, short, sentence = "unshare CONNECTION", "Make a connection personal again; others' jobs that use it end", "it is its owner's alone now"
	}
	return command(use, short, "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		was, err := a.connectionOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		now, err := c.ShareConnection(cmd.Context(), was.ID, shared)
		if err != nil {
			return err
		}
		return a.made(string(now.ID), now.Name+": "+sentence, now)
	})
}

func (a *app) deleteConnection() *cobra.Command {
	return command("delete CONNECTION", "Delete a connection; jobs that use it end", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		was, err := a.connectionOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		if err := c.DeleteConnection(cmd.Context(), was.ID, was.Revision); err != nil {
			return err
		}
		return a.made(string(was.ID), "deleted the connection "+was.Name+": its key is destroyed", map[string]string{"deleted": string(was.ID)})
	})
}
