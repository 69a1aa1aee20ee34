package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
)

func (a *app) keys() *cobra.Command {
	return group("keys", "The keys that values are held by: how old they are, and new ones", a.listKeys(), a.rotateKeys(), a.destroyKey())
}

func (a *app) listKeys() *cobra.Command {
	var f listFlags
	return f.add(command("list", "List the workspace's keys: what wraps what, how old, when last used",
		`List the workspace's keys: what wraps what, how old they are, when they last opened
something since the vault started, and how many things each one seals. No key is shown.`,
		cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
			report, err := a.client().Keys(cmd.Context())
			if err != nil {
				return err
			}
			if a.output == "json" && len(f.fields) == 0 {
				return a.json(report)
			}
			if err := printList(a, &f, report.Keys, "", func(k hotcell.Key) string { return k.ID }, keyColumns()); err != nil {
				return err
			}
			a.say("the KMS was asked %d times, %d in vain, and last answered %s", report.Calls, report.Failures, at(report.WarmSince))
			if report.WarmUntil != nil {
				a.say("without it, what it opened serves until %s", at(*report.WarmUntil))
			}
			if report.Problem != "" {
				a.say("%s", report.Problem)
			}
			if r := report.Rotation; r != nil {
				a.say("%s", rotationWords(*r))
			}
			return nil
		}))
}

func keyColumns() []column[hotcell.Key] {
	return []column[hotcell.Key]{
		{"KIND", func(k hotcell.Key) string { return string(k.Kind) }},
		{"ID", func(k hotcell.Key) string { return k.ID }},
		{"STATE", func(k hotcell.Key) string {
			if k.Due {
				return k.State + ", due"
			}
			return k.State
		}},
		{"WRAPPED BY", func(k hotcell.Key) string { return k.WrappedBy }},
		{"SINCE", func(k hotcell.Key) string { return at(k.MadeAt) }},
		{"LAST USED", func(k hotcell.Key) string {
			if k.UsedAt == nil {
				return ""
			}
			return at(*k.UsedAt)
		}},
		{"HOLDS", func(k hotcell.Key) string { return strconv.Itoa(k.Holds) }},
		{"BACKUPS", func(k hotcell.Key) string { return strings.Join(k.Backups, " ") }},
	}
}

// rotationWords tell how far a rotation is.
func rotationWords(r hotcell.Rotation) string {
	out := fmt.Sprintf("the rotation of %s is at the step %q, with %d of %d things sealed anew", r.What, r.Step, r.Done, r.Total)
	if r.EndedAt != nil {
		out = fmt.Sprintf("the rotation of %s ended %s: %d things were sealed anew", r.What, at(*r.EndedAt), r.Done)
	}
	if r.Problem != "" {
		out += "; it waits and is tried again: " + r.Problem
	}
	if len(r.Broken) > 0 {
		out += "; what does not open was left as it is: " + strings.Join(r.Broken, ", ")
	}
	return out
}

func (a *app) rotateKeys() *cobra.Command {
	var what string
	var background, compromised bool
	var sure sureFlag
	c := command("rotate", "Make keys anew, while everything goes on",
		`Make keys anew, while everything goes on:

  workspace  a fresh key of the workspace seals from now on, and wraps all data keys anew
  data       each version of each credential gets a fresh data key
  hpke       a fresh key pair that values are sealed to on their way in, signed by the
             vault's identity: nobody is asked. --compromised where somebody else has
             the old one; else what is under way to it is taken for an hour
  seeds      what is made from now on has stand-ins and links of a fresh seed
  kms        as workspace; the KMS's own key is rotated at its service
  all        each of these
  identity   another identity, for the owner: each person's machine knows the old one and
             refuses the new one, until they say "hotcell pins forget"

It is done in small steps in the vault, and goes on by itself after a restart; this
command waits for the end, and may be interrupted. The old key stays until "hotcell keys
destroy". An authority for TLS is made by each job's gateway and goes with it.`,
		cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
			kinds := []string{"workspace", "data", "hpke", "seeds", "kms", "all", "identity"}
			if !slices.Contains(kinds, what) {
				return usagef("--what takes one of %s", strings.Join(kinds, ", "))
			}
			if what == string(hotcell.KeyIdentity) {
				if err := a.deleting(cmd, sure, "--what identity", "give the vault another identity?", []string{
					"each person's machine has pinned the old one and will send nothing to the new one",
					"tell them its fingerprint by another way than this server (hotcell workspace show), and that they say: hotcell pins forget",
				}); err != nil {
					return err
				}
			}
			c := a.client()
			if err := c.RotateKeys(cmd.Context(), hotcell.KeyKind(what), compromised); err != nil {
				return err
			}
			if background {
				return a.made(what, "the rotation has begun; how far it is: hotcell keys list", map[string]string{"what": what})
			}
			r, err := a.followRotation(cmd.Context(), c)
			if err != nil {
				return err
			}
			return a.made(what, rotationWords(r)+"; old keys are listed by: hotcell keys list", r)
		})
	c.Flags().StringVar(&what, "what", "all", "which `keys`: workspace, data, hpke, seeds, kms, all or identity")
	c.Flags().BoolVar(&compromised, "compromised", false, "somebody else has the old key pair: what is sealed to it is refused at once")
	c.Flags().BoolVar(&background, "background", false, "do not wait for the end")
	return sure.add(c)
}

// followRotation waits for the end of what is under way, and tells how far it is.
func (a *app) followRotation(ctx context.Context, c *client.Client) (r hotcell.Rotation, err error) {
	for said := ""; ; {
		report, err := c.Keys(ctx)
		if err != nil || report.Rotation == nil {
			return r, err
		}
		if r = *report.Rotation; r.EndedAt != nil {
			return r, nil
		}
		if words := rotationWords(r); words != said {
			said = words
			a.say("%s", said)
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(lookEvery / 4):
		}
	}
}

func (a *app) destroyKey() *cobra.Command {
	var sure sureFlag
	c := command("destroy KEY", "Destroy an old key of the workspace, once nothing is sealed by it",
		`Destroy an old key of the workspace, once nothing is sealed by it. KEY is its id, as
"hotcell keys list" has it. What was copied of the database before, and what somebody has
of the key, opens no more with what the vault has now. Backups need none of these keys:
each has the keyset of its time in it, under the KMS key and its recipients.`,
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
			if err := a.deleting(cmd, sure, args[0], fmt.Sprintf("destroy the key %s for good?", args[0]), nil); err != nil {
				return err
			}
			if err := a.client().DestroyKey(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.made(args[0], "destroyed the key "+args[0], map[string]string{"destroyed": args[0]})
		})
	return sure.add(c)
}

// heldRows say by which key a credential is held.
func heldRows(h *hotcell.Holding) [][]string {
	if h == nil {
		return nil
	}
	return [][]string{{"held by", "the workspace's key " + h.Key + " since " + at(h.Since), "under " + h.KMS}}
}
