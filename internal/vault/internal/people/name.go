package people

import (
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// mostName and mostPassword bound, in bytes, what somebody types.
const (
	mostName     = 254
	mostPassword = 1 << 10
	leastLetters = 12
)

// Name brings the name of an account into its one form (RFC 8265, section 3.3): two that
// look alike but for case or width are the same.
func Name(typed string) (string, error) {
	if typed == "" || len(typed) > mostName {
		return "", hotcell.Invalid("/name", "the name of an account has 1 to %d bytes", mostName)
	}
	name, err := precis.UsernameCaseMapped.String(typed)
	if err != nil {
		return "", hotcell.Invalid("/name", "the name of an account is one word of letters, digits and signs, like ada or ada@acme.test")
	}
	return name, nil
}

// prepared brings a password into the form that is held against a verifier (RFC 8265,
// section 4.2, OpaqueString), so that another keyboard's way to the same letters is the
// same password.
func prepared(typed sensitive.Bytes) (out sensitive.Bytes, err error) {
	err = typed.Use(func(b []byte) error {
		if len(b) > mostPassword {
			return hotcell.Invalid("/password", "a password has at most %d bytes", mostPassword)
		}
		text, err := precis.OpaqueString.Bytes(b)
		if err != nil {
			return hotcell.Invalid("/password", "a password is text without control characters")
		}
		out = sensitive.New(text)
		return nil
	})
	return out, err
}

// choose refuses a new password that is too short, or that others have, too.
func choose(password sensitive.Bytes, name string) error {
	return password.Use(func(b []byte) error {
		if utf8.RuneCount(b) < leastLetters {
			return hotcell.Invalid("/password", "a password has at least %d characters", leastLetters)
		}
		if common(b, name) {
			return hotcell.Invalid("/password", "this password is among the first that anybody guesses: take four words that have nothing to do with each other")
		}
		return nil
	})
}
