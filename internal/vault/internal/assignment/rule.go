package assignment

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hotcell"
	"hotcell/internal/text/site"
)

// The bounds of an assignment.
const (
	maxCommand     = 64 << 10
	maxAllow       = 200
	maxEnvironment = 200
	maxTimeout     = 7 * 24 * time.Hour
	minMemory      = 16 << 20
	minDisk        = 1 << 20
	maxPids        = 32_768
	minCPU         = 0.05
	maxCPU         = 1024
	minCache       = 1 << 20
	maxCache       = 16 << 30
)

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	agentName    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	imageName    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	digest       = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// check holds a whole assignment against the rules.
func check(a hotcell.Assignment) error {
	for _, rule := range []func(hotcell.Assignment) error{checkName, checkCommand, checkFiles, checkImage, checkAllow, checkLimits, checkEnvironment, checkDrill} {
		if err := rule(a); err != nil {
			return err
		}
	}
	return nil
}

func checkName(a hotcell.Assignment) error {
	n := utf8.RuneCountInString(a.Name)
	if n < 1 || n > hotcell.MaxName || strings.TrimSpace(a.Name) != a.Name || !utf8.ValidString(a.Name) || strings.ContainsFunc(a.Name, breaks) {
		return hotcell.Invalid("/name", "a name has 1 to %d characters in one line, without white space around it", hotcell.MaxName)
	}
	return nil
}

// breaks says whether a rune ends a line or steers a terminal: the name is
// printed in lists.
func breaks(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }

func checkCommand(a hotcell.Assignment) error {
	c, text := a.Work.Command, a.Work.Instructions
	switch {
	case len(text) > hotcell.MaxInstructions:
		return hotcell.Invalid("/work/instructions", "instructions have at most %d KiB; put more into a file", hotcell.MaxInstructions>>10)
	case strings.ContainsRune(text, 0) || !utf8.ValidString(text):
		return hotcell.Invalid("/work/instructions", "instructions are text in UTF-8, without a NUL byte")
	case c != "" && strings.TrimSpace(c) == "":
		return hotcell.Invalid("/work/command", "a command is more than white space")
	case c != "" && a.Work.Agent != "":
		return hotcell.Invalid("/work/agent", "an assignment has a command, or an agent")
	case a.Work.Agent != "" && !agentName.MatchString(a.Work.Agent):
		return hotcell.Invalid("/work/agent", "an agent's name has small letters, digits and hyphens")
	case a.Work.Agent != "" && strings.TrimSpace(text) == "":
		return hotcell.Invalid("/work/instructions", "an agent has instructions")
	case len(c) > maxCommand:
		return hotcell.Invalid("/work/command", "a command has at most %d bytes; put more into a file", maxCommand)
	case strings.ContainsRune(c, 0):
		return hotcell.Invalid("/work/command", "a command has no NUL byte")
	}
	return nil
}

func checkFiles(a hotcell.Assignment) error {
	f := a.Work.Files
	if f == nil {
		return nil
	}
	if !digest.MatchString(f.Digest) {
		return hotcell.Invalid("/work/files/digest", "files are named by their archive's SHA-256, 64 hex digits")
	}
	return nil
}

func checkImage(a hotcell.Assignment) error {
	switch {
	case a.Work.Image != "" && !imageName.MatchString(a.Work.Image):
		return hotcell.Invalid("/work/image", "an image is named as hotcell images list does: small letters, digits, dots, hyphens and underscores")
	case a.Work.ImageDigest != "":
		return hotcell.Invalid("/work/image_digest", "a job gets the digest when it is made; an assignment names the image")
	}
	return nil
}

func checkAllow(a hotcell.Assignment) error {
	if len(a.Work.Allow) > maxAllow {
		return hotcell.Invalid("/work/allow", "at most %d hosts may be allowed", maxAllow)
	}
	for i, entry := range a.Work.Allow {
		again, err := site.ParseAllow(site.FormatAllow(entry))
		if err != nil || again != entry {
			return hotcell.Invalid(fmt.Sprintf("/work/allow/%d", i), "not a host, port and protocol in their normal form: write HOST[:PORT][/PROTOCOL]")
		}
		if slices.ContainsFunc(a.Work.Allow[:i], func(o hotcell.Allow) bool { return o.Host == entry.Host && o.Port == entry.Port }) {
			return hotcell.Invalid(fmt.Sprintf("/work/allow/%d", i), "this host and port are in the list already")
		}
	}
	return nil
}

func checkLimits(a hotcell.Assignment) error {
	l := a.Work.Limits
	switch {
	case l.Timeout < 0 || time.Duration(l.Timeout) > maxTimeout:
		return hotcell.Invalid("/work/limits/timeout", "a time limit is at most %s", maxTimeout)
	case l.Timeout > 0 && time.Duration(l.Timeout) < time.Second:
		return hotcell.Invalid("/work/limits/timeout", "a time limit is at least a second")
	case l.Memory != 0 && l.Memory < minMemory:
		return hotcell.Invalid("/work/limits/memory", "a memory limit is at least 16 MiB")
	case l.Disk != 0 && l.Disk < minDisk:
		return hotcell.Invalid("/work/limits/disk", "a disk limit is at least 1 MiB")
	case l.Pids < 0 || l.Pids > maxPids:
		return hotcell.Invalid("/work/limits/pids", "a limit of processes is 1 to %d", maxPids)
	case l.CPU != 0 && !(l.CPU >= minCPU && l.CPU <= maxCPU): // so that NaN is none
		return hotcell.Invalid("/work/limits/cpu", "a limit of processors is %v to %d, such as 1.5", minCPU, maxCPU)
	case l.Cache != 0 && (l.Cache < minCache || l.Cache > maxCache):
		return hotcell.Invalid("/work/limits/cache", "a cache is 1 MiB to 16 GiB, or 0 for none")
	}
	return nil
}

func checkEnvironment(a hotcell.Assignment) error {
	if len(a.Work.Environment) > maxEnvironment {
		return hotcell.Invalid("/work/environment", "at most %d variables", maxEnvironment)
	}
	size := 0
	for _, name := range slices.Sorted(maps.Keys(a.Work.Environment)) {
		if !variableName.MatchString(name) {
			return hotcell.Invalid("/work/environment", "a variable's name is 1 to 128 letters, digits and underscores, and does not begin with a digit")
		}
		if rule, reserved := hotcell.ReservedVariable(name); reserved {
			return hotcell.Invalid("/work/environment", "the name %s is reserved: %s", name, rule)
		}
		if v := a.Work.Environment[name]; len(v) > hotcell.MaxValue || strings.ContainsRune(v, 0) {
			return hotcell.Invalid("/work/environment", "a value has at most %d bytes and no NUL byte", hotcell.MaxValue)
		}
		size += len(name) + len(a.Work.Environment[name])
	}
	if size > hotcell.MaxBundle {
		return hotcell.Invalid("/work/environment", "an environment holds at most %d KiB: with the secrets, more is too large for a program to start with", hotcell.MaxBundle>>10)
	}
	return nil
}
