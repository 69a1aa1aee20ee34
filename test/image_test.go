package test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"hotcell/hotcelltest"
)

// library finds the libraries of a program, as ldd tells of them.
var library = regexp.MustCompile(`/[^ ()]+`)

// programOf is a program of this machine with its libraries, as files of an image.
func programOf(t testing.TB, files map[string]string, program, as string) {
	t.Helper()
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		t.Fatalf("looking for the libraries of %s: %v", program, err)
	}
	for _, file := range append(library.FindAllString(string(out), -1), program) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if file == program {
			file = as
		}
		// As on a system whose /lib is its /usr's: a layer need not know.
		files[strings.TrimPrefix(file, "/")] = string(text)
	}
}

// small is a root with a shell and a few programs of this machine.
func small(t testing.TB) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, program := range []string{"cat", "ls", "touch", "id", "env", "grep", "sha256sum", "chmod", "rm", "ln", "mount"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		programOf(t, files, path, "/usr/bin/"+program)
	}
	programOf(t, files, "/bin/dash", "/bin/sh")
	return files
}

// imageOf is an image of layers, each of files by their names: "name -> target" is a link.
func imageOf(t testing.TB, env []string, layers ...map[string]string) v1.Image {
	t.Helper()
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers"}, Config: v1.Config{Env: env, User: "0", WorkingDir: "/srv/app"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range layers {
		var text bytes.Buffer
		w := tar.NewWriter(&text)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			h := &tar.Header{Name: name, Mode: 0o4755, Size: int64(len(files[name])), Uid: 0}
			if link, to, ok := strings.Cut(name, " -> "); ok {
				h = &tar.Header{Name: link, Linkname: to, Typeflag: tar.TypeSymlink}
			}
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, files[name]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil })
		if err == nil {
			img, err = mutate.AppendLayers(img, layer)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return img
}

// imageServer is a server with a folder of images of its own.
func imageServer(t testing.TB, more string) (*hotcelltest.Server, string) {
	t.Helper()
	folder := filepath.Join(openFolder(t), "images")
	return hotcelltest.Start(t, fmt.Sprintf("%scells: {images: %q}\n", more, folder)), folder
}

// ofImages runs a command on them, with the server's own configuration.
func ofImages(s *hotcelltest.Server, args ...string) hotcelltest.Result {
	return s.Run(append([]string{"images", "--config", filepath.Join(filepath.Dir(s.Data), "hotcell.yaml")}, args...)...)
}

func imagesOK(t testing.TB, s *hotcelltest.Server, args ...string) string {
	t.Helper()
	r := ofImages(s, args...)
	if r.Code != 0 {
		t.Fatalf("hotcell images %s: %+v", strings.Join(args, " "), r)
	}
	return r.Out
}

