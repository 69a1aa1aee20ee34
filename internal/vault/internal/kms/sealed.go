package kms

import (
	"path/filepath"
	"regexp"

	"hotcell/internal/value/sensitive"
)

// sealedScheme begins the name of a local key file that systemd keeps, sealed to this
// machine or to its TPM, and opens for the service:
//
//	systemd-creds:hotcell-key
//
// In the unit: LoadCredentialEncrypted=hotcell-key:/etc/hotcell/local.key.cred, which
// `systemd-creds encrypt` makes of a local key file. systemd.exec(5), "Credentials".
const sealedScheme = "systemd-creds:"

var credentialName = regexp.MustCompile(`^[A-Za-z0-9_.@-]+$`)

// credentialPath is where the service finds a credential; empty where systemd gave none.
func (e *Environment) credentialPath(name string) string {
	folder := e.Get("CREDENTIALS_DIRECTORY")
	if folder == "" || !credentialName.MatchString(name) || name == "." || name == ".." {
		return ""
	}
	return filepath.Join(folder, name)
}

// openSealed opens a key that systemd opened for this service.
func openSealed(c Config, name string) (*File, error) {
	path := c.Environment.credentialPath(name)
	if path == "" {
		return nil, fault(ErrUnusable, "the key is a credential of systemd, and systemd gave this server none: start it by its unit, with LoadCredentialEncrypted=%s:…", name)
	}
	text, err := c.Environment.Read(path)
	if err != nil {
		return nil, fault(ErrUnusable, "the key is the credential %s of systemd, and the unit has no such one that can be read: see LoadCredentialEncrypted= in it", name)
	}
	defer sensitive.Wipe(text)
	return parseFile(text, path)
}
