//go:build !linux

package main

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"hotcell/internal/cli"
	"hotcell/internal/cli/profile"
)

func main() {
	// What libraries say by themselves may quote what a service sent.
	log.SetOutput(io.Discard)
	os.Exit(run(os.Args[1:]))
}

// run runs a command of people's.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	terminal := cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Version: version, Keyring: profile.System{}}
	var absent []*cobra.Command
	for _, name := range []string{"serve", "doctor", "toolchains", "images", "restore"} {
		absent = append(absent, elsewhere(name))
	}
	return cli.Run(ctx, terminal, args, absent...)
}

// elsewhere is a command of a server's machine.
func elsewhere(name string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: "On the server's machine alone, which is Linux", DisableFlagParsing: true, Args: cobra.ArbitraryArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("hotcell " + name + " is for the server's machine, which is Linux: here are the commands of the people who use one, by hotcell auth login URL")
		},
	}
}