func layoutOf(t testing.TB, img v1.Image) string {
	t.Helper()
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = path.AppendImage(img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestAJobRunsInAnImage adds an image by each way, and runs a job in it.
func TestAJobRunsInAnImage(t *testing.T) {
	t.Parallel()
	s, _ := imageServer(t, "")
	img := imageOf(t, []string{"PATH=/srv/app/bin:/usr/bin:/bin", "GREETING=hello", "LD_PRELOAD=/srv/evil.so", "HOTCELL_URL=http://evil.test"},
		small(t), map[string]string{"srv/app/bin/greet": "#!/bin/sh\necho $GREETING from $0\n", "etc/os-release": "NAME=Own\n", "data.txt": "in the root\n"})
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	reference := strings.TrimPrefix(server.URL, "http://") + "/acme/own:1"
	ref, err := name.ParseReference(reference)
	if err == nil {
		err = remote.Write(ref, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(t.TempDir(), "saved.tar")
	if err := tarball.WriteToFile(saved, ref, img); err != nil {
		t.Fatal(err)
	}
	if r := ofImages(s, "add", reference); r.Code == 0 || !strings.Contains(r.Err, "--plain-http") {
		t.Errorf("a registry without TLS: %+v", r)
	}
	imagesOK(t, s, "add", reference, "--plain-http", "--name", "pulled")
	imagesOK(t, s, "add", "oci:"+layoutOf(t, img), "--name", "laid")
	imagesOK(t, s, "add", "docker-archive:"+saved)
	for _, image := range []string{"pulled", "laid", "saved"} {
		s.OK("assignments", "create", image, "--image", image, "--command", `greet; cat /etc/os-release /data.txt; id -u; echo "preload: $LD_PRELOAD"; env | grep HOTCELL_URL; pwd; ls /job /usr/bin/python3`)
		r := s.Run("run", image)
		for _, want := range []string{"hello from /srv/app/bin/greet\nNAME=Own\nin the root\n1000\npreload: \n", "HOTCELL_URL=http://127.", "/job\n"} {
			if !strings.Contains(r.Out, want) {
				t.Errorf("%s: %+v", image, r)
			}
		}
		if !strings.Contains(r.Err, "No such file") || strings.Contains(r.Out, "evil") {
			t.Errorf("%s sees the machine's /usr, or has what it may not: %+v", image, r)
		}
	}
	if out := s.OK("assignments", "show", "laid"); !strings.Contains(out, "laid, "+digest.String()) {
		t.Error(out)
	}
	if out := s.OK("jobs", "show", strings.Fields(s.OK("run", "laid", "--detach"))[0]); !strings.Contains(out, digest.String()) {
		t.Error(out)
	}
	var list []struct {
		Name, Digest string
		UsedBy       []string `json:"used_by"`
	}
	if err := json.Unmarshal([]byte(imagesOK(t, s, "list", "-o", "json")), &list); err != nil || len(list) != 3 || list[0].Digest != digest.String() || list[0].UsedBy[0] != "laid" {
		t.Errorf("%+v %v", list, err)
	}
	if r := ofImages(s, "remove", "laid"); r.Code == 0 || !strings.Contains(r.Err, "laid") {
		t.Errorf("an image in use goes: %+v", r)
	}
	imagesOK(t, s, "remove", "laid", "--yes")
	if r := s.Run("run", "laid"); r.Code == 0 || !strings.Contains(r.Err, `there is no image "laid"`) {
		t.Errorf("%+v", r)
	}
	r := ofImages(s, "add", "oci:"+layoutOf(t, imageOf(t, nil, map[string]string{"app": "x"})), "--name", "bare")
	if r.Code != 0 || !strings.Contains(r.Err, "no /bin/sh") || !strings.Contains(r.Err, "privileges of 1") {
		t.Errorf("%+v", r)
	}
	s.OK("assignments", "create", "bare", "--image", "bare", "--command", "true")
	if r := s.Run("run", "bare"); r.Code == 0 || !strings.Contains(r.Err, "has no /bin/sh") {
		t.Errorf("%+v", r)
	}
	if r := s.Run("assignments", "create", "none", "--image", "none", "--command", "true"); r.Code == 0 || !strings.Contains(r.Err, "images add") {
		t.Errorf("%+v", r)
	}
}

// TestAJobInAnImageChangesNothing tries to write each part of its root, and to find what
// is not its own: another image, the data folder, the machine.
func TestAJobInAnImageChangesNothing(t *testing.T) {
	t.Parallel()
	s, folder := imageServer(t, "")
	files := small(t)
	imagesOK(t, s, "add", "oci:"+layoutOf(t, imageOf(t, nil, files, map[string]string{"srv/app/own": "own", "up -> ../../../../../..": "", "machine -> " + s.Data: "", "kernel -> /proc/1/root": ""})), "--name", "own")
	imagesOK(t, s, "add", "oci:"+layoutOf(t, imageOf(t, nil, files, map[string]string{"srv/app/other": "theother"})), "--name", "other")
	s.OK("assignments", "create", "hostile", "--image", "own", "--command", `
for f in /x /usr/x /usr/bin/x /etc/x /etc/passwd /etc/ssl/certs/ca-certificates.crt /etc/resolv.conf /srv/app/own /run/x /run/passwd /opt/x /nix/x /bin/sh /home/x /sys/x /dev/x /proc/x; do
  (echo evil > $f) 2>/dev/null && echo "wrote $f"
done
chmod 0777 /srv /srv/app/own /etc/passwd /run/passwd /run 2>/dev/null && echo changed
rm -f /srv/app/own 2>/dev/null && echo removed
ln -s /tmp /etc/evil 2>/dev/null && echo linked
mount -o remount,rw / 2>/dev/null && echo mounted
ls /up `+folder+` `+s.Data+` /machine /kernel /proc/1/root /proc/1/cwd 2>&1
cat `+folder+`/trees/*/root/srv/app/other /up`+folder+`/trees/*/root/srv/app/other 2>&1
cat /etc/passwd /etc/hosts
ls -l /usr/bin/cat
echo done`)
	r := s.Run("run", "hostile")
	for _, bad := range []string{"wrote", "changed", "removed", "linked", "mounted", "theother", "vault", "names", "trees\n", "rws"} {
		if strings.Contains(r.Out, bad) {
			t.Errorf("it could: %s", bad)
		}
	}
	if !strings.Contains(r.Out, "done") || !strings.Contains(r.Out, "job:x:1000") || !strings.Contains(r.Out, "127.0.0.1 localhost") {
		t.Errorf("%+v", r)
	}
	if t.Failed() {
		t.Logf("%s\n%s", r.Out, r.Err)
	}
	for _, file := range []string{"own", "other"} {
		found, _ := filepath.Glob(filepath.Join(folder, "trees/*/root/srv/app", file))
		if text, err := os.ReadFile(found[0]); err != nil || strings.TrimPrefix(string(text), "the") != file {
			t.Errorf("%s says %q: %v", file, text, err)
		}
	}
}

// TestADrillRunsInAnImage has the catalogue's attacker, with an image as its root.
func TestADrillRunsInAnImage(t *testing.T) {
	t.Parallel()
	s, _ := imageServer(t, "")
	imagesOK(t, s, "add", "oci:"+layoutOf(t, imageOf(t, nil, small(t), map[string]string{"var/x": "", "opt/own/x": ""})), "--name", "own")
	s.OK("assignments", "create", "in-image", "--image", "own", "--command", "true")
	for _, arguments := range [][]string{{"cell-root", "in-image"}, {"cell-images", "in-image"}, {"cell-root"}, {"cell-images"}} {
		r := s.Run(append([]string{"drill", "-o", "json", "--only"}, arguments...)...)
		var report struct{ Tried, Through int }
		if err := json.Unmarshal([]byte(r.Out), &report); err != nil || r.Code != 0 || report.Tried != 1 || report.Through != 0 {
			t.Errorf("%v: %+v", arguments, r)
		}
	}
}

// TestEveryDistributionsClientsTrustTheJob looks for certificates where the programs of
// each look for them.
func TestEveryDistributionsClientsTrustTheJob(t *testing.T) {
	t.Parallel()
	s, _ := imageServer(t, "")
	files := small(t)
	for distribution, c := range map[string]struct {
		layer map[string]string
		at    []string
	}{
		"debian": {map[string]string{"etc/ssl/certs/ca-certificates.crt": "theirs", "usr/lib/ssl/x": "", "usr/lib/ssl/cert.pem -> /etc/ssl/cert.pem": ""}, []string{"/etc/ssl/certs/ca-certificates.crt", "/usr/lib/ssl/cert.pem"}},
		"alpine": {map[string]string{"etc/ssl/certs/ca-certificates.crt": "theirs", "etc/ssl/cert.pem -> certs/ca-certificates.crt": ""}, []string{"/etc/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt"}},
		"redhat": {map[string]string{
			"etc/pki/tls/certs/x": "", "etc/ssl/certs -> ../pki/tls/certs": "", "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem": "theirs",
			"etc/pki/tls/certs/ca-bundle.crt -> /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem": "", "etc/pki/tls/cert.pem -> /etc/pki/tls/certs/ca-bundle.crt": "",
		}, []string{"/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/tls/cert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/certs/ca-bundle.crt"}},
		"suse": {map[string]string{"var/lib/ca-certificates/ca-bundle.pem": "theirs", "etc/ssl/ca-bundle.pem -> /var/lib/ca-certificates/ca-bundle.pem": ""}, []string{"/etc/ssl/ca-bundle.pem", "/var/lib/ca-certificates/ca-bundle.pem"}},
		"bare": {map[string]string{"x": ""}, []string{"/etc/ssl/cert.pem"}},
	} {
		imagesOK(t, s, "add", "oci:"+layoutOf(t, imageOf(t, nil, files, c.layer)), "--name", distribution)
		s.OK("assignments", "create", distribution, "--image", distribution, "--command", "grep -c BEGIN.CERTIFICATE $SSL_CERT_FILE; sha256sum < $SSL_CERT_FILE; for f in "+strings.Join(c.at, " ")+"; do sha256sum < $f; done")
		r := s.Run("run", distribution)
		lines := strings.Split(strings.TrimSpace(r.Out), "\n")
		if r.Code != 0 || len(lines) != 2+len(c.at) || len(lines[0]) < 2 {
			t.Errorf("%s: %+v", distribution, r)
			continue
		}
		for n, line := range lines[2:] {
			if line != lines[1] {
				t.Errorf("%s: %s is not the cell's own", distribution, c.at[n])
			}
		}
	}
}

// TestAnImageKeepsItsOptBesideTheOperators has a mount below a folder that the image uses.
func TestAnImageKeepsItsOptBesideTheOperators(t *testing.T) {
	t.Parallel()
	tools := openFolder(t)
	if err := os.MkdirAll(filepath.Join(tools, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tools, "bin", "greet"), []byte("#!/bin/sh\necho hello from $0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(openFolder(t), "images")
	s := hotcelltest.Start(t, fmt.Sprintf("cells: {images: %q, toolchains: %q, mounts: [%q, %q]}\n", folder, folder+"-none", tools+":/opt/tools", tools+":/srv/deep/tools"))
	imagesOK(t, s, "add", "oci:"+layoutOf(t, imageOf(t, nil, small(t), map[string]string{"opt/java/version": "21\n", "opt/latest -> java": "", "opt/tools/theirs": "theirs", "srv -> /tmp": ""})), "--name", "own")
	s.OK("assignments", "create", "own", "--image", "own", "--command", "greet; cat /opt/java/version /opt/latest/version; ls /opt/tools; /srv/deep/tools/bin/greet; touch /opt/x /opt/tools/x /opt/java/x; ls /opt")
	r := s.Run("run", "own")
	if want := "hello from /opt/tools/bin/greet\n21\n21\nbin\nhello from /srv/deep/tools/bin/greet\njava\nlatest\ntools\n"; r.Out != want {
		t.Errorf("%+v", r)
	}
}

// TestASecretGoesBeforeAnImagesVariable has an image that sets what a secret is called.
func TestASecretGoesBeforeAnImagesVariable(t *testing.T) {
	t.Parallel()
	s, _ := imageServer(t, "")
	env := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(env, []byte("API_KEY=cn-real-7f31c2aa90de41b8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.OK("secrets", "create", "billing", "--env-file", env)
	imagesOK(t, s, "add", "oci:"+layoutOf(t, imageOf(t, []string{"API_KEY=the-image-s", "MODE=theirs", "OTHER=kept"}, small(t))), "--name", "own")
	s.OK("assignments", "create", "own", "--image", "own", "--env", "MODE=ours", "--command", `case "$API_KEY" in *real*) echo right;; *) echo wrong;; esac; echo $MODE $OTHER; env | grep -c ^API_KEY=`)
	s.OK("assignments", "attach", "own", "billing", "--as", "env")
	if r := s.Run("run", "own"); r.Out != "right\nours kept\n1\n" {
		t.Errorf("%+v\n%s", r, s.Log())
	}
}
