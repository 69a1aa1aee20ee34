package cli

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
)

// linkFlags say what to do with a link.
type linkFlags struct{ leave, open bool }

func (f *linkFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.leave, "no-wait", false, "print the link and leave; hotcell connections list shows what came of it")
	c.Flags().BoolVar(&f.open, "open", false, "open the link in this machine's browser")
}

// invite tells of a link, and waits until the account is connected.
func (a *app) invite(ctx context.Context, c *client.Client, link client.Link, f linkFlags) error {
	if f.leave {
		return a.left(link)
	}
	if link.Device != nil {
		fmt.Fprintf(a.Err, "open %s and type in the code %s\n", safe(link.Device.URL), safe(link.Device.Code))
	} else {
		fmt.Fprintf(a.Err, "open this link in a browser, within %s; it works once:\n\n    %s\n\n", time.Until(link.Expires).Round(time.Minute), link.URL)
		if f.open {
			_ = exec.CommandContext(ctx, "xdg-open", link.URL).Start()
		}
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		now, err := c.Link(ctx, link.ID)
		if err != nil {
			return err
		}
		switch now.State {
		case hotcell.LinkDone:
			return a.connected(ctx, c, now)
		case hotcell.LinkFailed, hotcell.LinkExpired:
			reason := now.Reason
			if reason == "" {
				reason = "the link is over"
			}
			return &hinted{fmt.Errorf("%w: %s was not connected: %s", hotcell.ErrDenied, now.Name, reason), "ask for a new link by the same command"}
		case hotcell.LinkWaiting, hotcell.LinkOpened:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// left prints a link for somebody else to open.
func (a *app) left(link client.Link) error {
	if a.output == "json" {
		return a.json(link)
	}
	if link.Device != nil {
		_, err := fmt.Fprintln(a.Out, safe(link.Device.URL), safe(link.Device.Code))
		return err
	}
	_, err := fmt.Fprintln(a.Out, link.URL)
	return err
}

func (a *app) connected(ctx context.Context, c *client.Client, link client.Link) error {
	made, err := c.Connection(ctx, link.Connection)
	if err != nil {
		return err
	}
	if link.Reason != "" {
		a.say("%s", link.Reason)
	}
	return a.made(string(made.ID), fmt.Sprintf("connected %s; attach tools of it: hotcell assignments attach ASSIGNMENT %s --tools …, of hotcell connections tools %s", describeConnection(made.Credential), shell.Quote(made.Name), shell.Quote(made.Name)), made)
}

// describeConnection says what a connection is to: its name, service and account.
func describeConnection(c hotcell.Credential) string {
	out := c.Name
	if c.Connected != nil {
		out += " (" + c.Connected.Connector
		if c.Connected.Account != "" {
			out += " as " + c.Connected.Account
		}
		return out + ")"
	}
	if c.HTTP != nil {
		out += " (" + accessOf(c.HTTP) + ")"
	}
	return out
}

func (a *app) reconnect() *cobra.Command {
	var flags linkFlags
	var renewal client.Renewal
	c := command("reconnect CONNECTION", "Connect an account anew: the connection keeps its id and attachments", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		was, err := a.connectionOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		link, err := c.Reconnect(cmd.Context(), was.ID, renewal)
		if err != nil {
			return err
		}
		return a.invite(cmd.Context(), c, link, flags)
	})
	c.Flags().StringSliceVar(&renewal.Tools, "tools", nil, "ask for the scopes of these `tools` too")
	c.Flags().BoolVar(&renewal.Anyone, "any-account", false, "let it become another account's; the assignments that it is attached to then work as that one")
	flags.add(c)
	return c
}

// renewal says how a connection that does not work is renewed.
func renewal(c hotcell.Credential) string {
	if c.Connected != nil && slices.Contains(c.Connected.Fields, hotcell.FieldKey) || c.Connected == nil {
		return "give it another key: hotcell connections set-key " + shell.Quote(c.Name)
	}
	return "connect it anew: hotcell connections reconnect " + shell.Quote(c.Name)
}

// serviceOf is what people call the service that a connection is to.
func serviceOf(ctx context.Context, c *client.Client, of hotcell.Credential) string {
	if of.Connected != nil {
		if made, err := c.Connector(ctx, of.Connected.Connector); err == nil {
			return made.Name
		}
	}
	return connectedTo(of)
}

func (a *app) testConnection() *cobra.Command {
	var path string
	c := command("test CONNECTION [--path /P]", "Ask the service whether a connection works", `Ask the service whether a connection works: whose account it is, where the connector
knows how to ask that; else --path names what is asked for, by GET. Of the answer you
are told no more than whether it was one.`, cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		of, err := a.connectionOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		tested, err := c.TestConnection(cmd.Context(), of.ID, path)
		if err != nil {
			return err
		}
		if a.output == "json" {
			return a.json(tested)
		}
		if tested.Unanswered {
			return &hinted{fmt.Errorf("%w: %s does not answer: %s", hotcell.ErrUnavailable, serviceOf(cmd.Context(), c, of.Credential), tested.Reason), "nothing is known of the connection: is there a network? Try again later"}
		}
		if !tested.Works {
			return &hinted{fmt.Errorf("%w: %s does not work: %s", hotcell.ErrNeedsReconnect, of.Name, tested.Reason), renewal(of.Credential)}
		}
		as := ""
		if tested.Account != "" {
			as = ", as " + tested.Account
		}
		_, err = fmt.Fprintln(a.Out, safe(of.Name+" works"+as))
		return err
	})
	c.Flags().StringVar(&path, "path", "", "a `path` below the service's address, such as /me")
	return c
}
