package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
)

// destroyFlag has a credential destroyed at once: its name is typed once more.
type destroyFlag struct {
	sureFlag
	name string
}

func (f *destroyFlag) add(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&f.name, "destroy", "", "destroy it at once, so that it cannot be taken back: its `name` once more")
	return f.sureFlag.add(c)
}

// gone is what is asked and told of what is to be.
func (f *destroyFlag) gone(what string) string {
	if f.name != "" {
		return what + " are destroyed at once, and it cannot be taken back"
	}
	return "It can be taken back for 7 days, and is then destroyed"
}

const stillOpens = "a backup that was made before still opens it"

// told is what became of a credential that was deleted.
func (f *destroyFlag) told(c hotcell.Credential, grant string) string {
	s := fmt.Sprintf("deleted the %s %s: it can be taken back for 7 days, by hotcell deleted undelete %s; %s", c.Tier, c.Name, shell.Quote(c.Name), stillOpens)
	if f.name != "" {
		s = fmt.Sprintf("destroyed the %s %s: its keys are gone; %s", c.Tier, c.Name, stillOpens)
	}
	if grant != "" {
		s += "; as to what was granted, " + grant
	}
	return s
}

func (a *app) deleted() *cobra.Command {
	return group("deleted", "What was deleted and can be taken back for 7 days", a.listDeleted(), a.undelete(), a.destroyDeleted())
}

func (a *app) listDeleted() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List the deleted credentials that can be taken back", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Deleted(cmd.Context())
		if err != nil {
			return err
		}
		id := func(d hotcell.Deleted) string { return string(d.Credential.ID) }
		return printList(a, &f, list, "", id, []column[hotcell.Deleted]{
			{"ID", id}, {"NAME", func(d hotcell.Deleted) string { return d.Credential.Name }}, {"TIER", func(d hotcell.Deleted) string { return string(d.Credential.Tier) }},
			{"GROUP", func(d hotcell.Deleted) string { return groupOf(d.Credential) }},
			{"DELETED", func(d hotcell.Deleted) string { return at(d.At) }}, {"UNTIL", func(d hotcell.Deleted) string { return at(d.Until) }},
		})
	}))
}

// deletedOf finds a deleted credential by its id or name; of several of one name, the id
// decides.
func (a *app) deletedOf(ctx context.Context, c *client.Client, text string) (hotcell.Credential, error) {
	list, err := c.Deleted(ctx)
	if err != nil {
		return hotcell.Credential{}, err
	}
	var found []hotcell.Credential
	for _, d := range list {
		if string(d.Credential.ID) == text {
			return d.Credential, nil
		}
		if d.Credential.Name == text && time.Now().Before(d.Until) {
			found = append(found, d.Credential)
		}
	}
	return only(found, "deleted credential", "hotcell deleted list", text)
}

func (a *app) undelete() *cobra.Command {
	return command("undelete CREDENTIAL", "Take a deleted credential back; it is attached to nothing", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		was, err := a.deletedOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		out, err := c.Undelete(cmd.Context(), was.ID)
		if err != nil {
			return err
		}
		return a.made(string(out.ID), fmt.Sprintf("took the %s %s back: it is attached to nothing", out.Tier, out.Name), out)
	})
}

func (a *app) destroyDeleted() *cobra.Command {
	return command("destroy CREDENTIAL NAME", "Destroy a deleted credential before its time: name it, and type its name", "", cobra.ExactArgs(2), func(cmd *cobra.Command, args []string) error {
		c := a.client()
		was, err := a.deletedOf(cmd.Context(), c, args[0])
		if err != nil {
			return err
		}
		grant, err := c.DestroyDeleted(cmd.Context(), was.ID, args[1])
		if err != nil {
			return err
		}
		f := destroyFlag{name: args[1]}
		return a.made(string(was.ID), f.told(was, grant), map[string]string{"destroyed": string(was.ID), "grant": grant})
	})
}
