package hotcell

// Login is what may be said of a website's login. Its password and the secret of
// its one-time codes are sealed, as [FieldPassword] and [FieldOTP].
type Login struct {
	// Host is exactly the site's, normalised, and Port its port: nothing of the
	// login goes to a sub-domain, a parent or another port.
	Host string `json:"host"`
	Port int    `json:"port"`
	// Plain is true for a site on the machine's own loopback, without TLS.
	Plain bool `json:"plain,omitempty"`
	// Username is no secret: it tells several logins of one site apart.
	Username string `json:"username,omitempty"`
	// Password and OTP say what there is; at least one is.
	Password bool `json:"password,omitempty"`
	OTP      bool `json:"otp,omitempty"`
	// Digits is how many a one-time code has; 0 where that is not known.
	Digits int `json:"digits,omitempty"`
	// Unguarded says why the guard cannot look for the password; empty when it can.
	Unguarded string `json:"unguarded,omitempty"`
	// Start is the address of the page to sign in on, within the site: a path that
	// begins with a slash, with a query or a fragment where the site has its pages so.
	// Empty for the site's first page.
	Start string `json:"start,omitempty"`
	// Way is how it signs in, as people said yes to; nil where nobody has yet.
	Way *WayIn `json:"way,omitempty"`
}

// Fields are the names of the sealed values that there must be.
func (l *Login) Fields() (names []string) {
	if l.OTP {
		names = append(names, FieldOTP)
	}
	if l.Password {
		names = append(names, FieldPassword)
	}
	return names
}

// FillOrEvaluate is why a job does not have both: a script of the agent's that is in
// a page reads what is typed into it.
const FillOrEvaluate = "--fill and --evaluate do not go together, in one login or in two of one assignment: they share a browser, and a script of the agent's would read the password that is typed there"

// Of says whether the login is for exactly this site.
func (l *Login) Of(host string, port int, plain bool) bool {
	return l != nil && l.Host == host && l.Port == port && l.Plain == plain
}

// The names of a login's sealed fields.
const (
	FieldPassword = "password"
	// FieldOTP is the secret of one-time codes, as package otp writes it. It
	// never leaves the vault: codes are made there.
	FieldOTP = "otp"
)

// The bounds of a login's values, in bytes.
const (
	maxUsername = 256
	maxPassword = 1024
)

// CheckUsername refuses what no field for a user name takes.
func CheckUsername(name string) error {
	return checkTyped("/username", "user name", []byte(name), maxUsername)
}

// CheckPassword refuses what no field for a password takes. The error holds
// nothing of it.
func CheckPassword(password []byte) error {
	if len(password) == 0 {
		return Invalid("/password", "a password has at least one character; leave it out instead")
	}
	return checkTyped("/password", "password", password, maxPassword)
}

func checkTyped(pointer, what string, text []byte, most int) error {
	if len(text) > most {
		return Invalid(pointer, "a %s has at most %d bytes", what, most)
	}
	for _, c := range text {
		if c < ' ' || c == 0x7f {
			return Invalid(pointer, "a %s has no control characters: no field takes them", what)
		}
	}
	return nil
}
