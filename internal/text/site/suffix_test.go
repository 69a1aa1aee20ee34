package site_test

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"hotcell"
	"hotcell/internal/text/site"
)

// rules are the list's lines, read by a way of the test's own.
func rules(t *testing.T) map[string]bool {
	t.Helper()
	file, err := os.Open("suffixes.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out := map[string]bool{}
	lines := bufio.NewScanner(file)
	for lines.Scan(); lines.Scan(); { // the first line is the day
		out[strings.TrimSuffix(lines.Text(), "\tp")] = true
	}
	if len(out) < 10_000 {
		t.Fatalf("the list has %d rules", len(out))
	}
	return out
}

// naive is the algorithm as publicsuffix.org words it, over all rules.
func naive(rules map[string]bool, name string) string {
	labels := strings.Split(name, ".")
	best := 1
	for i := range labels {
		rest := strings.Join(labels[i:], ".")
		if rules["!"+rest] {
			return strings.Join(labels[i+1:], ".")
		}
		if rules[rest] || i+1 < len(labels) && rules["*."+strings.Join(labels[i+1:], ".")] {
			best = max(best, len(labels)-i)
		}
	}
	return strings.Join(labels[len(labels)-best:], ".")
}

func TestSuffixesAreThoseOfTheList(t *testing.T) {
	t.Parallel()
	all := rules(t)
	for rule := range all {
		name := strings.TrimPrefix(strings.Replace(rule, "*", "w", 1), "!")
		for _, host := range []string{name, "a." + name, "b.a." + name, "a-" + name} {
			if got, want := (site.Suffixes{}).PublicSuffix(host), naive(all, host); got != want {
				t.Fatalf("the suffix of %s is %s, want %s", host, got, want)
			}
		}
	}
}

// Two lists of different days differ in what private owners added; in what registries
// have, hardly.
func TestAnotherReaderOfTheListAgrees(t *testing.T) {
	t.Parallel()
	differ, asked := 0, 0
	for rule := range rules(t) {
		host := "a.b." + strings.TrimPrefix(strings.Replace(rule, "*", "w", 1), "!")
		want, _ := publicsuffix.PublicSuffix(host)
		if asked++; (site.Suffixes{}).PublicSuffix(host) != want {
			differ++
		}
	}
	if differ*20 > asked {
		t.Errorf("%d of %d names differ", differ, asked)
	}
}

// No name that different owners have names below is a site, nor has it a pattern over it.
func TestNoSuffixIsASite(t *testing.T) {
	t.Parallel()
	for rule := range rules(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(rule, "*."), "!")
		if rule == name || strings.HasPrefix(rule, "*.") {
			if l, err := site.Login(name); !errors.Is(err, hotcell.ErrInvalid) {
				t.Errorf("%s is a site: %+v", name, l)
			}
			if bound, err := site.ParseBound("*." + name); err == nil {
				t.Errorf("%s is a bound", bound)
			}
		}
	}
}
