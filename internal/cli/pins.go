package cli

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
)

func (a *app) pinned() client.PinFile {
	return client.PinFile(filepath.Join(a.settings(), "pins.json"))
}

func (a *app) pins() *cobra.Command {
	return group("pins", "The servers' identities that this machine has seen, and whose keys it seals values to", a.listPins(), a.forgetPin())
}

// pin is a server and its key.
type pin struct {
	Server      string `json:"server"`
	Fingerprint string `json:"fingerprint"`
}

func (a *app) listPins() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List the servers whose keys are known here", "", cobra.NoArgs, func(*cobra.Command, []string) error {
		all, err := a.pinned().All()
		if err != nil {
			return err
		}
		var list []pin
		for _, server := range slices.Sorted(maps.Keys(all)) {
			list = append(list, pin{server, all[server]})
		}
		server := func(p pin) string { return p.Server }
		return printList(a, &f, list, "no server is known here yet", server, []column[pin]{
			{"SERVER", server}, {"KEY", func(p pin) string { return p.Fingerprint }},
		})
	}))
}

func (a *app) forgetPin() *cobra.Command {
	return command("forget [SERVER]", "Forget a server's key: the next one that it shows is taken",
		`Forget a server's key: the next one that it shows is taken.

SERVER is its URL, its socket or its data folder: the one that the command would talk
to where none is named. Do this only where you know why the key is another: a data
folder that was made anew has a new one, and so has a vault whose owner gave it another
identity; its fingerprint is in "hotcell workspace show" there. A key that was rotated
is taken without a word. Else somebody may stand in the server's place, and would get
what you type.`,
		cobra.MaximumNArgs(1), func(cmd *cobra.Command, args []string) error {
			named, err := a.pinName(cmd.Context(), args)
			if err != nil {
				return err
			}
			for _, name := range []string{named, filepath.Join(named, "hotcell.sock")} {
				was, err := a.pinned().Forget(name)
				if err != nil {
					return err
				}
				if was != "" {
					return a.made(name, fmt.Sprintf("forgot the key %s of the server at %s", was, name), map[string]string{"forgotten": name, "fingerprint": was})
				}
			}
			return &hinted{fmt.Errorf("%w: no key is known of a server at %s", hotcell.ErrNotFound, named), "see what there is: hotcell pins list"}
		})
}

// pinName is the name that a server's pin has.
func (a *app) pinName(ctx context.Context, args []string) (string, error) {
	switch {
	case len(args) == 0:
		s, err := a.server(ctx)
		if err != nil && s.options.URL == "" {
			return "", err
		}
		return s.name(), nil
	case strings.Contains(args[0], "://"):
		return client.Address(args[0])
	}
	name, err := filepath.Abs(args[0])
	if err != nil {
		return "", fmt.Errorf("naming the server: %w", err)
	}
	return name, nil
}
