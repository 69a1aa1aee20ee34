package assignment

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"hotcell"
	"hotcell/internal/text/site"
	"hotcell/internal/wire/egress"
	"hotcell/internal/wire/place"
)

// The bounds of a narrowing.
const (
	maxMethods = 20
	maxPaths   = 50
	maxPath    = 1024
	maxPlaces  = 50
)

// method is a token (RFC 9110, section 5.6.2) without lower-case letters.
var method = regexp.MustCompile("^[A-Z0-9!#$%&'*+.^_`|~-]{1,32}$")

// narrow checks what holds for an attachment of any tier, and returns its hosts
// in their normal form.
func narrow(as hotcell.Injection, n hotcell.Narrowing) (hotcell.Narrowing, error) {
	switch as {
	case "", hotcell.InjectEnvironment, hotcell.InjectStandIn, hotcell.InjectHTTP, hotcell.InjectTools, hotcell.InjectLogin:
	default:
		return n, hotcell.Invalid("/as", "a credential is attached as %q, %q, %q, %q or %q", hotcell.InjectEnvironment, hotcell.InjectStandIn, hotcell.InjectHTTP, hotcell.InjectTools, hotcell.InjectLogin)
	}
	hosts, err := site.ParseBounds(n.Hosts)
	if err != nil {
		return n, err
	}
	n.Hosts = hosts
	if err := checkList("/methods", n.Methods, maxMethods, checkMethod); err != nil {
		return n, err
	}
	if err := checkList("/paths", n.Paths, maxPaths, checkPath); err != nil {
		return n, err
	}
	if n.Places, err = parsePlaces("/places", n.Places); err != nil {
		return n, err
	}
	if n.Brings, err = parsePlaces("/brings", n.Brings); err != nil {
		return n, err
	}
	if n.Bodies {
		return n, hotcell.Invalid("/bodies", "stand-ins are swapped in fields that are named, and not anywhere in bodies: name them in places, such as body:token")
	}
	if err := checkSecretFiles(n.Files); err != nil {
		return n, err
	}
	return n, checkTools(n)
}

// parsePlaces returns places in their normal form.
func parsePlaces(pointer string, list []string) (out []string, err error) {
	for i, text := range list {
		p, err := place.Parse(text)
		if err != nil {
			return nil, hotcell.Invalid(fmt.Sprintf("%s/%d", pointer, i), "%s", reasonOf(err))
		}
		out = append(out, p.String())
	}
	return out, checkList(pointer, out, maxPlaces, func(string) string { return "" })
}

func reasonOf(err error) string {
	if field, ok := errors.AsType[*hotcell.FieldError](err); ok {
		return field.Reason
	}
	return err.Error()
}

// checkList holds each entry of a list against a rule, and the list against most.
func checkList(pointer string, list []string, most int, rule func(string) string) error {
	if len(list) > most {
		return hotcell.Invalid(pointer, "at most %d", most)
	}
	for i, entry := range list {
		reason := rule(entry)
		if reason == "" && slices.Contains(list[:i], entry) {
			reason = "this is in the list already"
		}
		if reason != "" {
			return hotcell.Invalid(fmt.Sprintf("%s/%d", pointer, i), "%s", reason)
		}
	}
	return nil
}

func checkMethod(m string) string {
	switch {
	case !method.MatchString(m):
		return "a method is written in capitals, such as GET"
	case m == "TRACE" || m == "CONNECT":
		return "the methods TRACE and CONNECT are never let through"
	}
	return ""
}

// checkPath takes a pattern that can match something, and means one thing.
func checkPath(p string) string {
	if !strings.HasPrefix(p, "/") || len(p) > maxPath {
		return fmt.Sprintf("a path begins with / and has at most %d bytes", maxPath)
	}
	if strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("%?#;\\\ufffd", r) }) {
		return "a path is written decoded, without a query, white space, control characters, %, ; or \\"
	}
	segments := strings.Split(p[1:], "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch {
		case segment == "**" && last, segment == "*", segment == egress.Open:
		case strings.Contains(segment, "*"):
			return "* stands for one whole segment, *+ for one that may hold encoded slashes, and ** at the end for any rest"
		case segment == "." || segment == "..", segment == "" && !last:
			return "a path has no dot segments and no //"
		}
	}
	return ""
}
