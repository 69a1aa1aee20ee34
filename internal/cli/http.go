package cli

import (
	"context"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
)

const exampleConnection = "hotcell connections create http --name stripe --host api.stripe.com --auth bearer --api-key-file key.txt"

// access is where and how the key goes on.
func (f *connectionFlags) access() (hotcell.HTTPAccess, error) {
	host := f.host
	if strings.Contains(f.settings["base"], "://") && host != "" {
		return hotcell.HTTPAccess{}, usagef("the base names the host: give --host and a path, or the whole address alone")
	}
	if whole := f.settings["base"]; strings.Contains(whole, "://") {
		host = whole // it names the host itself
	}
	for flag, given := range map[string]string{"--name": f.name, "--host": host, "--auth": f.auth.Kind} {
		if given == "" {
			return hotcell.HTTPAccess{}, &usageError{flag + " is needed, and so are --name, --host and --auth", exampleConnection}
		}
	}
	out := hotcell.HTTPAccess{Host: f.host, Auth: f.auth}
	if kind, name, both := strings.Cut(f.auth.Kind, ":"); both && f.auth.Name == "" { // header:x-api-key
		out.Auth.Kind, out.Auth.Name = kind, name
	}
	if host, port, err := net.SplitHostPort(f.host); err == nil {
		n, err := strconv.Atoi(port)
		if err != nil {
			return out, usagef("--host takes HOST or HOST:PORT")
		}
		out.Host, out.Port = host, n
	}
	return out, nil
}

// createHTTP keeps a key for a host that is named.
func (a *app) createHTTP(ctx context.Context, cmd *cobra.Command, c *client.Client, flags connectionFlags) error {
	to, err := flags.access()
	if err != nil {
		return err
	}
	draft := client.ConnectionDraft{Name: flags.name, Service: flags.service, Shared: flags.shared, HTTP: to, ZeroDataRetention: flags.zero}
	if base := flags.settings["base"]; base != "" {
		draft.Connector, draft.Settings = "http", flags.settings
	}
	return a.keep(ctx, cmd, c, draft, flags, exampleConnection)
}
