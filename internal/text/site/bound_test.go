package site_test

import (
	"fmt"
	"strings"
	"testing"

	"hotcell/internal/text/site"
)

func TestBound(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"api.acme.test": "api.acme.test", "API.Acme.Test.:5432": "api.acme.test:5432", "*.acme.test": "*.acme.test", "*.Acme.test:443": "*.acme.test:443",
		"Bücher.example": "xn--bcher-kva.example", "*.bücher.example": "*.xn--bcher-kva.example", "localhost": "localhost", "localhost:8080": "localhost:8080",
		"127.0.0.1": "127.0.0.1", "127.0.0.1:443": "127.0.0.1:443", "::1": "::1", "[::1]": "::1", "[::1]:443": "[::1]:443", "db_1.acme.test": "db_1.acme.test",
		"github.io": "github.io", "*.mine.github.io": "*.mine.github.io",
	} {
		if got, err := site.ParseBound(in); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "*", "*.", "*.*", "*.*.acme.test", "a.*.test", "*acme.test", "api*.acme.test", "**.acme.test", "*:443", "acme.test:0", "acme.test:65536", "acme.test:*", "acme.test:443-445",
		"https://acme.test", "acme.test/", "user@acme.test", "10.0.0.0/8", "10.0.0.*", "*.127.0.0.1", "*.::1", "127.1", "a b", "acme.test:443/tcp", "\xff", "acme.test,other.test",
		// what is everybody's
		"*.com", "*.co.uk", "*.github.io", "*.test", "*.localhost", "*.ck", "*.kawasaki.jp", "*.compute.amazonaws.com", "*.com:443", "*.COM.",
	} {
		if got, err := site.ParseBound(in); err == nil {
			t.Errorf("%q was read as %q", in, got)
		} else if in != "" && len(in) > 3 && strings.Contains(err.Error(), in) {
			t.Errorf("%q is repeated: %v", in, err)
		}
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bound, host string
		port        int
		want        bool
	}{
		{"acme.test", "acme.test", 443, true}, {"acme.test", "acme.test", 1, true}, {"acme.test:443", "acme.test", 443, true}, {"acme.test:443", "acme.test", 444, false},
		{"acme.test", "api.acme.test", 443, false}, {"api.acme.test", "acme.test", 443, false}, {"acme.test", "notacme.test", 443, false}, {"acme.test", "acme.test.evil.test", 443, false},
		{"*.acme.test", "api.acme.test", 443, true}, {"*.acme.test", "acme.test", 443, false}, {"*.acme.test", "a.b.acme.test", 443, false}, {"*.acme.test", "apiacme.test", 443, false},
		{"*.acme.test", "api.acme.test.evil.test", 443, false}, {"*.acme.test", ".acme.test", 443, false}, {"*.acme.test:8443", "api.acme.test", 8443, true}, {"*.acme.test:8443", "api.acme.test", 443, false},
		{"::1", "::1", 5, true}, {"[::1]:5", "::1", 5, true}, {"[::1]:5", "::1", 6, false}, {"::1", "::2", 5, false}, {"127.0.0.1:5", "127.0.0.1", 5, true}, {"localhost", "127.0.0.1", 5, false},
		{"", "acme.test", 443, false}, {"", "", 0, true},
	} {
		if c.bound != "" && site.Covers(c.bound, c.host, c.port) != c.want {
			t.Errorf("%s covers %s:%d: %t", c.bound, c.host, c.port, !c.want)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		inner, outer string
		want         bool
	}{
		{"a.test", "a.test", true}, {"a.test:1", "a.test", true}, {"a.test", "a.test:1", false}, {"a.test:1", "a.test:1", true}, {"a.test:1", "a.test:2", false},
		{"x.a.test", "*.a.test", true}, {"x.a.test:1", "*.a.test", true}, {"x.a.test", "*.a.test:1", false}, {"a.test", "*.a.test", false}, {"x.y.a.test", "*.a.test", false},
		{"*.a.test", "*.a.test", true}, {"*.a.test:1", "*.a.test", true}, {"*.a.test", "*.a.test:1", false}, {"*.a.test", "a.test", false}, {"*.a.test", "x.a.test", false},
		{"*.b.a.test", "*.a.test", false}, {"*.a.test", "*.b.test", false}, {"[::1]:1", "::1", true}, {"::1", "[::1]:1", false},
	} {
		if site.Within(c.inner, c.outer) != c.want {
			t.Errorf("%s within %s: %t", c.inner, c.outer, !c.want)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	got, err := site.ParseBounds([]string{"B.test", "a.test:1", "a.test"})
	if err != nil || strings.Join(got, " ") != "b.test a.test:1 a.test" {
		t.Errorf("%q, %v", got, err)
	}
	many := make([]string, site.MaxBounds+1)
	for i := range many {
		many[i] = fmt.Sprintf("h%d.test", i)
	}
	if _, err := site.ParseBounds(many[1:]); err != nil {
		t.Error(err)
	}
	for what, list := range map[string][]string{
		"at most 50":            many,
		"hosts.1: this host is": {"a.test", "A.test."},
		"hosts.2: ":             {"a.test", "b.test", "*"},
	} {
		if got, err := site.ParseBounds(list); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

// What is read is read the same again, and covers what it names and no host of
// another name.
func FuzzBound(f *testing.F) {
	for _, seed := range []string{"api.acme.test:8443", "*.acme.test", "[::1]:1", "Bücher.example", "*.co.uk"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		bound, err := site.ParseBound(in)
		if err != nil {
			return
		}
		if again, err := site.ParseBound(bound); err != nil || again != bound {
			t.Errorf("%q: %q, again %q, %v", in, bound, again, err)
		}
		if !site.Within(bound, bound) {
			t.Errorf("%q is not within itself", bound)
		}
		name := strings.TrimPrefix(bound, "*.")
		host, port, err := site.HostPort(name)
		if err != nil {
			host, port = name, 443
		}
		if wild := name != bound; site.Covers(bound, host, port) == wild || site.Covers(bound, "x."+host, port) != wild || site.Covers(bound, "x.y."+host, port) || site.Covers(bound, "x"+host, port) {
			t.Errorf("%q covers what it should not, or not what it should", bound)
		}
	})
}
