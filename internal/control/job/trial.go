package job

import (
	_ "embed"
	"net"
	"slices"
	"strconv"
	"strings"

	"hotcell"
)

//go:embed trial.sh
var trialScript string

// maxTrialHosts is how many hosts a trial looks at.
const maxTrialHosts = 5

// try has a job run the house's own look around in the place of its command: the same
// cell, with the same variables, tools and hosts. What it prints are verdicts, and
// nothing of a value.
func try(j *hotcell.Job) {
	w := &j.Work
	program := ProgramOf(w.Command)
	w.Command, w.Instructions = trialScript, ""
	j.Arguments = []string{program}
}

// tryHosts names the hosts whose certificates a trial looks at: those that the job may
// reach by HTTPS, for itself or with what is attached.
func tryHosts(j *hotcell.Job, grant hotcell.Grant) {
	var hosts []string
	for _, u := range grant.Uses {
		if u.HTTP != nil && u.As == hotcell.InjectHTTP {
			hosts = append(hosts, net.JoinHostPort(u.HTTP.Host, strconv.Itoa(u.HTTP.Port)))
		}
	}
	for _, a := range grant.Allow {
		if a.Protocol == hotcell.ProtocolHTTPS {
			hosts = append(hosts, net.JoinHostPort(a.Host, strconv.Itoa(a.Port)))
		}
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	j.Arguments = append(j.Arguments, hosts[:min(len(hosts), maxTrialHosts)]...)
}

// shellWords are words with which a command can begin that name no program, or one that
// every cell has.
var shellWords = []string{"", "if", "for", "while", "case", "{", "(", "!", "set", "cd", "export", "exec", "echo", "printf", "test", "[", "true", "false", ".", ":", "env", "sh", "eval", "unset", "trap", "umask", "read"}

// ProgramOf is the program that a command begins with, where its first word says one;
// empty where it does not.
func ProgramOf(command string) string {
	for word := range strings.FieldsSeq(command) {
		word = strings.TrimRight(word, ";")
		name, _, assigns := strings.Cut(word, "=")
		switch {
		case assigns && !strings.ContainsAny(name, "/\"'$"), word == "exec", word == "env":
			continue
		case slices.Contains(shellWords, word), strings.ContainsAny(word, "\"'`$;&|<>(){}*?[]#~\\"):
			return ""
		}
		return word
	}
	return ""
}
