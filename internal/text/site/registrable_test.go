package site_test

import (
	"testing"

	"hotcell/internal/text/site"
)

func TestRegistrable(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"portal.acme.test": "acme.test", "www.acme.co.uk": "acme.co.uk", ".acme.com": "acme.com", "Acme.COM.": "acme.com", "a.b.github.io": "b.github.io",
		"co.uk": "co.uk", "localhost": "localhost", "127.0.0.1": "127.0.0.1", "[::1]": "::1", "10.0.0.1": "10.0.0.1",
	} {
		if got := site.Registrable(host); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}
