//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"hotcell/internal/cli"
	"hotcell/internal/cli/profile"
	"hotcell/internal/config"
	"hotcell/internal/wire/egress"
)

func defaultData() string { return cli.DefaultData(os.Getenv) }

// run runs a command of people's.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	terminal := cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Version: version, Keyring: profile.System{}}
	return cli.Run(ctx, terminal, args, serveCmd(), doctorCmd(), toolchainsCmd(), imagesCmd(), restoreCmd(), verifyCmd(), passphraseCmd())
}

// loadConfig reads the server's configuration.
func loadConfig(file, data string) (config.Config, error) {
	return config.Load(file, os.Getenv, filepath.Join(data, "hotcell.yaml"), "/etc/hotcell/hotcell.yaml")
}

func serveCmd() *cobra.Command {
	var listen, file, phrase string
	c := &cobra.Command{
		Use: "serve", Short: "Run the server: control plane, vault and worker on this machine", Args: cobra.NoArgs,
		Long: `Run the server: control plane, vault, worker and parser, each a process of its own.

It keeps everything in the data folder, listens on loopback and on a socket in
that folder, and prints a line that begins with "ready" when it is up. Started
as root, it gives the vault, the worker and each job host uids of their own.
docs/configuration.md has what can be set.
` + cli.ExitStatus,
		RunE: func(cmd *cobra.Command, _ []string) error {
			forgetful()
			data, _ := cmd.Flags().GetString("data")
			data, err := filepath.Abs(data)
			if err != nil {
				return err
			}
			c, err := loadConfig(file, data)
			if err != nil {
				return err
			}
			if listen != "" {
				c.Listen = listen
			}
			if err := c.Check(); err != nil {
				return fmt.Errorf("the configuration: %w", err)
			}
			hosts, err := c.ModelHosts()
			if err != nil {
				return fmt.Errorf("the configuration: %w", err)
			}
			c.Models = config.List[egress.Model](hosts)
			if err := checkMounts(c, data); err != nil {
				return err
			}
			words, err := keyWords(cmd, c, data, phrase, !hasVault(data))
			if err != nil {
				return err
			}
			defer words.Clear()
			err = serve(cmd.Context(), serveOptions{data: data, config: c, words: words, stdout: os.Stdout, stderr: os.Stderr})
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		},
	}
	c.Flags().StringVar(&listen, "listen", "", "an `address` and port; off loopback it takes tls in the configuration (127.0.0.1:7878)")
	keyWordsFlag(c, &phrase)
	c.Flags().StringVar(&file, "config", "", "the configuration `file` (DIR/hotcell.yaml, /etc/hotcell/hotcell.yaml)")
	return c
}
