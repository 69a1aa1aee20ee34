package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hotcell/client"
	"hotcell/internal/text/shell"
)

func (a *app) clients() *cobra.Command {
	return group("clients", "The workspace's own OAuth clients, one a connector, or one a server of MCP", a.listClients(), a.setClient(), a.deleteClient())
}

func (a *app) listClients() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List the OAuth clients, without their secrets", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, callback, err := a.client().OAuthClients(cmd.Context())
		if err != nil {
			return err
		}
		if a.output == "json" && len(f.fields) == 0 {
			return a.json(map[string]any{"items": emptyList(list), "callback": callback})
		}
		if !a.asJSON(&f) {
			a.say("each client's redirect URI is %s", callback)
		}
		id := func(c client.OAuthClient) string { return cmp.Or(c.Server, c.Connector) }
		return printList(a, &f, list, "", id, []column[client.OAuthClient]{
			{"CONNECTOR", id}, {"CLIENT", func(c client.OAuthClient) string { return c.ID }},
			{"SECRET", func(c client.OAuthClient) string {
				if c.Public {
					return "none: a public client"
				}
				return "kept"
			}},
			{"REDIRECT URI", func(c client.OAuthClient) string { return c.Callback }},
		})
	}))
}

func (a *app) setClient() *cobra.Command {
	var id, file string
	var public bool
	c := command("set CONNECTOR|URL --id ID (--secret-file FILE|- | --public)", "Set the workspace's OAuth client of a connector",
		`Set the workspace's OAuth client of a connector. The secret is read from a file,
from standard input (-), or from a prompt that does not show it; it is sealed before
it leaves this process. hotcell connections catalog CONNECTOR says how to get one.

Of an MCP server that does not make clients by itself, give its address, or its
authorisation server's. The redirect URI to register there is printed by
hotcell connections clients list.`,
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
			if id == "" {
				return &usageError{"what is the client's id?", "hotcell connections clients set " + shell.Quote(args[0]) + " --id ID --secret-file secret.txt"}
			}
			var draft client.ConnectionDraft
			var err error
			if !public {
				if draft.Key, err = a.readValue(cmd.Context(), file, "the client's secret", spaceFlags{}); err != nil {
					return err
				}
				defer draft.Key.Clear()
			}
			c := a.client()
			connector, server := ofClient(args[0])
			if err := c.SetOAuthClient(cmd.Context(), connector, server, id, draft.Key); err != nil {
				return err
			}
			callback, err := callbackOf(cmd.Context(), c, connector, id)
			if err != nil {
				return err
			}
			return a.made(args[0], fmt.Sprintf("%s has the OAuth client %s; its redirect URI must be %s", args[0], id, callback), map[string]string{"connector": args[0], "id": id, "callback": callback})
		})
	c.Flags().StringVar(&id, "id", "", "the client's `id`, as the service gave it")
	c.Flags().StringVar(&file, "secret-file", "", "read its secret from a `file`; - is standard input")
	c.Flags().BoolVar(&public, "public", false, "it has no secret")
	return c
}

// ofClient tells the address of a server from a connector.
func ofClient(given string) (connector, server string) {
	if strings.HasPrefix(given, "https://") {
		return slugMCP, given
	}
	return given, ""
}

// callbackOf is the redirect URI of a client.
func callbackOf(ctx context.Context, c *client.Client, connector, id string) (string, error) {
	list, callback, err := c.OAuthClients(ctx)
	for _, one := range list {
		if one.Connector == connector && one.ID == id {
			callback = cmp.Or(one.Callback, callback)
		}
	}
	return callback, err
}

func (a *app) deleteClient() *cobra.Command {
	var sure sureFlag
	return sure.add(command("delete CONNECTOR|URL", "Delete an OAuth client; what was connected by it cannot be renewed", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		connector, server := ofClient(args[0])
		lines, err := a.madeBy(cmd.Context(), connector)
		if err != nil {
			return err
		}
		if err := a.deleting(cmd, sure, args[0], "delete the OAuth client of "+args[0]+"? What was connected by it cannot be renewed.", lines); err != nil {
			return err
		}
		if err := a.client().DeleteOAuthClient(cmd.Context(), connector, server); err != nil {
			return err
		}
		return a.made(args[0], "deleted the OAuth client of "+args[0], map[string]string{"deleted": args[0]})
	}))
}

// madeBy says which connections a connector made.
func (a *app) madeBy(ctx context.Context, connector string) (lines []string, err error) {
	list, err := a.client().Connections(ctx, "")
	for _, c := range list {
		if c.Connected != nil && c.Connected.Connector == connector {
			lines = append(lines, describeConnection(c)+" may have been connected by it")
		}
	}
	return lines, err
}
