package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"hotcell"
	"hotcell/internal/text/site"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/netguard"
)

// Private is egress.allow_private, read.
func (c Config) Private() ([]netguard.Private, error) {
	return private("/egress/allow_private", c.Egress.AllowPrivate)
}

// Found is vault.allow_private, read.
func (c Config) Found() ([]netguard.Private, error) {
	return private("/vault/allow_private", c.Vault.AllowPrivate)
}

func private(pointer string, list []string) ([]netguard.Private, error) {
	var out []netguard.Private
	for i, text := range list {
		p, err := netguard.ParsePrivate(text)
		if err != nil {
			return nil, hotcell.Invalid(fmt.Sprintf("%s/%d", pointer, i), "write an address, a range or a name, with or without :PORT")
		}
		out = append(out, p)
	}
	return out, nil
}

// ModelHosts are models, read: their hosts in the form in which requests have them.
func (c Config) ModelHosts() (out egress.Models, err error) {
	for i, m := range c.Models {
		if m.Host, err = site.ParseBound(m.Host); err != nil {
			return nil, hotcell.Invalid(fmt.Sprintf("/models/%d/host", i), "write a host, or *. and a host, with or without :PORT")
		}
		out = append(out, m)
	}
	return out, nil
}

// Issuers are vault.issuers, read.
func (c Config) Issuers() (map[string][]string, error) {
	out := map[string][]string{}
	for issuer, list := range c.Vault.Issuers {
		for _, text := range append([]string{issuer}, list...) {
			if !isOrigin(text) {
				return nil, hotcell.Invalid("/vault/issuers", "%s", writeOrigins)
			}
		}
		out[issuer] = list
	}
	return out, nil
}

const writeOrigins = "write origins, https://HOST or https://HOST:PORT, in lower case and without a path"

// isOrigin says whether a text is an origin of https, in its one spelling.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.Host == strings.ToLower(u.Host) && text == "https://"+u.Host
}

// Pins are the names that egress.hosts gives an address.
func (c Config) Pins() (map[string]netip.Addr, error) {
	pins := map[string]netip.Addr{}
	for i, h := range c.Egress.Hosts {
		name, _, err := split(h.Name)
		if err != nil {
			return nil, hotcell.Invalid(fmt.Sprintf("/egress/hosts/%d/name", i), "write a host, with or without :PORT")
		}
		if h.Address == "" {
			continue
		}
		ip, err := netip.ParseAddr(h.Address)
		if err != nil {
			return nil, hotcell.Invalid(fmt.Sprintf("/egress/hosts/%d/address", i), "write an IP address")
		}
		pins[name] = ip.Unmap()
	}
	return pins, nil
}

// TCP says whether the operator lets an entry of the protocol tcp through.
func (c Config) TCP(a hotcell.Allow) bool {
	for _, h := range c.Egress.Hosts {
		if name, port, err := split(h.Name); err == nil && h.TCP && name == a.Host && (port == 0 || port == a.Port) {
			return true
		}
	}
	return false
}

// Untouched says whether the operator lets TLS to a host pass untouched.
func (c Config) Untouched(host string, port int) bool {
	for _, h := range c.Egress.Hosts {
		if name, at, err := split(h.Name); err == nil && h.Intercept != nil && !*h.Intercept && name == host && (at == 0 || at == port) {
			return true
		}
	}
	return false
}

// Unreadable says whether the operator lets what no guard can look into go to a host.
func (c Config) Unreadable(host string, port int) bool {
	for _, h := range c.Egress.Hosts {
		if name, at, err := split(h.Name); err == nil && h.Unreadable && name == host && (at == 0 || at == port) {
			return true
		}
	}
	return false
}

func split(text string) (host string, port int, err error) {
	if host, port, err = site.HostPort(text); err == nil {
		return host, port, nil
	}
	host, err = site.Host(text)
	return host, 0, err
}
