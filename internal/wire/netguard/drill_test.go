package netguard_test

import (
	"crypto/x509"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/wire/authority"
	"hotcell/internal/wire/netguard"
)

// holds says whether a certificate that an authority made for hosts is taken for one.
func holds(t *testing.T, roots *x509.CertPool, by *authority.Authority, host string, hosts ...string) bool {
	t.Helper()
	made, err := by.Issue(hosts...)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(made.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots})
	return err == nil
}

func TestADrillsAuthorityIsForItsOwnHosts(t *testing.T) {
	t.Parallel()
	makes := func(name string) *authority.Authority {
		a, err := authority.New(name, time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	own, company := makes("drill"), makes("company")
	base := x509.NewCertPool()
	base.AppendCertsFromPEM(company.PEM())
	drill := &hotcell.Drill{CA: string(own.PEM()), Hosts: []string{"a.drill.hotcell.test", "b.drill.hotcell.test"}}
	roots := netguard.DrilledRoots(base, drill)
	for _, c := range []struct {
		what  string
		by    *authority.Authority
		host  string
		hosts []string
		want  bool
	}{
		{"its own host", own, "a.drill.hotcell.test", []string{"a.drill.hotcell.test"}, true},
		{"two of its own", own, "b.drill.hotcell.test", drill.Hosts, true},
		{"another's host", own, "api.acme.test", []string{"api.acme.test"}, false},
		{"another's beside its own", own, "api.acme.test", []string{"a.drill.hotcell.test", "api.acme.test"}, false},
		{"its own beside another's", own, "a.drill.hotcell.test", []string{"a.drill.hotcell.test", "api.acme.test"}, false},
		{"a pattern", own, "a.drill.hotcell.test", []string{"*.drill.hotcell.test"}, false},
		{"an address", own, "127.0.0.1", []string{"127.0.0.1"}, false},
		{"an address beside", own, "a.drill.hotcell.test", []string{"a.drill.hotcell.test", "127.0.0.1"}, false},
		{"the company's, as ever", company, "api.acme.test", []string{"api.acme.test"}, true},
		{"a stranger's", makes("stranger"), "a.drill.hotcell.test", []string{"a.drill.hotcell.test"}, false},
	} {
		if got := holds(t, roots, c.by, c.host, c.hosts...); got != c.want {
			t.Errorf("%s: %t", c.what, got)
		}
	}
	if holds(t, base, own, "a.drill.hotcell.test", "a.drill.hotcell.test") {
		t.Error("the drill's authority holds for others")
	}
	if netguard.DrilledRoots(base, nil) != base || netguard.DrilledRoots(nil, nil) != nil {
		t.Error("without a drill it is another pool")
	}
}
