package config

import (
	"slices"
	"strings"
	"time"

	"hotcell"
)

// keyKinds are how the names of keys begin. The vault's process alone reads the rest.
var keyKinds = []string{"file:///", "systemd-creds:", "hcvault://", "awskms:///", "gcpkms://", "azurekv://"}

// The bounds of how long open keys serve without their service.
const (
	leastWarm = time.Second
	mostWarm  = 7 * 24 * time.Hour
)

func (c Config) checkKey() error {
	if c.Key != "" && c.Key != "prompt" && !slices.ContainsFunc(keyKinds, func(kind string) bool { return strings.HasPrefix(c.Key, kind) && c.Key != kind }) {
		return hotcell.Invalid("/key", "a key is prompt, or written as %s and what follows there: docs/keys.md lists the kinds", strings.Join(keyKinds, ", "))
	}
	if c.Keys.RotateDays < 0 {
		return hotcell.Invalid("/keys/rotate_days", "days, or 0 for keys of any age")
	}
	if c.KeyWarm < leastWarm || c.KeyWarm > mostWarm {
		return hotcell.Invalid("/key_warm", "it is 1s to 168h")
	}
	return nil
}

// Keys is the policy by age.
type Keys struct {
	// RotateDays is after how many days the workspace's keys are made anew; 0 for never.
	RotateDays int `yaml:"rotate_days"`
}
