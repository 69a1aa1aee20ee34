package site_test

import (
	"errors"
	"fmt"
	"testing"

	"hotcell"
	"hotcell/internal/text/site"
)

func TestWhereALoginIsFor(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"portal.acme.com": "portal.acme.com:443 false", "https://portal.acme.com/login?x=1#y": "portal.acme.com:443 false", "PORTAL.Acme.com.": "portal.acme.com:443 false",
		"portal.acme.com:8443/sign-in": "portal.acme.com:8443 false", "https://bücher.example": "xn--bcher-kva.example:443 false", "bücher.example": "xn--bcher-kva.example:443 false",
		"http://localhost:3000": "localhost:3000 true", "http://127.0.0.1": "127.0.0.1:80 true", "https://[::1]:8443/": "::1:8443 false", "10.0.0.5": "10.0.0.5:443 false", "https://10.0.0.5/24": "10.0.0.5:443 false",
		"STRAẞE.example": "xn--strae-oqa.example:443 false", "straße.example": "xn--strae-oqa.example:443 false", "acme.com?next=x:y": "acme.com:443 false", "acme.com/a:b": "acme.com:443 false", "[::1]:8443": "::1:8443 false", "city.kawasaki.jp": "city.kawasaki.jp:443 false",
		"intranet:8443/x": "intranet:8443 false", "intranet": "intranet:443 false", "ada.github.io": "ada.github.io:443 false", "acme.co.uk": "acme.co.uk:443 false",
	} {
		l, err := site.Login(in)
		if got := fmt.Sprintf("%s:%d %v", l.Host, l.Port, l.Plain); err != nil || got != want {
			t.Errorf("%q: %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "com", "co.uk", "github.io", "https://github.io/x", "*.acme.com", "https://*.acme.com", "10.0.0.0/8", "10.0.0.1-10.0.0.9", "http://portal.acme.com", "ftp://acme.com", "android://hash@com.acme",
		"javascript:alert(1)", "https://ada:pw@acme.com", "https://acme.com:0", "https://acme.com:99999", "https://", "acme.com@evil.example", "https://ac me.com", "file:///etc/passwd", "https://0x7f.1", "127.1", "https://a..b", "http:/example.com", "HTTP:/example.com", "https:/example.com/login", "file:", "mailto:", "mailto:443", "blob:", "blob:x", "javascript:1", "ftp:21", "acme.com:", "acme.com:x/y", "acme.com:443:444",
		"data:text/html,x", "view-source:https", "about:blank", "localhost:", "http:", "tel:5551234", "ck", "kawasaki.jp", "compute.amazonaws.com", "xn--p1ai", "рф", "https://%61cme.com%00",
	} {
		if l, err := site.Login(in); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%q is taken: %+v, %v", in, l, err)
		}
	}
}

func FuzzLogin(f *testing.F) {
	f.Add("https://portal.acme.com:8443/x")
	f.Fuzz(func(t *testing.T, in string) {
		l, err := site.Login(in)
		if err != nil {
			return
		}
		text := site.FormatLogin(l)
		if l.Plain {
			text = "http://" + text
		}
		l.Start = "" // what is written is the site alone
		if again, err := site.Login(text); err != nil || again != l {
			t.Fatalf("%q: %+v is written %q, which reads %+v, %v", in, l, text, again, err)
		}
	})
}
