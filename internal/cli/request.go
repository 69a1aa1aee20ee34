package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/text/shell"
	"hotcell/internal/text/site"
	"hotcell/internal/text/words"
)

func (a *app) requests() *cobra.Command {
	return group("requests", "What jobs ask people for", a.listRequests(), a.showRequest(), a.decide(true), a.decide(false), a.linkRequest())
}

func (a *app) listRequests() *cobra.Command {
	var state, job string
	var f listFlags
	c := command("list", "List what jobs ask for, newest first", "", cobra.NoArgs, func(cmd *cobra.Command, _ []string) error {
		list, err := a.client().Requests(cmd.Context(), hotcell.RequestState(state), hotcell.JobID(job))
		if err != nil {
			return err
		}
		id := func(q hotcell.Request) string { return string(q.ID) }
		return printList(a, &f, list, "", id, []column[hotcell.Request]{
			{"ID", id}, {"STATE", func(q hotcell.Request) string { return string(q.State) }}, {"WANTS", func(q hotcell.Request) string { return shorten(wants(q), 60) }},
			{"JOB", func(q hotcell.Request) string { return string(q.Job) }}, {"ASKED", func(q hotcell.Request) string { return at(q.CreatedAt) }},
			{"THE AGENT SAYS", func(q hotcell.Request) string { return quoted(q.Why) }},
		})
	})
	f.add(c)
	c.Flags().StringVar(&job, "job", "", "only those of this `job`")
	c.Flags().StringVar(&state, "state", "", "only those that are pending, approved, refused or expired")
	return c
}

// wants is what a request asks for, in a line.
func wants(q hotcell.Request) string {
	switch {
	case q.Way != nil:
		return "sign in with " + q.Way.Login + " by " + stepText(&q.Way.Step, site.FormatLogin(hotcell.Login{Host: q.Allow.Host, Port: q.Allow.Port}))
	case q.Kind == hotcell.RequestLogin:
		return "a login for " + site.FormatAllow(q.Allow)
	case q.Call == nil:
		return site.FormatAllow(q.Allow)
	}
	return "call " + words.Name(q.Call.Tool) + " " + words.Name(q.Call.Connection) + " " + string(q.Call.Arguments)
}

// quoted is an agent's own words, so that they cannot be taken for ours.
func quoted(why string) string {
	if why == "" {
		return ""
	}
	return strconv.Quote(why)
}

func (a *app) showRequest() *cobra.Command {
	return command("show ID", "Show what a job asks for", "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		q, err := a.client().Request(cmd.Context(), hotcell.RequestID(args[0]))
		if err != nil {
			return err
		}
		return a.request(q)
	})
}

func (a *app) request(q hotcell.Request) error {
	if a.output == "json" {
		return a.json(q)
	}
	rows := [][]string{{"id", string(q.ID)}, {"state", string(q.State)}}
	switch {
	case q.Way != nil:
		rows = append(rows, askedWayRows(q)...)
	case q.Call == nil:
		rows = append(rows, []string{"wants", wants(q)})
	default:
		rows = append(rows, callRows(*q.Call)...)
	}
	rows = append(rows, [][]string{{"job", string(q.Job)}, {"assignment", string(q.Assignment)}, {"asked", at(q.CreatedAt)}}...)
	if q.Why != "" {
		rows = append(rows, []string{"the agent says", quoted(q.Why)})
	}
	if q.Kind == hotcell.RequestLogin && q.State == hotcell.RequestPending {
		rows = append(rows, []string{"answer it", fmt.Sprintf("hotcell requests approve %s --login LOGIN", q.ID)},
			[]string{"or make one", fmt.Sprintf("hotcell logins create %s --username U --request %s", shell.Quote(site.FormatAllow(q.Allow)), q.ID)},
			[]string{"or in a browser", fmt.Sprintf("hotcell requests link %s", q.ID)})
	}
	if q.Standing {
		rows = append(rows, []string{"for", "the assignment and all its jobs to come"})
	}
	return a.table(rows)
}

// askedWayRows tell of a way in that nobody has said yes to, beside those that people
// have.
func askedWayRows(q hotcell.Request) [][]string {
	at := site.FormatLogin(hotcell.Login{Host: q.Allow.Host, Port: q.Allow.Port})
	found := "a page that the agent has come to: " + ascii([]byte(at+q.Way.Step.Page))
	if q.Way.Start {
		found = "its own address, where the agent was not"
	}
	rows := [][]string{{"wants", "to sign in with " + q.Way.Login}, {"by", stepText(&q.Way.Step, at)}, {"found from", found}}
	for i := range q.Way.Known {
		title := ""
		if i == 0 {
			title = "until now by"
		}
		rows = append(rows, []string{title, stepText(&q.Way.Known[i], at)})
	}
	return rows
}

