package config

import (
	"net"
	"os"
	"strings"

	"hotcell"
)

// TLS says by what the open port shows who it is; empty for a port on loopback without it.
type TLS struct {
	// Certificate and Key are files in PEM: the certificate with those that vouch for it.
	// They are read again when they change.
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	// Authority has the server vouch for itself, by an authority that it keeps in the data
	// folder: for a lab, and for who can give its file to all clients.
	Authority bool `yaml:"authority"`
	// Hosts are the names and addresses that the server's own authority vouches for; this
	// machine's without a word.
	Hosts List[string] `yaml:"hosts"`
}

// On says whether the open port speaks TLS.
func (t TLS) On() bool { return t.Authority || t.Certificate != "" }

// Names are the hosts, or this machine's.
func (t TLS) Names(listen string) []string {
	if len(t.Hosts) > 0 {
		return t.Hosts
	}
	out := []string{"localhost", "127.0.0.1", "::1"}
	if name, err := os.Hostname(); err == nil && name != "localhost" {
		out = append([]string{name}, out...)
	}
	if host, _, err := net.SplitHostPort(listen); err == nil {
		if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() && !ip.IsLoopback() {
			out = append(out, host)
		}
	}
	return out
}

// ways are those in which the server can be reached from elsewhere.
const ways = "TLS is needed where others can reach it. Give it a certificate (tls: {certificate: FILE, key: FILE}), have it vouch for itself (tls: {authority: true}), or listen on 127.0.0.1 behind a proxy of this machine that ends TLS (url: https://hotcell.example.com)"

func (c Config) checkTLS() error {
	t := c.TLS
	switch {
	case (t.Certificate == "") != (t.Key == ""):
		return hotcell.Invalid("/tls", "a certificate and its key go together: certificate: FILE, key: FILE")
	case t.Certificate != "" && t.Authority:
		return hotcell.Invalid("/tls", "either a certificate in files, or the server's own authority")
	case len(t.Hosts) > 0 && !t.Authority:
		return hotcell.Invalid("/tls/hosts", "they go with authority: true")
	}
	for _, host := range t.Hosts {
		if host == "" || net.ParseIP(host) == nil && strings.ContainsAny(host, "/:* @\t\n") {
			return hotcell.Invalid("/tls/hosts", "each is a name or an IP address, without a port")
		}
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return hotcell.Invalid("/listen", "write an address and a port, like 127.0.0.1:7878 or 0.0.0.0:7878")
	}
	if ip := net.ParseIP(host); !t.On() && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return hotcell.Invalid("/listen", "%s", ways)
	}
	return nil
}
