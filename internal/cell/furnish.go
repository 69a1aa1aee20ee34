package cell

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// The files that a cell's /etc is made of.
const (
	passwd = "root:x:0:0:root:/root:/usr/sbin/nologin\njob:x:1000:1000:job:/home/job:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
	group  = "root:x:0:\njob:x:1000:\nnogroup:x:65534:\n"
	// Names come from the file of hosts and from the init's own answers.
	nsswitch = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n"
	resolv   = "nameserver 127.0.0.1\noptions attempts:2 timeout:5\n"
	hosts    = "127.0.0.1 localhost cell\n::1 localhost\n"
)

// furnish makes /etc and the mounts as the command is to find them.
func (i *initial) furnish(context.Context) error {
	for name, text := range map[string]string{
		"passwd": passwd, "group": group, "nsswitch.conf": nsswitch, "resolv.conf": resolv, "hosts": hosts, "hostname": "cell\n",
	} {
		if err := os.WriteFile("/etc/"+name, []byte(text), 0o644); err != nil {
			return fmt.Errorf("furnishing the cell: %w", err)
		}
	}
	if err := unix.Mount("", "/etc", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("closing the cell's /etc: %w", err)
	}
	// The command sees no process but its own: not even that there is an init.
	if err := unix.Mount("", "/proc", "", unix.MS_REMOUNT|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "hidepid=invisible"); err != nil {
		return fmt.Errorf("closing the cell's /proc: %w", err)
	}
	return nil
}

// environment is what the command runs with: the cell's own, the assignment's,
// then its secrets. The values are copied, since exec wants them so.
func (i *initial) environment() []string {
	const bundle = "/etc/ssl/certs/ca-certificates.crt"
	env := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "HOME=/home/job", "USER=job", "LOGNAME=job", "SHELL=/bin/sh",
		"LANG=C.UTF-8", "TERM=dumb", "TMPDIR=/tmp", "PWD=/job", "HOTCELL=1", "HOTCELL_JOB=" + i.spec.Job,
		"SSL_CERT_FILE=" + bundle, "NODE_EXTRA_CA_CERTS=" + bundle, "REQUESTS_CA_BUNDLE=" + bundle,
		"CURL_CA_BUNDLE=" + bundle, "GIT_SSL_CAINFO=" + bundle, "PIP_CERT=" + bundle, "PGSSLROOTCERT=" + bundle,
		"HTTPS_PROXY=http://127.0.0.1:3128", "https_proxy=http://127.0.0.1:3128", "NO_PROXY=localhost,127.0.0.1,::1", "no_proxy=localhost,127.0.0.1,::1",
	}
	for name, value := range i.spec.Env {
		env = append(env, name+"="+value)
	}
	for _, s := range i.secrets {
		_ = s.value.Use(func(b []byte) error {
			env = append(env, s.name+"="+string(b))
			return nil
		})
	}
	return env
}

// shell is the command line of the command. What follows `--` at run are its
// arguments: a command that does not place them gets them at its end.
func (i *initial) shell() []string {
	command := i.spec.Command
	if len(i.spec.Arguments) > 0 && !placesArguments(command) {
		command += ` "$@"`
	}
	return append([]string{"/bin/sh", "-c", command, "job"}, i.spec.Arguments...)
}

func placesArguments(command string) bool {
	for _, mention := range []string{"$@", "$*", "$#", "${@", "${*", "${#", "$1", "$2", "${1", "${2"} {
		if strings.Contains(command, mention) {
			return true
		}
	}
	return false
}
