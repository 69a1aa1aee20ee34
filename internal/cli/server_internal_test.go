package cli

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"hotcell"
	"hotcell/internal/cli/profile"
)

// sources are what can say which server is meant, first come first served.
func sources() []string {
	return []string{"--profile", envURL, "--data", envProfile, envData, "current"}
}

// expected is the order as a list says it: the source that is chosen, or "usage".
func expected(given map[string]bool) string {
	first := "usual"
	for _, s := range slices.Backward(sources()) {
		if given[s] {
			first = s
		}
	}
	named := first == "--profile" || first == envURL || first == envProfile
	if given["--data"] && (given["--profile"] || given[envURL]) || given[envToken] && !named {
		return "usage"
	}
	return first
}

func TestTheOrderInWhichAServerIsLookedFor(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	store := profile.New(filepath.Join(home, ".config", "hotcell"), nil)
	for _, name := range []string{"flag", "variable", "current"} {
		if _, err := store.Save(t.Context(), profile.Profile{Name: name, URL: "https://" + name + ".test"}, hotcell.Bearer("kept-of-"+name)); err != nil {
			t.Fatal(err)
		}
	}
	for bits := range 1 << 7 {
		given := map[string]bool{}
		for i, s := range append(sources(), envToken) {
			given[s] = bits&(1<<i) != 0
		}
		environment := map[string]string{"HOME": home, "XDG_CONFIG_HOME": filepath.Join(home, ".config")}
		for name, value := range map[string]string{envURL: "https://url.test", envProfile: "variable", envData: "/data/variable", envToken: "a-token"} {
			if given[name] {
				environment[name] = value
			}
		}
		if given["current"] {
			if err := store.Use("current"); err != nil {
				t.Fatal(err)
			}
		} else {
			environment["XDG_CONFIG_HOME"] = filepath.Join(home, "copy")
			other := profile.New(filepath.Join(home, "copy", "hotcell"), nil)
			for _, name := range []string{"flag", "variable"} {
				if _, err := other.Save(t.Context(), profile.Profile{Name: name, URL: "https://" + name + ".test"}, hotcell.Bearer("kept-of-"+name)); err != nil {
					t.Fatal(err)
				}
			}
		}
		checkServer(t, given, environment)
	}
}

func checkServer(t *testing.T, given map[string]bool, environment map[string]string) {
	t.Helper()
	a := &app{IO: IO{Getenv: func(name string) string { return environment[name] }}, flags: pflag.NewFlagSet("", pflag.ContinueOnError)}
	a.flags.StringVar(&a.data, "data", DefaultData(a.Getenv), "")
	a.flags.StringVar(&a.profile, "profile", "", "")
	var line []string
	for flag, value := range map[string]string{"--profile": "flag", "--data": "/data/flag"} {
		if given[flag] {
			line = append(line, flag, value)
		}
	}
	if err := a.flags.Parse(line); err != nil {
		t.Fatal(err)
	}
	s, err := a.server(t.Context())
	got := s.name() + " " + string(s.options.Bearer)
	if _, usage := errors.AsType[*usageError](err); usage {
		got = "usage"
	} else if err != nil {
		got = err.Error()
	}
	profiled := func(name string) string {
		if given[envToken] {
			return "https://" + name + ".test a-token"
		}
		return "https://" + name + ".test kept-of-" + name
	}
	want := map[string]string{
		"usage": "usage", "--profile": profiled("flag"), envURL: "https://url.test ", "--data": "/data/flag/hotcell.sock ", envProfile: profiled("variable"),
		envData: "/data/variable/hotcell.sock ", "current": profiled("current"), "usual": filepath.Join(environment["HOME"], ".local/share/hotcell/hotcell.sock") + " ",
	}[expected(given)]
	if expected(given) == envURL && given[envToken] {
		want += "a-token"
	}
	if got != want {
		t.Errorf("%v: %q, want %q", slices.Sorted(maps.Keys(set(given))), got, want)
	}
}

func set(given map[string]bool) map[string]bool {
	out := maps.Clone(given)
	maps.DeleteFunc(out, func(_ string, is bool) bool { return !is })
	return out
}

func TestWhatNamesNoServerIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environment map[string]string
		says        string
	}{
		"URL":     {map[string]string{envURL: "http://hotcell.acme.test"}, "in plain"},
		"CA":      {map[string]string{envURL: "https://hotcell.acme.test", envCA: "/nowhere"}, "cannot be read"},
		"no CA":   {map[string]string{envURL: "https://hotcell.acme.test", envCA: "server.go"}, "certificates in PEM"},
		"profile": {map[string]string{envProfile: "none"}, "there is no profile none"},
		"path":    {map[string]string{envProfile: "../../etc"}, "a profile's name"},
	} {
		a := &app{IO: IO{Getenv: func(name string) string { return c.environment[name] }}}
		if _, err := a.client().Secrets(t.Context(), ""); err == nil || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSettingsAreWhereEachSystemHasThem(t *testing.T) {
	t.Parallel()
	environment := map[string]string{"HOME": "/home/ada", "USERPROFILE": "/users/ada", "AppData": "/users/ada/roaming"}
	for system, want := range map[string]string{"linux": "/home/ada/.config/hotcell", "darwin": "/home/ada/Library/Application Support/hotcell", "windows": "/users/ada/roaming/hotcell"} {
		if got := settingsOf(system, func(name string) string { return environment[name] }); filepath.ToSlash(got) != want {
			t.Errorf("%s: %s", system, got)
		}
		if got := settingsOf(system, func(string) string { return "/xdg" }); filepath.ToSlash(got) != "/xdg/hotcell" {
			t.Errorf("%s: %s", system, got)
		}
	}
}
