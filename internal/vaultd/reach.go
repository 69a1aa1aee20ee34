package vaultd

import (
	"fmt"
	"time"

	"hotcell"
	"hotcell/internal/book"
	"hotcell/internal/connector"
	"hotcell/internal/courier"
	"hotcell/internal/netguard"
	"hotcell/internal/oauth"
	"hotcell/internal/token"
	"hotcell/internal/vault"
)

// reached is what the vault asks services with, of itself and for tools. It has
// a pool of connections of its own, over the same guard as all that it dials.
type reached struct {
	catalog *connector.Catalog
	book    *book.Book
	oauth   *oauth.Service
	keeper  *token.Keeper
	courier *courier.Courier
}

// reach makes it.
func reach(c Config, door *vault.Vault) (*reached, error) {
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
	pool := netguard.Pool{PerHost: 16, Idle: 30 * time.Second}
	out.book = book.New(door, out.catalog)
	out.oauth = oauth.New(oauth.Config{
		Transport: netguard.Transport(dialer, c.Roots, pool), Found: netguard.Transport(found, c.Roots, pool), Issuers: c.Issuers, Now: c.Now,
	})
	out.courier = courier.New(courier.Config{Transport: netguard.Transport(dialer, c.Roots, pool), Now: c.Now, Log: c.Log})
	out.keeper = token.New(token.Config{Vault: door, Catalog: out.catalog, OAuth: out.oauth, Holder: hotcell.NewID("vlt"), Log: c.Log})
	return out, nil
}
