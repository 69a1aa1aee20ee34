package gateway

import (
	"crypto/tls"
	"fmt"
	"sync"
	"time"

	"hotcell/internal/wire/authority"
)

// jobAuthority is a job's own certificate authority, which only the job's cell
// trusts, with the certificates that it has made.
type jobAuthority struct {
	*authority.Authority
	mu    sync.Mutex
	hosts map[string]*tls.Config
}

// authorityLife is longer than any job's.
const authorityLife = 30 * 24 * time.Hour

func newAuthority(job string, now time.Time) (*jobAuthority, error) {
	a, err := authority.New("Hotcell "+job, now, authorityLife)
	return &jobAuthority{Authority: a, hosts: map[string]*tls.Config{}}, err
}

// config is how the gateway speaks TLS for a host, with a certificate that is
// made once.
func (a *jobAuthority) config(host string, protocols ...string) (*tls.Config, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := fmt.Sprint(host, protocols)
	if found := a.hosts[id]; found != nil {
		return found, nil
	}
	certificate, err := a.Issue(host)
	if err != nil {
		return nil, err
	}
	made := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: protocols}
	a.hosts[id] = made
	return made, nil
}
