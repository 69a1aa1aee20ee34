package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/importer"
	"hotcell/internal/text/shell"
	"hotcell/internal/text/site"
)

// planned is one login that an import makes, or one that it gives codes to.
type planned struct {
	client.LoginDraft
	entry int
	// into is the name of the login that gets the codes.
	into string
}

// where is its site as people write it.
func (p planned) where() string {
	if at, err := site.Login(p.Site); err == nil {
		return site.FormatLogin(at)
	}
	return p.Site
}

// plan says what becomes of each entry. Codes go into the login of their site and
// user name that has none yet, or where a person says.
func (a *app) plan(ctx context.Context, found *importer.Logins, f importing) ([]planned, error) {
	targets, err := targetsOf(f.maps)
	if err != nil {
		return nil, err
	}
	p := &planner{app: a, found: found, flags: f, targets: targets}
	if found.Format == importer.Authenticator {
		if p.there, err = a.client().Logins(ctx, ""); err != nil {
			return nil, err
		}
	}
	for _, d := range found.Drafts {
		one := planned{client.LoginDraft{Site: d.Site, Username: d.Username, Password: d.Password, OTP: d.OTP, Shared: f.shared}, d.Entry, ""}
		if d.Password.Len() == 0 {
			p.meet(&one)
		}
		p.all = append(p.all, one)
	}
	for _, c := range found.Codes {
		if err := p.code(ctx, c); err != nil {
			return nil, err
		}
	}
	for key := range targets {
		return nil, usagef("--map %s=…: the file has no such entry, or it says itself for which site it is", key)
	}
	return p.all, nil
}

// targetsOf reads --map: entries, by number or label in lower case, to what people named.
func targetsOf(maps []string) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range maps {
		entry, target, ok := strings.Cut(text, "=")
		if entry, target = strings.ToLower(strings.TrimSpace(entry)), strings.TrimSpace(target); !ok || entry == "" || target == "" || out[entry] != "" {
			return nil, usagef("--map takes ENTRY=LOGIN or ENTRY=SITE, each entry once: --map 'ACME:ada=portal.acme.com'")
		}
		out[entry] = target
	}
	return out, nil
}

type planner struct {
	*app
	found   *importer.Logins
	flags   importing
	targets map[string]string
	there   []hotcell.Credential
	all     []planned
}

// meet finds the login of the same account, if that has no codes yet.
func (p *planner) meet(one *planned) {
	at, err := site.Login(one.Site)
	if err != nil {
		return
	}
	for _, c := range p.there {
		if c.Login.Of(at.Host, at.Port, at.Plain) && strings.EqualFold(c.Login.Username, one.Username) && !c.Login.OTP {
			one.Into, one.into = c.ID, c.Name
			return
		}
	}
}

// code finds out for which login codes are that do not say it.
func (p *planner) code(ctx context.Context, c importer.Code) error {
	target := ""
	for _, key := range []string{strconv.Itoa(c.Entry), strings.ToLower(c.Label())} {
		if found := p.targets[key]; found != "" {
			target = found
			delete(p.targets, key)
		}
	}
	if target == "" && p.person() && !p.flags.yes && !p.flags.dry && p.output != "json" {
		var err error
		if target, err = p.ask(ctx, fmt.Sprintf("entry %d, %q: for which login, or which site? (nothing leaves it out) ", c.Entry, c.Label())); err != nil {
			return err
		}
	}
	if target == "" {
		reason := fmt.Sprintf("it does not say for which website it is: --map %d=LOGIN, or =SITE", c.Entry)
		p.found.Skipped = append(p.found.Skipped, importer.Skipped{Entry: c.Entry, Title: c.Label(), Reason: reason})
		return nil
	}
	one := planned{client.LoginDraft{OTP: c.OTP, Username: c.Account, Shared: p.flags.shared}, c.Entry, ""}
	login, err := p.loginOf(ctx, p.client(), target)
	switch {
	case err == nil && login.Login.OTP:
		return fmt.Errorf("%w: %s has one-time codes already: hotcell logins set %s --otp-from FILE --entry %d", hotcell.ErrConflict, login.Name, shell.Quote(login.Name), c.Entry)
	case err == nil:
		one.Into, one.into, one.Username = login.ID, login.Name, login.Login.Username
		one.Site = site.FormatLogin(*login.Login)
	case !errors.Is(err, hotcell.ErrNotFound):
		return err
	default:
		at, bad := site.Login(target)
		if bad != nil {
			return fmt.Errorf("there is no login %q, and it is no site: %w", target, bad)
		}
		one.Site = "https://" + site.FormatLogin(at)
		if at.Plain {
			one.Site = "http://" + site.FormatLogin(at)
		}
		p.meet(&one)
	}
	p.all = append(p.all, one)
	return nil
}
