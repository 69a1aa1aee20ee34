package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// download is a file that the browser took, or takes.
type download struct {
	id, name, state string
	// kept is where it lies in the job's folder; empty where it lies here alone.
	kept string
	told bool
	// waited is true once one was waited for it: nobody waits again.
	waited bool
	// received and total are in bytes; total is 0 where it is not known.
	received, total float64
}

func (d *Driver) downloading(params []byte) {
	e, ok := decode[struct{ GUID, SuggestedFilename string }](params)
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.downloads) >= maxDownloads {
		return
	}
	d.downloads = append(d.downloads, &download{id: e.GUID, name: fileName(e.SuggestedFilename), state: "inProgress"})
}

// fileName is a name that a site gave, as one of a file.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ".")
	for len(name) > 120 {
		_, cut := name[:1], name[1:]
		name = cut
	}
	if name == "" {
		return "download"
	}
	return name
}

func (d *Driver) progressed(params []byte) {
	e, ok := decode[struct {
		GUID, State               string
		ReceivedBytes, TotalBytes float64
	}](params)
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, one := range d.downloads {
		if one.id == e.GUID {
			one.state, one.received, one.total = e.State, e.ReceivedBytes, e.TotalBytes
		}
	}
}

// maxDownloads is how many files one browser takes.
const maxDownloads = 1000

// downloadTime is how long is waited for a download that has begun.
const downloadTime = 20 * time.Second

// underWay says what is still on its way. It is not waited for again.
func (d *Driver) underWay() (lines []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, one := range d.downloads {
		if one.state != "inProgress" {
			continue
		}
		one.waited = true
		size := ""
		if one.total > 0 {
			size = fmt.Sprintf(" of %.1f", one.total/1e6)
		}
		lines = append(lines, fmt.Sprintf("the download of %s is under way: %.1f%s MB", one.name, one.received/1e6, size))
	}
	return lines
}

// collect puts what was downloaded into the job's folder, and says where.
func (d *Driver) collect(ctx context.Context) (lines []string) {
	waiting, cancel := context.WithTimeout(ctx, downloadTime)
	defer cancel()
	for {
		d.mu.Lock()
		var busy bool
		var ready []*download
		for _, one := range d.downloads {
			busy = busy || one.state == "inProgress" && !one.waited
			if one.state != "inProgress" && !one.told {
				ready = append(ready, one)
			}
		}
		d.mu.Unlock()
		for _, one := range ready {
			lines = append(lines, d.keep(ctx, one))
		}
		if !busy || waiting.Err() != nil {
			return append(lines, d.underWay()...)
		}
		select {
		case <-waiting.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// keep hands one download over.
func (d *Driver) keep(ctx context.Context, one *download) string {
	sieve := d.sieve.Load()
	d.mu.Lock()
	// A site may name a file after what it was sent.
	one.told, one.name = true, fileName(string(sieve.redact([]byte(one.name))))
	d.mu.Unlock()
	if one.state != "completed" {
		return fmt.Sprintf("the download of %s was broken off", one.name)
	}
	f, err := os.Open(filepath.Join(d.Downloads, one.id))
	if err != nil {
		return fmt.Sprintf("the download of %s is not there", one.name)
	}
	defer func() { _ = f.Close() }()
	kept, err := d.Config.Hand.Keep(ctx, one.name, sieve.prints.Reader(f, nil))
	if err != nil {
		return fmt.Sprintf("downloaded %s: it stays in the browser, to be uploaded by its name (%v)", one.name, err)
	}
	d.mu.Lock()
	one.kept = kept.Path
	d.mu.Unlock()
	return "downloaded " + kept.Path
}

// found is the path, here, of a file that is to be uploaded: one of the job's, or
// one that was downloaded.
func (d *Driver) found(ctx context.Context, path string) (string, error) {
	d.mu.Lock()
	for _, one := range d.downloads {
		if one.state == "completed" && (one.kept == path && path != "" || one.name == path) {
			d.mu.Unlock()
			// Under the name that sites are to see.
			return d.link(filepath.Join(d.Downloads, one.id), one.name)
		}
	}
	d.mu.Unlock()
	folder, err := os.MkdirTemp(d.Uploads, "")
	if err != nil {
		return "", err
	}
	here := filepath.Join(folder, fileName(filepath.Base(path)))
	f, err := os.OpenFile(here, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	err = d.Config.Hand.Fetch(ctx, path, f)
	if failed := f.Close(); err == nil {
		err = failed
	}
	return here, err
}

func (d *Driver) link(from, name string) (string, error) {
	folder, err := os.MkdirTemp(d.Uploads, "")
	if err != nil {
		return "", err
	}
	_ = os.Chmod(folder, 0o755)
	here := filepath.Join(folder, name)
	return here, os.Link(from, here)
}
