package cli

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"hotcell"
)

// keepers are names of files and folders that usually hold keys, or a whole history in
// which there may be some, in small letters; path.Match reads them.
var keepers = []string{
	".env", ".env.*", "*.env", ".envrc", ".git", ".hg", ".svn", ".ssh", ".gnupg", ".aws", ".azure", ".gcloud", ".kube", ".docker",
	"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_*_sk", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx",
	".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".git-credentials", ".htpasswd", ".vault-token", "credentials.json", "service-account*.json",
	"terraform.tfstate", "terraform.tfstate.*", "*.tfvars",
}

// harmless are names that look like some of those, and are written to be shown.
var harmless = []string{".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", "example.env", "sample.env"}

// leaving is what of a folder is not sent.
type leaving struct {
	// include are names, or paths within the folder, that go along all the same.
	include []string
	left    []string
}

// out says whether something is left out, and what a walk is to do then.
func (l *leaving) out(dir, name string, entry fs.DirEntry, note bool) (out bool, skip error) {
	if name == dir || entry == nil {
		return false, nil
	}
	base := strings.ToLower(filepath.Base(name))
	is := func(pattern string) bool { matched, _ := path.Match(pattern, base); return matched }
	if !slices.ContainsFunc(keepers, is) || slices.Contains(harmless, base) {
		return false, nil
	}
	inside, err := filepath.Rel(dir, name)
	if err != nil {
		return false, nil //nolint:nilerr // it is not below the folder, so it is none of the files
	}
	inside = filepath.ToSlash(inside)
	if slices.ContainsFunc(l.include, func(p string) bool { return matches(p, inside) }) {
		return false, nil
	}
	if note {
		l.left = append(l.left, inside)
	}
	if entry.IsDir() {
		return true, fs.SkipDir
	}
	return true, nil
}

// matches says whether a pattern is for a path, or for its last name.
func matches(pattern, inside string) bool {
	pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "./"), "/")
	whole, _ := path.Match(pattern, inside)
	last, _ := path.Match(pattern, path.Base(inside))
	return whole || last
}

// sent uploads the folder of --files, and says what was left out of it.
func (a *app) sent(l *leaving, upload func(*leaving) (hotcell.Files, error)) (hotcell.Files, error) {
	files, err := upload(l)
	if err != nil || len(l.left) == 0 {
		return files, err
	}
	shown, more := l.left, ""
	if len(shown) > mostLeft {
		shown, more = shown[:mostLeft], ", and "+count(len(l.left)-mostLeft, "other")
	}
	a.say("left out, since they usually hold keys: %s%s; --include NAME sends one along", strings.Join(shown, ", "), more)
	return files, nil
}

// mostLeft is how many names are told of what was left out.
const mostLeft = 10
