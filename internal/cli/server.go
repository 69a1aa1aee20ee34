package cli

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/cli/profile"
	"hotcell/internal/text/shell"
)

// server is the one that a command talks to.
type server struct {
	// by is what named it: a flag, a variable, the current profile; empty for the usual
	// socket.
	by string
	// data is its data folder, where it is on this machine; else profile and URL.
	data    string
	profile string
	options client.Options
}

// name is how people and pins know it.
func (s server) name() string {
	if s.options.URL != "" {
		return s.options.URL
	}
	name, err := filepath.Abs(s.options.Socket)
	if err != nil {
		return s.options.Socket
	}
	return name
}

// The names of the variables that say which server is meant.
const (
	envURL     = "HOTCELL_URL"
	envToken   = "HOTCELL_TOKEN"
	envCA      = "HOTCELL_CA"
	envProfile = "HOTCELL_PROFILE"
	envData    = "HOTCELL_DATA"
)

// serverHelp says in which order a server is looked for.
const serverHelp = `
SERVER
  A command talks to the first of these that is given: --profile; $HOTCELL_URL, with
  $HOTCELL_TOKEN and the authority's certificates in the file $HOTCELL_CA; --data;
  $HOTCELL_PROFILE; $HOTCELL_DATA; the profile of "hotcell auth use"; the socket in the
  usual data folder. --data beside one of the first two is refused, and so is
  $HOTCELL_TOKEN for a server that nobody named beside it.
`

// server says which server is meant: the only place that does.
func (a *app) server(ctx context.Context) (server, error) {
	local := a.flags != nil && a.flags.Changed("data")
	url, token := a.Getenv(envURL), hotcell.Bearer(strings.TrimSpace(a.Getenv(envToken)))
	named := cmp.Or(a.profile, a.Getenv(envProfile))
	switch {
	case a.profile != "" && local:
		return server{}, &usageError{"--profile and --data name two servers", "leave one of them out"}
	case a.profile == "" && url != "" && local:
		return server{}, &usageError{"$HOTCELL_URL and --data name two servers", "leave --data out, or: unset HOTCELL_URL"}
	case a.profile != "":
		return a.profiled(ctx, a.profile, "--profile", token)
	case url != "":
		return a.addressed(url, token)
	case token != "" && (local || named == ""):
		return server{}, &usageError{"$HOTCELL_TOKEN is given, and nothing says for which server", "set HOTCELL_URL or HOTCELL_PROFILE beside it, or: unset HOTCELL_TOKEN"}
	case local:
		return a.local("--data"), nil
	case named != "":
		return a.profiled(ctx, named, "$"+envProfile, token)
	case a.Getenv(envData) != "":
		return a.local("$" + envData), nil
	}
	current, err := a.profiles().Current()
	if err != nil {
		return server{}, err
	}
	if current != "" {
		return a.profiled(ctx, current, "the current profile", "")
	}
	return a.local(""), nil
}

func (a *app) local(by string) server {
	return server{by: by, data: a.data, options: client.Options{Socket: filepath.Join(a.data, "hotcell.sock"), Pin: a.pinned(), Confirm: a.confirming()}}
}

// addressed is the server of the environment.
func (a *app) addressed(url string, token hotcell.Bearer) (server, error) {
	address, err := client.Address(url)
	if err != nil {
		return server{}, fmt.Errorf("$%s: %w", envURL, err)
	}
	s := server{by: "$" + envURL, options: client.Options{URL: address, Bearer: token, Pin: a.pinned(), Confirm: a.confirming()}}
	if file := a.Getenv(envCA); file != "" {
		_, s.options.Roots, err = authority(file)
	}
	return s, err
}

// profiled is a profile's server; with a token of the environment in the place of the
// bearer that is kept. One that cannot be read now is said by the first call.
func (a *app) profiled(ctx context.Context, name, by string, token hotcell.Bearer) (server, error) {
	store := a.profiles()
	p, err := store.Get(name)
	if errors.Is(err, hotcell.ErrNotFound) {
		return server{}, &hinted{fmt.Errorf("%w (%s)", err, by), "see what there is: hotcell auth profiles"}
	}
	if err != nil {
		return server{}, err
	}
	s := server{by: by, profile: name, options: client.Options{URL: p.URL, Bearer: token, Workspace: p.Workspace, Pin: a.pinned(), Confirm: a.confirming()}}
	if p.Authority != "" {
		if s.options.Roots, err = roots([]byte(p.Authority)); err != nil {
			return s, fmt.Errorf("the profile %s: %w", name, err)
		}
	}
	if token == "" {
		s.options.Bearer, err = store.Bearer(ctx, p)
	}
	if errors.Is(err, hotcell.ErrSignIn) {
		err = &hinted{err, "hotcell auth login " + shell.Quote(p.URL) + " --name " + name}
	}
	return s, err
}

// authority reads a file of certificates in PEM.
func authority(file string) (string, *x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", nil, hotcell.Invalid("", "the file %s of the authority's certificates cannot be read", file)
	}
	pool, err := roots(text)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", file, err)
	}
	return string(text), pool, nil
}

// roots are certificates, and nothing but those.
func roots(text []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) || strings.Contains(string(text), "PRIVATE KEY") {
		return nil, hotcell.Invalid("", "certificates in PEM are wanted, and no key among them")
	}
	return pool, nil
}

// client calls the server that is meant; where none is, each call says why.
func (a *app) client() *client.Client {
	if a.called == nil {
		s, err := a.server(context.Background())
		if a.called = client.New(s.options); err != nil {
			a.called = client.Failing(err)
		}
		a.reached = s
	}
	return a.called
}

func (a *app) profiles() *profile.Store { return profile.New(a.settings(), a.Keyring) }
