package config

import (
	"crypto/sha256"
	"encoding/base64"

	"hotcell/internal/wire/pgwire"
)

// Database is the operator's word on one database.
type Database struct {
	// Pin is the SHA-256 of its public key, in base64.
	Pin string `yaml:"pin"`
	// Unverified takes whoever answers under TLS; Plaintext goes without TLS.
	Unverified bool `yaml:"unverified"`
	Plaintext  bool `yaml:"plaintext"`
	// Passwords lists ways beside SCRAM: md5, cleartext.
	Passwords List[string] `yaml:"passwords"`
}

// trust reads it, or says what is wrong with it.
func (d Database) trust() (t pgwire.Trust, reason string) {
	t.Unverified, t.Plaintext = d.Unverified, d.Plaintext
	if d.Pin != "" {
		var err error
		if t.Pin, err = base64.StdEncoding.DecodeString(d.Pin); err != nil || len(t.Pin) != sha256.Size {
			return t, "pin is the SHA-256 of the database's public key, in base64"
		}
	}
	for _, way := range d.Passwords {
		switch way {
		case "md5":
			t.MD5 = true
		case "cleartext":
			t.Cleartext = true
		default:
			return t, "passwords are md5 or cleartext; SCRAM is taken always"
		}
	}
	if d.Pin != "" && (d.Unverified || d.Plaintext) || d.Unverified && d.Plaintext {
		return t, "pin, unverified and plaintext exclude each other"
	}
	return t, ""
}

// Databases is the operator's word on a database; the strictest without one.
func (c Config) Databases(host string, port int) pgwire.Trust {
	for _, h := range c.Egress.Hosts {
		if name, at, err := split(h.Name); err == nil && name == host && (at == 0 || at == port) {
			if trust, reason := h.Database.trust(); reason == "" {
				return trust
			}
		}
	}
	return pgwire.Trust{}
}
