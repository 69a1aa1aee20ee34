package standin

import (
	"bytes"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// URL is a connection URL that has a password, as clients of databases read it: with
// several hosts or one, and also where the password holds characters that RFC 3986
// section 3.2.1 wants escaped.
type URL struct {
	Scheme, User string
	// From and To are where the password stands, as it is written; Password is as it is
	// meant. Whoever asked for it clears it.
	From, To int
	Password []byte
	// Hosts are as they are written, with their ports.
	Hosts []string
}

var (
	opened = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://([^/@:\s]*):`)
	// hosted is what follows the @ before the host: hosts, then a path, in which an @
	// begins a segment at most, and then parameters.
	hosted = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?(,([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?)*(/@?[^/@?#\s]*)*([?#][^\s]*)?$`)
)

// ParseURL reads a connection URL; false for what is none, or has no password. Where it
// could end at several @, the password ends at the last that hosts follow, so that
// nothing of it is taken for the rest; an @ behind the path is to be escaped.
func ParseURL(value []byte) (u URL, ok bool) {
	at := opened.FindSubmatchIndex(value)
	if at == nil {
		return u, false
	}
	u.Scheme, u.User, u.From = string(value[at[2]:at[3]]), unescaped(value[at[4]:at[5]]), at[1]
	for sign := len(value) - 1; sign >= u.From; sign-- {
		scope := value[sign-1] == '/' && strings.HasPrefix(u.Scheme, "http") // of a package: npm's
		if value[sign] != '@' || scope && sign > u.From {
			continue
		}
		u.To = max(u.To, sign)
		if hosted.Match(value[sign+1:]) {
			u.To = sign
			break
		}
	}
	if u.To <= u.From || bytes.ContainsAny(value[u.From:u.To], " \t\r\n") {
		return u, false
	}
	u.Password = []byte(unescaped(value[u.From:u.To]))
	rest := string(value[u.To+1:])
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	u.Hosts = strings.Split(rest, ",")
	return u, true
}

// unescaped is a text as it is meant; one with a percent sign of its own is as it stands.
func unescaped(text []byte) string {
	if out, err := url.PathUnescape(string(text)); err == nil {
		return out
	}
	return string(text)
}

// Names says whether the URL is for a host and port; where it has none, it is for the
// usual port.
func (u URL) Names(host string, port, usual int, normal func(string) (string, error)) bool {
	for _, one := range u.Hosts {
		name, p := one, usual
		if colon := strings.LastIndexByte(one, ':'); colon >= 0 && !strings.HasSuffix(one, "]") {
			n, err := strconv.Atoi(one[colon+1:])
			if err != nil && one[colon+1:] != "" {
				continue
			}
			if name = one[:colon]; err == nil {
				p = n
			}
		}
		if name, err := normal(strings.Trim(name, "[]")); err == nil && name == host && p == port {
			return true
		}
	}
	return false
}
