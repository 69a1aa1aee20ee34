package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
	"hotcell/internal/text/site"
)

// abreast is how many browsers `logins test` has at once.
const abreast = 3

// startOf is the address of the page that a login signs in on.
func startOf(c hotcell.Credential) string {
	scheme := "https://"
	if c.Login.Plain {
		scheme = "http://"
	}
	return scheme + site.FormatLogin(*c.Login) + "/" + strings.TrimPrefix(c.Login.Start, "/")
}

// wayRows tell by which requests a login signs in.
func wayRows(c hotcell.Credential) [][]string {
	if c.Login.Way == nil || len(c.Login.Way.Steps) == 0 {
		return [][]string{{"signs in by", "nobody has said yet: hotcell logins test " + shell.Quote(c.Name)}}
	}
	var rows [][]string
	for i := range c.Login.Way.Steps {
		title := ""
		if i == 0 {
			title = "signs in by"
		}
		rows = append(rows, []string{title, stepText(&c.Login.Way.Steps[i], site.FormatLogin(*c.Login))})
	}
	return rows
}

// stepText says which request a step is. What is in it came from a page: it is shown so
// that it cannot be taken for anything else.
func stepText(s *hotcell.WayStep, at string) string {
	var b strings.Builder
	path := ascii([]byte(at + s.Path))
	if len(s.Query) > 0 {
		path += "?" + ascii([]byte(strings.Join(s.Query, "&")))
	}
	switch {
	case s.Fill && s.Path == "":
		fmt.Fprintf(&b, "typed into the form on %s, which a script sends", ascii([]byte(at+s.Page)))
	case s.Fill:
		fmt.Fprintf(&b, "typed into the form on %s, which sends to %s by %s", ascii([]byte(at+s.Page)), path, ascii([]byte(s.Method)))
	default:
		fmt.Fprintf(&b, "%s https://%s as %s", ascii([]byte(s.Method)), path, ascii([]byte(s.Kind)))
	}
	if s.Password != "" {
		fmt.Fprintf(&b, ", the password in %s", fieldText(s.Password))
	}
	for i, name := range s.Code {
		if i == 0 {
			b.WriteString(", the code in ")
		} else {
			b.WriteString(" ")
		}
		b.WriteString(fieldText(name))
	}
	if len(s.Others) > 0 {
		fmt.Fprintf(&b, ", beside %s", ascii([]byte(strings.Join(s.Others, " "))))
	}
	return b.String()
}

func fieldText(name string) string {
	if name == "." {
		return "the body"
	}
	return fmt.Sprintf("%q", ascii([]byte(name)))
}

func (a *app) testLogin() *cobra.Command {
	var all, yes, fill bool
	c := command("test LOGIN… | --all", "Find out how logins sign in, and say yes to it beforehand",
		`Find out how logins sign in, and say yes to it beforehand.

A browser where no agent ever was goes to each login's own address, and does what
signs in there, with something that is worth nothing and leaves for nowhere: the
request is kept back. What it would have been is shown, and once you say yes, the
login goes by that request and by no other. A job whose login has none yet asks you
then. A one-time code's request is asked about when it comes.

--all tests those that have none yet, several at once.`,
		cobra.ArbitraryArgs, func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return &usageError{"which logins?", "hotcell logins test --all"}
			}
			ctx, c := cmd.Context(), a.client()
			logins, err := a.toTest(ctx, c, args, fill)
			if err != nil || len(logins) == 0 {
				return err
			}
			tested := a.testLogins(ctx, c, logins, fill)
			return a.keepWays(ctx, c, tested, yes)
		})
	c.Flags().BoolVar(&all, "all", false, "all that have no way in yet")
	c.Flags().BoolVar(&yes, "yes", false, "say yes to what is found, without being asked")
	c.Flags().BoolVar(&fill, "fill", false, "for attachments with --fill: the form that the browser fills in")
	return c
}

// toTest are the logins that are meant.
func (a *app) toTest(ctx context.Context, c *client.Client, args []string, fill bool) (out []hotcell.Credential, err error) {
	if len(args) > 0 {
		for _, name := range args {
			l, err := a.loginOf(ctx, c, name)
			if err != nil {
				return nil, err
			}
			out = append(out, l.Credential)
		}
		return out, nil
	}
	list, err := c.Logins(ctx, "")
	for _, one := range list {
		if !one.Login.Way.Knows(fill) {
			out = append(out, one)
		}
	}
	if err == nil && len(out) == 0 {
		a.say("all logins have a way in")
	}
	return out, err
}

// wayFound is what came of one test.
type wayFound struct {
	login hotcell.Credential
	step  hotcell.WayStep
	err   error
}

// testLogins tests them, several at once.
func (a *app) testLogins(ctx context.Context, c *client.Client, logins []hotcell.Credential, fill bool) []wayFound {
	out := make([]wayFound, len(logins))
	next, wait := make(chan int), sync.WaitGroup{}
	for range min(abreast, len(logins)) {
		wait.Go(func() {
			for i := range next {
				step, err := tryLogin(ctx, c, logins[i].ID, fill)
				out[i] = wayFound{logins[i], step, err}
			}
		})
	}
	for i := range logins {
		next <- i
	}
	close(next)
	wait.Wait()
	return out
}

// tryTime is how long the job of one test may live.
const tryTime = 5 * time.Minute

// tryLogin has a job with nothing but the login find out how it signs in.
func tryLogin(ctx context.Context, c *client.Client, id hotcell.CredentialID, fill bool) (step hotcell.WayStep, err error) {
	on, err := c.CreateAssignment(ctx, "logins test "+hotcell.NewID("try"), hotcell.Work{Command: "true"})
	if err != nil {
		return step, err
	}
	after, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	defer func() { _ = c.DeleteAssignment(after, on.ID) }()
	if _, err := c.Attach(ctx, on.ID, id, hotcell.InjectLogin, hotcell.Narrowing{Fill: fill}); err != nil {
		return step, err
	}
	j, err := c.Open(ctx, on.ID, tryTime)
	if err != nil {
		return step, err
	}
	defer func() { _, _ = c.Cancel(after, j.ID) }()
	if j.Job, err = started(ctx, c, j.Job); err != nil {
		return step, err
	}
	return c.LearnWay(ctx, j.ID, id)
}

// keepWays keeps what was found, once a person says yes to it.
func (a *app) keepWays(ctx context.Context, c *client.Client, tested []wayFound, yes bool) error {
	var good []wayFound
	var failed error
	for _, one := range tested {
		if one.err != nil {
			failed = one.err
			a.say("%s: %v", one.login.Name, one.err)
			continue
		}
		good = append(good, one)
		a.say("%s (%s) signs in by %s", one.login.Name, startOf(one.login), stepText(&one.step, site.FormatLogin(*one.login.Login)))
	}
	if len(good) > 0 && !yes {
		var err error
		if yes, err = a.confirm(ctx, fmt.Sprintf("Do they sign in so? Keep %d", len(good))); err != nil {
			return err
		}
	}
	for _, one := range good {
		if !yes {
			continue
		}
		if _, err := c.ChangeLogin(ctx, one.login.ID, 0, client.LoginChange{Steps: []hotcell.WayStep{one.step}}); err != nil {
			return err
		}
	}
	if yes && len(good) > 0 {
		a.say("%d of %d logins have a way in now", len(good), len(tested))
	}
	return failed
}
