package cli

import (
	"errors"
	"strings"

	"hotcell"
)

// filesFlag is a flag that is given once for each variable that becomes a file.
type filesFlag struct{ to *[]hotcell.SecretFile }

// String implements pflag.Value.
func (f filesFlag) String() string {
	var out []string
	for _, file := range *f.to {
		out = append(out, file.Variable+"="+file.Path)
	}
	return strings.Join(out, " ")
}

// Set implements pflag.Value. Nothing after the = is none: of an attachment that is
// changed, all its variables go into the environment again.
func (f filesFlag) Set(text string) error {
	if text == "" {
		*f.to = nil
		return nil
	}
	variable, file, ok := strings.Cut(text, "=")
	if !ok || variable == "" || file == "" {
		return errors.New("it is VARIABLE=PATH, such as NETRC=/home/job/.netrc")
	}
	*f.to = append(*f.to, hotcell.SecretFile{Variable: variable, Path: file})
	return nil
}

// Type implements pflag.Value.
func (f filesFlag) Type() string { return "VARIABLE=PATH" }
