package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"hotcell/internal/config"
	"hotcell/internal/connector"
)

// writeCatalog checks the operator's own connectors, and writes them where the
// vault finds them when it starts: it sees no other folder afterwards.
func writeCatalog(dir string, c config.Connectors) (path string, err error) {
	options := connector.Options{Overrides: c.Overrides}
	if options.Own, err = c.Documents(); err != nil {
		return "", err
	}
	if _, err := connector.Load(options); err != nil {
		return "", err
	}
	text, err := json.Marshal(options)
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "connectors.json")
	if err := os.WriteFile(path, text, 0o644); err != nil { // the vault's uid reads it, and it holds no value
		return "", fmt.Errorf("writing the connectors for the vault: %w", err)
	}
	return path, nil
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
