package hotcell

import "strings"

// reservedPrefixes and reservedVariables are the names that a secret or an
// assignment may not set, each with the rule that says why.
var reservedPrefixes = []struct{ prefix, rule string }{
	{"LD_", "the loader reads LD_* before the program runs"},
	{"DYLD_", "the loader reads DYLD_* before the program runs"},
	{"GLIBC_", "the C library reads GLIBC_* before the program runs"},
	{"BASH_FUNC_", "a shell runs BASH_FUNC_* as code"},
	{"HOTCELL_", "HOTCELL_* is the cell's own"},
}

var reservedVariables = map[string]string{
	"PATH": "the cell sets it", "HOME": "the cell sets it", "USER": "the cell sets it", "LOGNAME": "the cell sets it",
	"SHELL": "the cell sets it", "PWD": "the cell sets it", "TMPDIR": "the cell sets it", "HOTCELL": "the cell sets it",
	"SSL_CERT_FILE": "the cell sets its certificates", "SSL_CERT_DIR": "the cell sets its certificates",
	"NODE_EXTRA_CA_CERTS": "the cell sets its certificates", "REQUESTS_CA_BUNDLE": "the cell sets its certificates",
	"CURL_CA_BUNDLE": "the cell sets its certificates", "GIT_SSL_CAINFO": "the cell sets its certificates",
	"PIP_CERT": "the cell sets its certificates", "PGSSLROOTCERT": "the cell sets its certificates",
	"AWS_CA_BUNDLE": "the cell sets its certificates", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": "the cell sets its certificates",
	"DENO_CERT": "the cell sets its certificates", "CARGO_HTTP_CAINFO": "the cell sets its certificates",
	"HTTP_PROXY": "the cell sets its proxy", "HTTPS_PROXY": "the cell sets its proxy",
	"ALL_PROXY": "the cell sets its proxy", "NO_PROXY": "the cell sets its proxy",
	"IFS": "a shell reads it before the command", "ENV": "a shell runs the file that it names",
	"BASH_ENV": "a shell runs the file that it names", "BASHOPTS": "a shell reads it before the command",
	"SHELLOPTS": "a shell reads it before the command", "PS4": "a shell runs code in it",
	"PROMPT_COMMAND": "a shell runs it", "NODE_OPTIONS": "Node loads what it names",
	"PYTHONSTARTUP": "Python runs the file that it names", "PYTHONHOME": "Python loads its library from there",
	"PERL5OPT": "Perl loads what it names", "PERL5LIB": "Perl loads its library from there",
	"RUBYOPT": "Ruby loads what it names", "RUBYLIB": "Ruby loads its library from there",
	"JAVA_TOOL_OPTIONS": "Java loads what it names", "_JAVA_OPTIONS": "Java loads what it names",
	"JDK_JAVA_OPTIONS": "Java loads what it names",
	"GCONV_PATH":       "the C library loads code from there", "LOCPATH": "the C library reads from there",
	"HOSTALIASES": "the C library renames hosts by it", "RES_OPTIONS": "the C library resolves names by it",
	"GIT_SSH": "git runs it", "GIT_SSH_COMMAND": "git runs it", "GIT_EXTERNAL_DIFF": "git runs it",
}

// ReservedVariable says whether an environment variable's name is one that
// nobody may set on a job, and the rule. Proxies are reserved in either case.
func ReservedVariable(name string) (rule string, reserved bool) {
	for _, p := range reservedPrefixes {
		if strings.HasPrefix(name, p.prefix) {
			return p.rule, true
		}
	}
	if rule, reserved = reservedVariables[name]; reserved {
		return rule, true
	}
	if upper := strings.ToUpper(name); strings.HasSuffix(upper, "_PROXY") && reservedVariables[upper] != "" {
		return reservedVariables[upper], true
	}
	return "", false
}
