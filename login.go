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
	// Unguarded says why the guard cannot look for the password; empty when it can.
	Unguarded string `json:"unguarded,omitempty"`
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
