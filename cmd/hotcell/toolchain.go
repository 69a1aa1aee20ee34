//go:build linux

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"hotcell"
	"hotcell/internal/cell"
	"hotcell/internal/cli"
	"hotcell/internal/config"
	"hotcell/internal/worker/toolchain"
)

// toolchains is the folder of toolchains: cells of a server that runs as root have uids
// that cannot reach into the data folder.
func toolchains(c config.Config, data string) string {
	if c.Cells.Toolchains != "" {
		return c.Cells.Toolchains
	}
	if os.Geteuid() == 0 {
		return "/opt/hotcell"
	}
	return filepath.Join(data, "toolchains")
}

// inCells says whether cells have a program: the machine's, or a toolchain's.
func (h *house) inCells(program string) bool {
	if program == "" || (toolchain.Store{Folder: toolchains(h.config, h.data)}).Has(program) {
		return true
	}
	for _, folder := range filepath.SplitList(cell.Path) {
		if info, err := os.Stat(filepath.Join(folder, program)); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

// checkMounts keeps the server's own data out of cells.
func checkMounts(c config.Config, data string) error {
	for i, text := range c.Cells.Mounts {
		m, _ := config.ParseMount(text)
		folder, err := filepath.EvalSymlinks(m.Source)
		if err != nil {
			return fmt.Errorf("the configuration: looking at the mount %s: %w", m.Source, err)
		}
		if config.Within(data, folder) || config.Within(folder, data) {
			return fmt.Errorf("the configuration: %w", hotcell.Invalid(fmt.Sprintf("/cells/mounts/%d", i), "the server's own data lies in %s, or the other way round", folder))
		}
	}
	return nil
}

func toolchainsCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "toolchains", Short: "Programs that cells have beside the machine's: agents, Node",
		Long: `Programs that cells have beside the machine's: agents, Node.

Commands of the operator, on the server's machine. Each toolchain is one package of
npm's that must be the one that was written down, by its SHA-512; no script of it is run.
Cells see it under /opt, to read, from the next job on.
` + cli.ExitStatus,
	}
	c.PersistentFlags().String("config", "", "the server's configuration `file` (DIR/hotcell.yaml, /etc/hotcell/hotcell.yaml)")
	c.AddCommand(addToolchain(), listToolchains(), removeToolchain())
	return c
}

// settingsOf are the server's settings for a command of the operator's, and its data
// folder.
func settingsOf(cmd *cobra.Command) (config.Config, string, error) {
	data, _ := cmd.Flags().GetString("data")
	data, err := filepath.Abs(data)
	if err != nil {
		return config.Config{}, "", err
	}
	file, _ := cmd.Flags().GetString("config")
	c, err := config.Load(file, os.Getenv, filepath.Join(data, "hotcell.yaml"), "/etc/hotcell/hotcell.yaml")
	return c, data, err
}

// storeOf is where a command's toolchains are.
func storeOf(cmd *cobra.Command) (toolchain.Store, error) {
	c, data, err := settingsOf(cmd)
	return toolchain.Store{Folder: toolchains(c, data), Now: time.Now}, err
}

func addToolchain() *cobra.Command {
	var registry string
	c := &cobra.Command{
		Use: "add NAME…", Short: "Get toolchains: claude, codex, gemini, opencode, node22", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			known, err := toolchain.Known()
			if err != nil {
				return err
			}
			for _, name := range args {
				if _, ok := known[name]; !ok {
					return fmt.Errorf("%w: there is no toolchain %q; there are %s", hotcell.ErrNotFound, name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
				}
			}
			store, err := storeOf(cmd)
			if err != nil {
				return err
			}
			unix.Umask(0o022) // cells read what is written now
			from := toolchain.Registry{URL: cmp.Or(registry, registryOf(cmd.Context())), HTTP: http.DefaultClient}
			for _, name := range args {
				added, err := store.Add(cmd.Context(), known[name], runtime.GOARCH, from)
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "added %s %s: cells have %s\n", name, added.Package.Version, strings.Join(added.Programs, ", ")); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&registry, "registry", "", "the `address` of the npm registry (npm's own setting)")
	return c
}

// registryOf is the registry that npm would ask.
func registryOf(ctx context.Context) string {
	const public = "https://registry.npmjs.org"
	if set := cmp.Or(os.Getenv("npm_config_registry"), os.Getenv("NPM_CONFIG_REGISTRY")); set != "" {
		return set
	}
	out, err := exec.CommandContext(ctx, "npm", "config", "get", "registry").Output()
	if text := strings.TrimSpace(string(out)); err == nil && strings.HasPrefix(text, "http") {
		return text
	}
	return public
}

func listToolchains() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the toolchains that cells have", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := storeOf(cmd)
			if err != nil {
				return err
			}
			list, err := store.List()
			if err != nil {
				return err
			}
			if output, _ := cmd.Flags().GetString("output"); output == "json" {
				if list == nil {
					list = []toolchain.Installed{}
				}
				return json.NewEncoder(cmd.OutOrStdout()).Encode(list)
			}
			if len(list) == 0 {
				_, err := fmt.Fprintln(cmd.ErrOrStderr(), "no toolchains yet: hotcell toolchains add claude")
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "NAME\tVERSION\tPROGRAMS\tADDED")
			for _, i := range list {
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", i.Name, i.Package.Version, strings.Join(i.Programs, ", "), i.Added.Format(time.DateOnly))
			}
			return w.Flush()
		},
	}
}

func removeToolchain() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Take a toolchain away from the cells that start from now on", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			store, err := storeOf(cmd)
			if err != nil {
				return err
			}
			if err := store.Remove(args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "removed %s\n", args[0])
			return err
		},
	}
}
