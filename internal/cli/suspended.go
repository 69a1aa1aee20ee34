package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
)

func (a *app) confirmAttachment() *cobra.Command {
	var sure sureFlag
	return sure.add(command("confirm ASSIGNMENT CREDENTIAL", "Have jobs use a credential again, whose assignment somebody else changed",
		`Have jobs use a credential again, whose assignment somebody else changed since it was
attached. You are shown what is different.`, cobra.ExactArgs(2), func(cmd *cobra.Command, args []string) error {
			c := a.client()
			on, err := a.assignmentOf(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			found, err := onlyAttached(on, args[1])
			if err != nil {
				return err
			}
			held := found.Attachment.Suspended
			if held == nil {
				return fmt.Errorf("%w: %s waits for no confirmation", hotcell.ErrConflict, args[1])
			}
			lines := differences(held.Was, on.Work)
			if err := a.deleting(cmd, sure, args[1], fmt.Sprintf("give %s to %s as it is now?", args[1], on.Name), lines); err != nil {
				return err
			}
			out, err := c.ConfirmAttachment(cmd.Context(), found.Attachment.ID, on.Revision)
			if err != nil {
				return err
			}
			return a.made(string(out.ID), fmt.Sprintf("jobs of %s use %s again", on.Name, args[1]), out)
		}))
}

// differences tell what a piece of work does otherwise than another.
func differences(was, is hotcell.Work) (out []string) {
	tell := func(what, before, now string) {
		if before != now {
			out = append(out, what+" was: "+lineOf(before), what+" is:  "+lineOf(now))
		}
	}
	tell("the command", was.Command, is.Command)
	tell("the agent", was.Agent, is.Agent)
	tell("the instructions", was.Instructions, is.Instructions)
	tell("the folder", digestOf(was.Files), digestOf(is.Files))
	tell("what it may reach", allowed(was.Allow), allowed(is.Allow))
	tell("the image", was.Image, is.Image)
	tell("the browser", fmt.Sprint(was.Browser), fmt.Sprint(is.Browser))
	tell("the variables", fmt.Sprint(was.Environment), fmt.Sprint(is.Environment))
	return out
}

func lineOf(text string) string {
	if text == "" {
		return "(none)"
	}
	return strings.ReplaceAll(text, "\n", " ⏎ ")
}

func digestOf(f *hotcell.Files) string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%d bytes, SHA-256 %s", f.Size, f.Digest)
}
