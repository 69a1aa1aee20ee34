package main

import (
	"os"

	"github.com/spf13/cobra"

	"hotcell/internal/cli"
	"hotcell/internal/cli/demo"
)

func demoCmd() *cobra.Command {
	var keep bool
	c := &cobra.Command{
		Use: "demo", Short: "Show it all, on this machine and in a minute: a real job, and the same one hostile", Args: cobra.NoArgs,
		Long: `Show it all, on this machine and in a minute: a real job with curl and psql
against a real HTTPS API and a real PostgreSQL, then the same job as a hostile
one. Each line with a mark is a check; where one fails, the exit code is 1.
` + cli.ExitStatus,
		RunE: func(cmd *cobra.Command, _ []string) error {
			binary, err := os.Executable()
			if err != nil {
				return err
			}
			return demo.Run(cmd.Context(), demo.Options{Binary: binary, Out: cmd.OutOrStdout(), Keep: keep})
		},
	}
	c.Flags().BoolVar(&keep, "keep", false, "leave the folder when it is over")
	return c
}
