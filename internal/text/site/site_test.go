package site_test

import (
	"testing"

	"hotcell/internal/text/site"
)

func TestAllow(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"api.acme.test": "api.acme.test:443", "API.Acme.Test.:8443": "api.acme.test:8443", "db.acme.test/postgres": "db.acme.test:5432/postgres",
		"db.acme.test:5433/postgres": "db.acme.test:5433/postgres", "host:22/tcp": "host:22/tcp", "Bücher.example": "xn--bcher-kva.example:443",
		"[::1]:8080": "[::1]:8080", "::1": "[::1]:443", "127.0.0.1:443": "127.0.0.1:443", "[::ffff:127.0.0.1]:1": "127.0.0.1:1",
		"localhost:3000": "localhost:3000", "a_b.test": "a_b.test:443",
	} {
		got, err := site.ParseAllow(in)
		if err != nil || site.FormatAllow(got) != want {
			t.Errorf("%q: %q, %v; want %q", in, site.FormatAllow(got), err, want)
		}
	}
	for _, in := range []string{
		"", ".", "..", "a..b", "*.acme.test", "http://acme.test", "acme.test/ftp", "acme.test:0", "acme.test:65536", "acme.test:08", "acme.test:x",
		"user@acme.test", "acme.test/tcp", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "1.2.3", "[::1", "fe80::1%eth0", "a b", "-a.test", "a-.test",
		"acme.test:443:443", "acme.test?x", "acme.test#x", "acme.test\\x", "a%2eb", "acme.test:443/https/x", "１２７.0.0.1:443/x",
	} {
		if got, err := site.ParseAllow(in); err == nil {
			t.Errorf("%q was read as %+v", in, got)
		}
	}
}

func FuzzAllow(f *testing.F) {
	f.Add("api.acme.test:8443/postgres")
	f.Add("[::1]:1/tcp")
	f.Add("\xcedpydpQ")
	f.Fuzz(func(t *testing.T, in string) {
		a, err := site.ParseAllow(in)
		if err != nil {
			return
		}
		again, err := site.ParseAllow(site.FormatAllow(a))
		if err != nil || again != a {
			t.Errorf("%q: %+v, again %+v, %v", in, a, again, err)
		}
	})
}
