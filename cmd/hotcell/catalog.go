//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"

	"hotcell/internal/catalog/connector"
	"hotcell/internal/config"
)

// openCatalog checks the operator's own connectors, and writes them down for the vault,
// which sees no folder but its own.
func openCatalog(c config.Connectors) (*os.File, error) {
	var err error
	options := connector.Options{Overrides: c.Overrides}
	if options.Own, err = c.Documents(); err != nil {
		return nil, err
	}
	if _, err := connector.Load(options); err != nil {
		return nil, err
	}
	text, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	return sealedFile("connectors", text)
}

// readCatalog makes the catalogue of what was written.
func readCatalog(path string) (*connector.Catalog, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the connectors: %w", err)
	}
	var options connector.Options
	if err := json.Unmarshal(text, &options); err != nil {
		return nil, fmt.Errorf("reading the connectors: %w", err)
	}
	return connector.Load(options)
}
