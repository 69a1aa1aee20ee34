package standin_test

import (
	"bytes"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"hotcell/internal/wire/standin"
	"hotcell/test/prove"
)

func TestPasswordsOfURLs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"postgres://ada:hunter2@db/x": "hunter2", "postgres://ada:p%40ss%25w@db:5432/x": "p@ss%w", "postgres://ada:p@ssw0rd@db/x": "p@ssw0rd", "postgres://ada:p@ss/w0rd@db/x": "p@ss/w0rd", "postgres://ada:a/b?c#d@db/x": "a/b?c#d", "postgres://ada:100%sure@db/x": "100%sure",
		"postgres://ada:pw#1@one:5432,two:5433/x?target_session_attrs=rw": "pw#1", "postgres://ada:pw@db/x?options=a%40b": "pw", "https://u:tok@npm.acme.test/@scope/pkg": "tok", "redis://:pw@[::1]:6379/0": "pw", "postgresql+asyncpg://ada:pw@db": "pw", "amqp://u:p:w@mq/vhost%2f": "p:w", "postgres://ada:@@db": "@",
	} {
		u, ok := standin.ParseURL([]byte(text))
		if !ok || string(u.Password) != want || u.From == 0 || text[u.To] != '@' {
			t.Errorf("%s: %q, %v", text, u.Password, ok)
		}
	}
	for _, text := range []string{"", "postgres://db/x", "postgres://ada@db/x", "postgres://ada:@db/x", "postgres://db:5432/x", "ada:pw@db", "://a:b@c", "postgres://a b:c@d", "postgres://ada:p w@db"} {
		if u, ok := standin.ParseURL([]byte(text)); ok {
			t.Errorf("%s has the password %q", text, u.Password)
		}
	}
}

func TestAURLIsForItsHosts(t *testing.T) {
	t.Parallel()
	same := func(s string) (string, error) { return strings.ToLower(s), nil }
	u, _ := standin.ParseURL([]byte("postgres://ada:pw@One:5433,two,[::1]:5434,three:x/db"))
	for _, c := range []struct {
		host string
		port int
		want bool
	}{{"one", 5433, true}, {"one", 5432, false}, {"two", 5432, true}, {"::1", 5434, true}, {"three", 5432, false}, {"db", 5432, false}, {"", 5432, false}, {"pw@one", 5433, false}} {
		if got := u.Names(c.host, c.port, 5432, same); got != c.want {
			t.Errorf("%s:%d: %v", c.host, c.port, got)
		}
	}
}

// TestProveNothingOfAPasswordIsInItsStandIn has passwords of any signs in URLs, escaped
// or not: six characters of one in a row are never in its stand-in, and what the URL's own
// reader finds, we find.
func TestProveNothingOfAPasswordIsInItsStandIn(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	signs := []byte("@/?#%:&=+!$,;[]()~'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
	for range prove.Trials(50_000, 2_000_000) {
		password := make([]byte, 10+r.IntN(20))
		for i := range password {
			password[i] = signs[r.IntN(len(signs))]
			if r.IntN(3) > 0 {
				password[i] = signs[20+r.IntN(len(signs)-20)]
			}
		}
		escaped := r.IntN(2) == 0
		text := string(password)
		if escaped {
			text = url.QueryEscape(text)
		}
		value := "postgres://ada:" + text + "@db.acme.test:5432/acme?sslmode=require"
		standIn, pairs, err := standin.Make(seed, []byte(value))
		if err != nil || len(standIn) != len(value) {
			t.Fatalf("%s: %s, %v", value, standIn, err)
		}
		for at := 0; at+6 <= len(text); at++ {
			if bytes.Contains(standIn[len("postgres://ada:"):], []byte(text[at:at+6])) {
				t.Fatalf("%s has the stand-in %s", value, standIn)
			}
		}
		if u, ok := standin.ParseURL([]byte(value)); escaped && (!ok || string(u.Password) != string(password)) {
			t.Fatalf("%s: %q, %v", value, u.Password, ok)
		}
		if escaped && string(pairs[0].Value) != string(password) {
			t.Fatalf("%s: the pair has %q", value, pairs[0].Value)
		}
	}
}

// FuzzMake has a stand-in be as long as its value, be made again from the same seed, and
// hold nothing of the value's letters and digits where it says that it replaced them.
func FuzzMake(f *testing.F) {
	f.Add([]byte("sk_live_0123456789abcdef"))
	f.Add([]byte("postgres://ada:p@ss/w0rd99@db/x"))
	f.Add([]byte("host=db password='hunter2hunter2' user=u"))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhk\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, value []byte) {
		before := string(value)
		standIn, pairs, err := standin.Make(seed, value)
		if string(value) != before {
			t.Fatal("the value is changed")
		}
		if err != nil {
			return
		}
		again, _, _ := standin.Make(seed, value)
		if len(standIn) != len(value) || !bytes.Equal(standIn, again) || bytes.Equal(standIn, value) {
			t.Fatalf("%q: %q, and again %q", value, standIn, again)
		}
		for _, p := range pairs {
			if !bytes.Contains(standIn, p.StandIn) || len(p.Value) == 0 || len(p.StandIn) < 8 {
				t.Fatalf("%q: %q stands for %q", value, p.StandIn, p.Value)
			}
		}
	})
}
