package config_test

import (
	"testing"

	"hotcell/internal/config"
)

// TestMountsAreBelowWhereCellsHaveNothingOfTheirOwn reads what operators write.
func TestMountsAreBelowWhereCellsHaveNothingOfTheirOwn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Mount{
		"/opt/python3.13": {Source: "/opt/python3.13", Target: "/opt/python3.13"}, "/home/ada/tools:/opt/tools": {Source: "/home/ada/tools", Target: "/opt/tools"},
		"/nix/store": {Source: "/nix/store", Target: "/nix/store"}, "/a b:/srv/a b": {Source: "/a b", Target: "/srv/a b"},
	} {
		if m, ok := config.ParseMount(text); !ok || m != want {
			t.Errorf("%s: %+v %t", text, m, ok)
		}
	}
	for _, text := range []string{
		"", "/", "opt/x", "/opt", "/opt/", "/opt/x/", "/opt/../etc", "/etc", "/home/ada", "/usr/local", "/proc", "/optional/x", ":/opt/x", "/:/opt/x", "/x:/opt", "/x:/etc", "/x:/opt/../etc", "/x:opt/x", "x:/opt/x", "/x:/job", "/x:/home/job/x",
	} {
		if m, ok := config.ParseMount(text); ok {
			t.Errorf("%q is taken: %+v", text, m)
		}
		if c, err := load(t, "cells: {mounts: [\""+text+"\"]}"); err != nil || c.Check() == nil {
			t.Errorf("a configuration with %q is taken", text)
		}
	}
}
