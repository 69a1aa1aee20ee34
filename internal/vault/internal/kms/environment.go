package kms

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"hotcell/internal/value/sensitive"
)

// Variables are the names of the variables that the providers' usual chains of
// credentials read, and that whoever starts the vault's process may hand to it.
func Variables() []string {
	return []string{
		"HOME", "CREDENTIALS_DIRECTORY",
		"VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_ROLE_ID", "VAULT_SECRET_ID", "BAO_TOKEN", "BAO_NAMESPACE",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE",
		"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ENDPOINT_URL_STS",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
		"GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST",
		"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST",
		"AZURE_POD_IDENTITY_AUTHORITY_HOST",
	}
}

// Environment is where credentials for a key service come from: variables, and the
// files that they or the key's URL name. It is gathered while all files can still be
// seen. A file is read anew each time, by the folder that was opened, since tokens are
// replaced in their place; where that is not allowed any more, what was read at first
// counts. The nil one is empty.
type Environment struct {
	variables map[string]sensitive.Bytes
	files     map[string]*held
}

// held is a file that was seen once.
type held struct {
	folder *os.Root
	name   string
	first  sensitive.Bytes
}

// maxCredential bounds a file of credentials, in bytes.
const maxCredential = 64 << 10

// Gather takes the variables, and opens the files of credentials that a key's service
// may ask for. It reads none for a local key file.
func Gather(name string, variables map[string]string) *Environment {
	e := &Environment{variables: map[string]sensitive.Bytes{}, files: map[string]*held{}}
	for _, known := range Variables() {
		if text := variables[known]; text != "" {
			e.variables[known] = sensitive.Copy([]byte(text))
		}
	}
	if text := variables[PassphraseVariable]; text != "" {
		e.variables[PassphraseVariable] = sensitive.Copy([]byte(text))
	}
	for _, path := range e.paths(name) {
		e.hold(path)
	}
	return e
}

// paths are the files that may be asked for.
func (e *Environment) paths(name string) []string {
	if credential, found := strings.CutPrefix(name, sealedScheme); found {
		return []string{e.credentialPath(credential)}
	}
	u, err := url.Parse(name)
	if err != nil {
		return nil
	}
	switch u.Scheme {
	case "hcvault":
		return []string{cmp.Or(u.Query().Get("token_file"), e.home(".vault-token")), u.Query().Get("secret_id_file"), cmp.Or(u.Query().Get("jwt_file"), kubernetesToken)}
	case "awskms":
		return []string{e.awsShared(), e.Get("AWS_WEB_IDENTITY_TOKEN_FILE"), e.Get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")}
	case "gcpkms":
		return []string{e.googleFile()}
	case "azurekv":
		return []string{e.Get("AZURE_FEDERATED_TOKEN_FILE")}
	}
	return nil
}

func (e *Environment) home(parts ...string) string {
	home := e.Get("HOME")
	if home == "" {
		return ""
	}
	return filepath.Join(append([]string{home}, parts...)...)
}

func (e *Environment) hold(path string) {
	if path == "" || !filepath.IsAbs(path) {
		return
	}
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return // nobody has to have it
	}
	h := &held{folder: folder, name: filepath.Base(path)}
	if text, err := h.read(); err == nil {
		h.first = sensitive.New(text)
	}
	e.files[path] = h
}

func (h *held) read() ([]byte, error) {
	info, err := h.folder.Stat(h.name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxCredential {
		return nil, errors.New("it is no file of credentials")
	}
	return h.folder.ReadFile(h.name)
}

// Get is a variable's text; empty where there is none.
func (e *Environment) Get(name string) (text string) {
	if e == nil {
		return ""
	}
	value, there := e.variables[name]
	if !there {
		return ""
	}
	_ = value.Use(func(b []byte) error { text = string(b); return nil })
	return text
}

// Read is what a file holds now, without white space around it. The caller wipes it.
func (e *Environment) Read(path string) ([]byte, error) {
	var h *held
	if e != nil {
		h = e.files[path]
	}
	if h == nil {
		return nil, fmt.Errorf("there is no file %s", path)
	}
	text, err := h.read()
	if err == nil {
		return text, nil
	}
	if h.first.Len() == 0 {
		return nil, fmt.Errorf("the file %s cannot be read", path)
	}
	_ = h.first.Use(func(b []byte) error { text = append([]byte(nil), b...); return nil })
	return text, nil
}

// word is a file's content as a text, without white space around it.
func (e *Environment) word(path string) (string, error) {
	text, err := e.Read(path)
	if err != nil {
		return "", err
	}
	defer sensitive.Wipe(text)
	return strings.TrimSpace(string(text)), nil
}
