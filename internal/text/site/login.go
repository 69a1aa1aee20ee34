package site

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hotcell"
)

// ranged is what follows an address in a range of them.
var ranged = regexp.MustCompile(`^/[0-9]{1,3}$`)

// Login reads where a login is for, as people type it or other programs export
// it: a URL or a host, to one host and one port exactly. What whole families of
// sites share is none: a public suffix, a wildcard, a range of addresses. A site
// speaks HTTPS; plain is true for one on the machine's own loopback that does not.
func Login(text string) (l hotcell.Login, err error) {
	bad := func(format string, args ...any) (hotcell.Login, error) {
		return hotcell.Login{}, hotcell.Invalid("/site", format, args...)
	}
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 2048 {
		return bad("a login is for a site: its URL or its host")
	}
	if schemed(text) {
		return bad("this begins like a URL and is none: write https://, the host and the path")
	}
	full := text
	if !strings.Contains(text, "://") {
		full = "https://" + text
	}
	u, err := url.Parse(full)
	switch {
	case strings.Contains(text, "*"):
		return bad("a login is for one host exactly: wildcards are not taken")
	case err != nil || u.Opaque != "" || u.Host == "":
		return bad("this is neither a URL nor a host")
	case u.User != nil:
		return bad("a site is written without a user name and a password")
	case u.Scheme != "https" && u.Scheme != "http":
		return bad("a login is for a website: its URL begins with https://")
	}
	if l.Host, err = Host(hostOf(u)); err != nil {
		return bad("this is neither a URL nor a host")
	}
	ip, failed := netip.ParseAddr(l.Host)
	if failed == nil && full != text && ranged.MatchString(u.Path) {
		return bad("a login is for one host exactly: a range of addresses is not taken")
	}
	loopback := l.Host == "localhost" || failed == nil && ip.IsLoopback()
	if u.Scheme == "http" && !loopback {
		return bad("a password goes over TLS only: the site must be reached by https://")
	}
	l.Plain, l.Port = u.Scheme == "http", 443
	if l.Plain {
		l.Port = 80
	}
	if port := u.Port(); port != "" {
		if l.Port, err = parsePort(port); err != nil {
			return bad("a port is a number from 1 to 65535")
		}
	}
	if failed != nil && shared(l.Host) {
		return bad("%s is what many sites of different owners end in: a login is for one host exactly", l.Host)
	}
	l.Start = startOf(u)
	return l, nil
}

// schemes are the first words of URLs that people paste, which are hosts of nobody.
var schemes = []string{
	"about", "android", "app", "blob", "brave", "chrome", "chrome-extension", "data", "edge", "file", "filesystem", "ftp", "ftps", "http", "https", "imap",
	"intent", "ios", "javascript", "ldap", "ldaps", "mailto", "moz-extension", "otpauth", "resource", "sftp", "sms", "ssh", "tel", "urn", "vbscript",
	"view-source", "ws", "wss",
}

// schemed says whether a text without "://" begins with a scheme: "http:/acme.com",
// "mailto:", "blob:x". A host's colon is followed by its port.
func schemed(text string) bool {
	before, after, colon := strings.Cut(text, ":")
	if !colon || strings.ContainsAny(before, "/?#[") || strings.HasPrefix(after, "//") {
		return false
	}
	if slices.Contains(schemes, strings.ToLower(before)) {
		return true
	}
	if end := strings.IndexAny(after, "/?#"); end >= 0 {
		after = after[:end]
	}
	_, err := strconv.ParseUint(after, 10, 16)
	return err != nil
}

// hostOf is a URL's host without its port; an IPv6 address keeps its brackets.
func hostOf(u *url.URL) string {
	name := u.Hostname()
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}

// FormatLogin writes a login's site: its host, with the port where it is not the
// usual one.
func FormatLogin(l hotcell.Login) string {
	usual := 443
	if l.Plain {
		usual = 80
	}
	if l.Port == usual {
		if strings.Contains(l.Host, ":") {
			return "[" + l.Host + "]"
		}
		return l.Host
	}
	return net.JoinHostPort(l.Host, strconv.Itoa(l.Port))
}

// NameLogin is what a login is called that nobody named: its site and user name.
func NameLogin(l hotcell.Login) string {
	name := FormatLogin(l)
	if l.Username != "" {
		name += " " + l.Username
	}
	if runes := []rune(name); len(runes) > hotcell.MaxName {
		name = string(runes[:hotcell.MaxName])
	}
	return name
}