// callRows tell of a call that waits. The arguments are an agent's: they are shown
// argument by argument, each as JSON, so that none can be taken for our words.
func callRows(c hotcell.AskedCall) [][]string {
	account := words.Name(c.Connection)
	if c.Account != "" {
		account += " (" + words.Name(c.Account) + ")"
	}
	rows := [][]string{{"wants", "to call " + words.Name(c.Tool)}, {"on", account}}
	var arguments map[string]json.RawMessage
	if json.Unmarshal(c.Arguments, &arguments) != nil {
		return append(rows, []string{"arguments", ascii(c.Arguments)})
	}
	for i, name := range slices.Sorted(maps.Keys(arguments)) {
		title := ""
		if i == 0 {
			title = "arguments"
		}
		rows = append(rows, []string{title, strconv.QuoteToASCII(name) + ": " + ascii(arguments[name])})
	}
	return rows
}

// ascii is JSON of somebody's without a character that a terminal could show as
// another, or as none: what looks like #ops is #ops.
func ascii(text []byte) string { return safe(string(text)) }

func (a *app) linkRequest() *cobra.Command {
	return command("link ID", "Make a link by which a person gives the login that a job asks for",
		`Make a link by which a person gives the login that a job asks for, in a browser. What
they type is sealed in the page: it becomes a personal login of the member on whose
behalf the job runs, and the job gets it. Whoever has the link can answer, once: give
it to nobody else, and never to the agent.`,
		cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
			l, err := a.client().LinkRequest(cmd.Context(), hotcell.RequestID(args[0]))
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(l)
			}
			a.say("good until %s, or until the request is answered:", at(l.Expires))
			_, err = fmt.Fprintln(a.Out, l.URL)
			return err
		})
}

func (a *app) decide(approve bool) *cobra.Command {
	use, short := "refuse ID", "Refuse what a job asks for"
	if approve {
		use, short = "approve ID", "Let a job have what it asks for: a host, a login, or one call of a tool"
	}
	var standing bool
	var login string
	c := command(use, short, "", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		c, id := a.client(), hotcell.CredentialID("")
		if login != "" {
			found, err := a.loginOf(cmd.Context(), c, login)
			if err != nil {
				return err
			}
			id = found.ID
		}
		q, err := c.DecideRequest(cmd.Context(), hotcell.RequestID(args[0]), approve, standing, id)
		if err != nil {
			return err
		}
		return a.request(q)
	})
	if approve {
		c.Flags().StringVar(&login, "login", "", "the `login` that answers a request for one: this job gets it")
		c.Flags().BoolVar(&standing, "standing", false, "for the assignment and all its jobs to come, and not for this job alone")
	}
	return c
}

// putOn says which credentials go onto a request, and where.
func putOn(uses []client.ExplainedUse) string {
	var out []string
	for _, u := range uses {
		where := " (as " + u.As + ", in " + strings.Join(u.Places, " or ") + ")"
		if u.As == string(hotcell.InjectStandIn) {
			where = " (where its stand-in stands in " + strings.Join(u.Places, " or ") + ")"
		}
		out = append(out, u.Name+where)
	}
	return strings.Join(out, " and ")
}

func (a *app) explain() *cobra.Command {
	return command("explain JOB|ASSIGNMENT METHOD URL", "Say what would become of a request of a job",
		"Say what would become of a request of a job: whether it is let out, under which\nrule, and which credential goes on. Exits with 4 where it would be refused.",
		cobra.ExactArgs(3), func(cmd *cobra.Command, args []string) error {
			c, of := a.client(), args[0]
			if hotcell.CheckID(of, hotcell.PrefixJob) != nil {
				on, err := a.assignmentOf(cmd.Context(), c, of)
				if err != nil {
					return err
				}
				of = string(on.ID)
			}
			e, err := c.Explain(cmd.Context(), of, args[1], args[2])
			if err != nil {
				return err
			}
			if a.output == "json" {
				if err := a.json(e); err != nil {
					return err
				}
			}
			if e.Warning != "" {
				a.say("hotcell: warning: no job would start: %s", e.Warning)
			}
			if !e.Allowed {
				return fmt.Errorf("%w: %s %s is refused: %s", hotcell.ErrDenied, strings.ToUpper(args[1]), args[2], e.Reason)
			}
			if a.output == "json" {
				return nil
			}
			how := "goes to the host directly, with nothing put on"
			if len(e.Credentials) > 0 {
				how = "goes by the vault, which puts on " + putOn(e.Credentials) + "; a request that brings another credential is refused"
			}
			if e.Model {
				how += "; it is a model host: values are taken out of what is sent"
				if len(e.Withheld) > 0 {
					how += ", and a request that shows one of " + strings.Join(e.Withheld, ", ") + " as its key is refused: that is not bound to this host"
				}
			}
			_, err = fmt.Fprintf(a.Out, "allowed: %s %s %s, under %s\n", strings.ToUpper(args[1]), args[2], how, e.Rule)
			return err
		})
}
