package cell

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"hotcell/internal/line/cellrpc"
)

// cacheFolder is where a cell has what earlier jobs like it kept. Most programs that
// keep something between runs look here by themselves.
const cacheFolder = "/home/job/.cache"

// caching are the variables of those that do not, each with its folder in the cache.
var caching = map[string]string{"npm_config_cache": "npm", "YARN_CACHE_FOLDER": "yarn", "GOMODCACHE": "go-mod", "CARGO_HOME": "cargo"}

// fetchCache brings what was kept. A cache that does not come or does not fit is
// none: the job starts with an empty one.
func (i *initial) fetchCache(ctx context.Context) error {
	if i.spec.Cache == 0 {
		return nil
	}
	answer, err := i.gateway.do(ctx, http.MethodGet, cellrpc.PathCache, nil)
	if err != nil {
		return nil // the gateway has said why
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusOK {
		if err := unpackWithin(answer.Body, cacheFolder, i.spec.Cache); err != nil {
			if err := empty(cacheFolder); err != nil {
				return fmt.Errorf("emptying the cache: %w", err)
			}
		}
	}
	i.cached, err = picture(cacheFolder)
	return err
}

// empty removes what is in a folder, and leaves the folder.
func empty(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// sendCache sends what is to be kept for the next job like this one, guarded as the
// output is, and counts what the guard took out. A job that changed nothing sends nothing.
func (i *initial) sendCache(ctx context.Context) (int, error) {
	if i.spec.Cache == 0 {
		return 0, nil
	}
	if info, err := os.Lstat(cacheFolder); err != nil || !info.IsDir() {
		return 0, nil // the job removed it: what was kept stays
	}
	if now, err := picture(cacheFolder); err != nil || now == i.cached {
		return 0, err
	}
	root, err := os.OpenRoot(cacheFolder)
	if err != nil {
		return 0, fmt.Errorf("reading the cache: %w", err)
	}
	defer func() { _ = root.Close() }()
	return i.send(ctx, root, "the cache", cellrpc.PathCache, i.spec.Cache)
}

// picture tells one state of a folder from another, without reading its files.
func picture(folder string) (sum [sha256.Size]byte, err error) {
	hash := sha256.New()
	err = fs.WalkDir(os.DirFS(folder), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil {
			// A folder is what is in it; its own time also tells of the cell's work.
			size, at := info.Size(), info.ModTime().UnixNano()
			if e.IsDir() {
				size, at = 0, 0
			}
			_, err = fmt.Fprintf(hash, "%q %v %d %d\n", name, info.Mode(), size, at)
		}
		return err
	})
	return [sha256.Size]byte(hash.Sum(nil)), err
}
