package assignment

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/text/site"
)

// maxDrill is how many hosts a drill has.
const maxDrill = 8

// checkDrill lets a drill have hosts of its own domain, and nothing else.
func checkDrill(a hotcell.Assignment) error {
	d := a.Work.Drill
	if d == nil {
		return nil
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(d.CA)) || len(d.CA) > 16<<10 {
		return hotcell.Invalid("/work/drill/ca", "a drill has an authority of its own, in PEM")
	}
	if len(d.Hosts) > maxDrill {
		return hotcell.Invalid("/work/drill/hosts", "a drill has at most %d hosts", maxDrill)
	}
	for _, host := range d.Hosts {
		if normal, err := site.Host(host); err != nil || normal != host || !strings.HasSuffix(host, hotcell.DrillDomain) {
			return hotcell.Invalid("/work/drill/hosts", "a drill's hosts are below %s", hotcell.DrillDomain[1:])
		}
	}
	for _, host := range d.Models {
		if !slices.Contains(d.Hosts, host) {
			return hotcell.Invalid("/work/drill/models", "a drill's models are among its hosts")
		}
	}
	return nil
}

// mayDrill refuses a drill to whoever is not on the server's machine: its hosts
// are on that machine's loopback.
func mayDrill(p hotcell.Principal, w *hotcell.Work) error {
	if w != nil && w.Drill != nil && p.Via != "local" {
		return fmt.Errorf("%w: a drill is run on the server's own machine", hotcell.ErrDenied)
	}
	return nil
}
