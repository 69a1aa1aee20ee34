package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/catalog/agent"
	"hotcell/internal/text/shell"
)

func (a *app) agents() *cobra.Command {
	return group("agents", "Agents: the programs that follow an assignment's instructions", a.listAgents())
}

func (a *app) listAgents() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List the agents that --agent may name", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Agents(cmd.Context())
		if err != nil {
			return err
		}
		name := func(one hotcell.Agent) string { return one.Name }
		return printList(a, &f, list, "", name, []column[hotcell.Agent]{
			{"AGENT", name}, {"NAME", func(one hotcell.Agent) string { return one.Title }}, {"IN CELLS", inCells},
			{"ITS MODEL'S KEY", func(one hotcell.Agent) string { return strings.Join(one.Connectors, ", ") }},
		})
	}))
}

// inCells says whether an agent's program is in cells, and how it comes there.
func inCells(one hotcell.Agent) string {
	if one.There {
		return "yes"
	}
	return "no" + agent.Remedy(one.Toolchain)
}

// engage sets who does the work: an agent that the server knows, or a command.
func (a *app) engage(cmd *cobra.Command, c *client.Client, name string, w *hotcell.Work) error {
	if !cmd.Flags().Changed("agent") {
		return nil
	}
	w.Command, w.Agent = name, ""
	if strings.TrimSpace(name) == "" {
		w.Command = ""
		return nil
	}
	program, _, more := strings.Cut(strings.TrimSpace(name), " ")
	known, err := c.Agents(cmd.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(known, func(one hotcell.Agent) bool { return one.Name == program })
	switch {
	case i < 0:
		return nil
	case more:
		a.say("hotcell: %s is taken as a command of your own; --agent %s alone would tell %s of its tools, its model and its limits (flags for it follow -- at run)", shell.Quote(name), program, known[i].Title)
		return nil
	}
	w.Command, w.Agent = "", program
	if !known[i].There {
		a.say("hotcell: there is no %s in cells yet%s", known[i].Program, agent.Remedy(known[i].Toolchain))
	}
	return nil
}
