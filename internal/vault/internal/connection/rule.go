package connection

import (
	"bytes"
	"net/netip"

	"hotcell"
	"hotcell/internal/line/vaultrpc"
	"hotcell/internal/text/site"
	"hotcell/internal/value/guard"
	"hotcell/internal/value/sensitive"
	"hotcell/internal/wire/inject"
)

// defaultPort is HTTPS's.
const defaultPort = 443

func checkNames(r *vaultrpc.CreateConnectionRequest) error {
	if err := hotcell.CheckName(r.Name); err != nil {
		return err
	}
	return hotcell.CheckService(r.Service)
}

func checkChange(r *vaultrpc.ChangeConnectionRequest) error {
	if r.Name != nil {
		if err := hotcell.CheckName(*r.Name); err != nil {
			return err
		}
	}
	if r.Service != nil {
		return hotcell.CheckService(*r.Service)
	}
	return nil
}

func checkAccess(h hotcell.HTTPAccess) (hotcell.HTTPAccess, error) {
	host, err := site.Host(h.Host)
	if err != nil {
		return h, hotcell.Invalid("/http/host", "a connection is to one host: a name such as api.acme.test, without a pattern, a scheme or a path, or an IP address")
	}
	// An address is taken as it is typed or not at all: ::ffff:127.0.0.1 is not
	// what it seems to be.
	if _, err := netip.ParseAddr(host); err == nil && h.Host != host && h.Host != "["+host+"]" {
		return h, hotcell.Invalid("/http/host", "write the address in its usual form")
	}
	h.Host = host
	if h.Port == 0 {
		h.Port = defaultPort
	}
	if h.Port < 1 || h.Port > 65535 {
		return h, hotcell.Invalid("/http/port", "a port is a number from 1 to 65535")
	}
	return h, checkAuth(h.Auth)
}

// checkKey holds a key against the rules of its way onto requests, and returns
// it in the form in which it is kept. A key that the guard cannot look for is
// refused: what the service answers could not be searched for it.
func checkKey(auth hotcell.Auth, came sensitive.Bytes) (out sensitive.Bytes, err error) {
	err = came.Use(func(b []byte) error {
		switch {
		case len(b) == 0:
			return hotcell.Invalid("/key", "a key has at least one byte")
		case len(b) > hotcell.MaxValue:
			return hotcell.Invalid("/key", "a key has at most %d bytes", hotcell.MaxValue)
		}
		key, err := normalise(auth, b)
		if err != nil {
			return err
		}
		out = sensitive.New(key)
		return findable(auth, key)
	})
	if err != nil {
		out.Clear()
	}
	return out, err
}

// findable says whether all that must not come back can be looked for.
func findable(auth hotcell.Auth, key []byte) error {
	own := bytes.Clone(key) // some of the values are parts of it
	values := append(inject.Auth(auth).Values(own), own)
	if _, password, pair := bytes.Cut(own, []byte(":")); pair && auth.Kind == "basic" && auth.User == "" {
		values = append(values, password)
	}
	defer func() {
		for _, v := range values {
			sensitive.Wipe(v)
		}
	}()
	for _, v := range values {
		if err := guard.Guardable(v); err != nil {
			return hotcell.Invalid("/key", "this key cannot be taken out of what the service answers, so it is not kept: %v", err)
		}
	}
	return nil
}
