package connector

import (
	"math/rand/v2"
	"mime"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-message/charset"

	"hotcell/test/prove"
)

// library is what the standard library makes of a header (RFC 5322), and then of names
// that should be in quotes, address by address, where none are and there is no comment:
// what ours is held against.
func library(s string) (out []*netmail.Address, ok bool) {
	p := &netmail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: charset.Reader}}
	if list, err := p.ParseList(s); err == nil {
		return list, true
	}
	if strings.ContainsAny(s, `"()`) {
		return nil, false
	}
	piece := ""
	for one := range strings.SplitSeq(s, ",") {
		if strings.TrimSpace(one) == "" {
			return nil, false // of which it makes parts of names
		}
		piece += one
		at := strings.LastIndexByte(piece, '<')
		if a, err := p.Parse(strings.TrimSpace(piece)); err == nil {
			out, piece = append(out, a), ""
		} else if a, err := p.Parse(strings.TrimSpace(piece[max(at, 0):])); err == nil && at >= 0 && !strings.ContainsAny(piece[:at], "<>") {
			out, piece = append(out, a), ""
		} else {
			piece += ","
		}
	}
	return out, strings.Trim(piece, " ,") == "" && len(out) > 0
}

func header(r *rand.Rand, sane bool) string {
	names := []string{"", "Ada", `"Doe, Jane"`, "Doe, Jane", "Jane (Sales)", "Größe", "=?utf-8?q?Gr=C3=B6=C3=9Fe?=", "=?koi8-r?B?8NLJ18XU?= Jr.", `Jane "J" Doe`, "a.b", `"\"x\" <e@evil.test>,"`}
	addresses := []string{"ada@acme.test", "a.b+c@acme.test", "o'neil@mail.acme.test", "größe@münchen.test", `"a b"@acme.test`, "x@localhost"}
	var all []string
	for range 1 + r.IntN(4) {
		name, address := names[r.IntN(len(names))], addresses[r.IntN(len(addresses))]
		switch {
		case name == "" && r.IntN(2) == 0:
			all = append(all, address)
		default:
			all = append(all, strings.TrimSpace(name+" <"+address+">"))
		}
	}
	out := strings.Join(all, []string{",", ", ", " ,\r\n "}[r.IntN(3)])
	if sane {
		return out
	}
	for range 1 + r.IntN(3) { // which spoils it
		at := r.IntN(len(out) + 1)
		piece := []string{"<", ">", ",", `"`, "(", ")", "@", " ", ";", ":", `\`, ".", "=?", "\x00", "(x)", "<b@evil.test>", "\u200b", "[1.2.3.4]"}[r.IntN(18)]
		out = out[:at] + piece + out[at+r.IntN(min(2, len(out)-at+1)):]
	}
	return out
}

// Nobody else gets a message: where both read a header, they read the same addresses in
// it, and what people write is read.
func TestProveAddressesAgainstTheLibrary(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, rand.Uint64()))
	ours := &reading{ctx: t.Context(), open: Here, deaths: new(int)}
	both, alone, refused := 0, 0, 0
	for i := range prove.Trials(20_000, 5_000_000) {
		in := header(r, i%4 == 0)
		got, err := ours.parseAddresses(in)
		want, ok := library(in)
		switch {
		case err != nil:
			if i%4 == 0 {
				t.Fatalf("%q is refused", in)
			}
			refused++
			continue
		case !ok:
			alone++
			continue
		}
		both++
		if len(got) != len(want) || !slices.EqualFunc(got, want, func(a, b *netmail.Address) bool { return a.Address == b.Address }) {
			t.Fatalf("%q: %v, and to the library %v", in, got, want)
		}
		for j, a := range got {
			if sane := i%4 == 0 && !strings.ContainsAny(in, "()"); sane && want[j].Name != "" && a.Name != oneLine(want[j].Name) {
				t.Fatalf("%q: the name %q, and to the library %q", in, a.Name, want[j].Name)
			}
		}
	}
	if both < 3000 || refused < 300 {
		t.Errorf("both read %d, ours alone %d, and it refused %d", both, alone, refused)
	}
}

// A header of a stranger's costs no more than its length: each of these took the library
// minutes or hours.
func TestHeadersThatAreLong(t *testing.T) {
	t.Parallel()
	ours := &reading{}
	for name, c := range map[string]struct {
		in string
		ok bool
	}{
		"commas":       {strings.Repeat("a,", 100_000), false},
		"names":        {strings.Repeat("Doe, Jane ", 20_000) + "<a@acme.test>", true},
		"comments":     {strings.Repeat("(", 200_000), false},
		"open":         {strings.Repeat("(a ", 50_000) + "<a@acme.test>", true},
		"quotes":       {strings.Repeat(`"`, 200_001) + "<a@acme.test>", true},
		"escapes":      {strings.Repeat(`\"`, 100_000), false},
		"in a comment": {"a@acme.test (" + strings.Repeat("(x)", 50_000) + ")", true},
		"many":         {strings.Repeat("a@acme.test,", maxAddresses), true},
		"too many":     {strings.Repeat("a@acme.test,", maxAddresses+1), false},
		"too long":     {strings.Repeat(" ", maxHeader) + "a@acme.test", false},
		"encoded":      {strings.Repeat("=?utf-8?q?=41?= ", 15_000) + "<a@acme.test>", true},
		"brackets":     {strings.Repeat("<", 200_000), false},
		"dots":         {strings.Repeat("a.", 100_000) + "@acme.test", false},
	} {
		got, err := ours.parseAddresses(c.in)
		if (err == nil) != c.ok || c.ok && got[0].Address != "a@acme.test" {
			t.Errorf("%s: %d addresses, %v", name, len(got), err)
		}
	}
}

func TestHeadersOfNobody(t *testing.T) {
	t.Parallel()
	ours := &reading{}
	for in, want := range map[string]int{"": 0, " \r\n ": 0, "undisclosed-recipients:;": 0, "Team: a@acme.test, b@acme.test;": 2, "Team: a@acme.test": -1, ",": -1, ";": -1, "()": -1} {
		got, err := ours.parseAddresses(in)
		if n := len(got); err != nil && want >= 0 || err == nil && n != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
}
