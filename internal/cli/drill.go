package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hotcell/internal/cli/drill"
	"hotcell/internal/cli/drill/attacks"
)

// errThrough is why a drill fails; what it printed says the rest.
var errThrough = errors.New("something got through")

func (a *app) drill() *cobra.Command {
	var only string
	c := command("drill [ASSIGNMENT]", "Attack the running server as a hostile agent would, and see what gets through", `
Runs the catalogue of attacks in real cells, with credentials of its own that are
worth nothing, against listeners of its own: what counts is what arrives there.
Given an assignment, the attacker has its limits and its allow-list as well. It
has to be run on the server's machine. What it makes, it deletes. Each case is told
of as it ends, and each kind of them at the end.

Exits with 1 if anything got through.`, cobra.MaximumNArgs(1), func(cmd *cobra.Command, args []string) error {
		o := drill.Options{Client: a.client(), Keep: func(name string) bool { return strings.HasPrefix(name, only) }}
		if len(args) == 1 {
			o.Assignment = args[0]
		}
		if err := anyCase(only); err != nil {
			return err
		}
		if a.output == "table" {
			o.Told = func(r drill.Result) { a.told(r) }
		}
		report, err := drill.Run(cmd.Context(), o)
		if err != nil {
			return err
		}
		if a.output == "json" {
			err = a.json(report)
		} else {
			for _, k := range report.Kinds {
				_, _ = fmt.Fprintf(a.Out, "%-10s %s: tried %d, through %d, known %d, skipped %d\n", k.Name, k.Tries, k.Tried, k.Through, k.Documented, k.Skipped)
			}
			_, err = fmt.Fprintf(a.Out, "tried %d: %d got through; %d that no guard can stop are in SECURITY.md; %d skipped\n",
				report.Tried, report.Through, report.Documented, report.Skipped)
		}
		if err == nil && report.Through > 0 {
			return errThrough
		}
		return err
	})
	c.Flags().StringVar(&only, "only", "", "only the cases whose names begin with `this`")
	return c
}

// anyCase says whether there is a case whose name begins so.
func anyCase(only string) error {
	cases, err := attacks.Cases()
	if err != nil || slices.ContainsFunc(cases, func(c attacks.Case) bool { return strings.HasPrefix(c.Name, only) }) {
		return err
	}
	var kinds []string
	for _, c := range cases {
		if kind, _, _ := strings.Cut(c.Name, "-"); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return &usageError{"there is no case of that name", "names begin with " + strings.Join(kinds[:min(len(kinds), 40)], ", ")}
}

func (a *app) told(r drill.Result) {
	mark := map[string]string{"nothing": "ok  ", "through": "FAIL", "documented": "known", "skipped": "skip"}[r.Outcome]
	detail := ""
	if r.Detail != "" {
		detail = ": " + r.Detail
	}
	_, _ = fmt.Fprintf(a.Out, "%-5s %-24s %s%s\n", mark, r.Name, r.Tries, detail)
}
