package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// postgres is a server of its own, in a folder of its own.
type postgres struct {
	port int
	bin  string
	dir  string
	cmd  *exec.Cmd
	as   *syscall.SysProcAttr
	// ended is closed when the server has.
	ended chan struct{}
}

// Binaries is the folder of PostgreSQL's programs; an error says how to get them.
func Binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", errors.New("PostgreSQL's server is missing: apt-get install postgresql")
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

const seed = `
CREATE DATABASE acme;
CREATE ROLE report LOGIN PASSWORD :'password';
\c acme
CREATE TABLE payments (invoice text, cents int);
INSERT INTO payments VALUES ('INV-1', 129900);
GRANT SELECT ON payments TO report;
`

func startPostgres(ctx context.Context, dir string, certificate tls.Certificate, password string) (*postgres, error) {
	bin, err := Binaries()
	if err != nil {
		return nil, err
	}
	p := &postgres{bin: bin, dir: filepath.Join(dir, "postgres"), as: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}}
	if err := p.own(); err != nil {
		return nil, err
	}
	if err := p.run(ctx, nil, "initdb", "-D", p.dir, "-U", "postgres", "-A", "trust", "-N", "--no-instructions"); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		if err := p.start(ctx, certificate); err == nil {
			break
		} else if try == 4 || !errors.Is(err, errEnded) {
			return nil, err
		}
	}
	// The password goes in by standard input: arguments can be read by others.
	script := fmt.Sprintf("\\set password '%s'\n%s", password, seed)
	if err := p.run(ctx, []byte(script), "psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", p.dir, "-p", strconv.Itoa(p.port), "-U", "postgres", "postgres"); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// errEnded is a server that ended at once: between the choice of its port and its start,
// somebody else may have taken that.
var errEnded = errors.New("PostgreSQL ended")

// start starts the server on a port that is free.
func (p *postgres) start(ctx context.Context, certificate tls.Certificate) (err error) {
	if p.port, err = freePort(); err != nil {
		return err
	}
	if err := p.configure(certificate); err != nil {
		return err
	}
	p.cmd, p.ended = exec.Command(filepath.Join(p.bin, "postgres"), "-D", p.dir), make(chan struct{})
	p.cmd.SysProcAttr, p.cmd.Dir = p.as, "/"
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting PostgreSQL: %w", err)
	}
	go func(cmd *exec.Cmd, ended chan struct{}) { _ = cmd.Wait(); close(ended) }(p.cmd, p.ended)
	if err := p.await(ctx); err != nil {
		p.stop()
		return err
	}
	return nil
}

// own makes the folder. PostgreSQL does not run as root, so there it is its own
// user's.
func (p *postgres) own() error {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return fmt.Errorf("making PostgreSQL's folder: %w", err)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("PostgreSQL does not run as root, and needs its user: %w", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	p.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return errors.Join(os.Chown(p.dir, uid, gid), os.Chmod(filepath.Dir(p.dir), 0o755))
}

func (p *postgres) run(ctx context.Context, in []byte, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, program), args...)
	cmd.SysProcAttr, cmd.Dir, cmd.Stdin = p.as, "/", bytes.NewReader(in)
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w: %s", program, err, out)
	}
	return nil
}

// configure lets everybody in by password and TLS, and the superuser by its
// folder's socket alone.
func (p *postgres) configure(certificate tls.Certificate) error {
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		return fmt.Errorf("writing PostgreSQL's key: %w", err)
	}
	var chain []byte
	for _, der := range certificate.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	settings := fmt.Sprintf("listen_addresses='127.0.0.1'\nport=%d\nunix_socket_directories='%s'\nssl=on\nssl_cert_file='server.crt'\nssl_key_file='server.key'\nfsync=off\nshared_buffers=16MB\npassword_encryption='scram-sha-256'\nlogging_collector=on\n", p.port, p.dir)
	for name, text := range map[string][]byte{
		"server.crt": chain, "server.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"postgresql.auto.conf": []byte(settings), "pg_hba.conf": []byte("local all postgres trust\nhostssl acme report 127.0.0.1/32 scram-sha-256\n"),
	} {
		path := filepath.Join(p.dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return fmt.Errorf("configuring PostgreSQL: %w", err)
		}
		if c := p.as.Credential; c != nil {
			if err := os.Chown(path, int(c.Uid), int(c.Gid)); err != nil {
				return fmt.Errorf("configuring PostgreSQL: %w", err)
			}
		}
	}
	return nil
}

func (p *postgres) await(ctx context.Context) error {
	for late := time.After(3 * time.Minute); ; {
		c, err := net.DialTimeout("unix", fmt.Sprintf("%s/.s.PGSQL.%d", p.dir, p.port), time.Second)
		if err == nil {
			_ = c.Close()
			if p.run(ctx, nil, "pg_isready", "-q", "-h", p.dir, "-p", strconv.Itoa(p.port)) == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			return errEnded
		case <-late:
			return errors.New("PostgreSQL does not answer")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (p *postgres) stop() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // at once: nothing in it is to be kept
	<-p.ended
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return portOf(l), nil
}
