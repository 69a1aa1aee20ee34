package vault

import (
	"fmt"
	"net/http"

	"hotcell"
	"hotcell/internal/catalog/connector"
	"hotcell/internal/line/border"
	"hotcell/internal/vault/internal/book"
	"hotcell/internal/vault/internal/courier"
	"hotcell/internal/vault/internal/door"
	"hotcell/internal/vault/internal/oauth"
	"hotcell/internal/vault/internal/token"
	"hotcell/internal/wire/netguard"
	"hotcell/internal/wire/upstream"
)

// reached is what the vault asks services with, of itself and for tools. It
// dials over the same guard as all else.
type reached struct {
	catalog *connector.Catalog
	book    *book.Book
	oauth   *oauth.Service
	keeper  *token.Keeper
	courier *courier.Courier
	// upstreams are the connections of the courier's, each for one job and account.
	upstreams *upstream.Pool
}

// reach makes it.
func reach(c Config, door *door.Vault) (*reached, error) {
	out := &reached{catalog: c.Catalog}
	if out.catalog == nil {
		var err error
		if out.catalog, err = connector.Load(connector.Options{}); err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
	}
	dialer := c.Dialer
	if dialer == nil {
		dialer = netguard.New(netguard.Config{})
	}
	found := c.Found
	if found == nil {
		found = netguard.New(netguard.Config{Setting: "vault.allow_private"})
	}
	// What is done for no job shares no connection with anything: tokens of many are
	// asked for at one host, and what its address is, a stranger may have said.
	alone := func(d netguard.Dialer) http.RoundTripper {
		return upstream.New(upstream.Config{Dialer: d, Roots: c.Roots, Caught: border.Log(c.Log)}).For(upstream.Holder{})
	}
	out.upstreams = upstream.New(upstream.Config{Dialer: dialer, Roots: c.Roots, Caught: border.Log(c.Log)})
	out.book = book.New(door, out.catalog, c.Parser)
	out.oauth = oauth.New(oauth.Config{Transport: alone(dialer), Found: alone(found), Issuers: c.Issuers, ProofKeys: c.ProofKeys, Now: c.Now})
	out.courier = courier.New(courier.Config{Transport: alone(dialer), Reads: c.Reads, Now: c.Now, Log: c.Log})
	out.keeper = token.New(token.Config{Vault: door, Catalog: out.catalog, OAuth: out.oauth, Holder: hotcell.NewID("vlt"), Log: c.Log})
	return out, nil
}
