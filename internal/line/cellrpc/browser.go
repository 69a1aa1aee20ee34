package cellrpc

import "encoding/json"

// The paths of the gateway that a browser's cell alone can say: the line of a
// job's cell leads to none of them.
const (
	PathBrowser  = "/browser"        // GET: BrowserSpec
	PathLogins   = "/logins"         // POST LoginsRequest: LoginsAnswer
	PathArm      = "/logins/arm"     // POST ArmRequest: ArmAnswer
	PathAwaitArm = "/logins/await"   // POST AwaitArmRequest: ArmState; returns when it is used or gone
	PathFilled   = "/logins/filled"  // POST Origin: 204; what was filled in is gone from the pages
	PathFill     = "/logins/fill"    // POST FillRequest: LeaseAnswer, an HPKE message that opens to LoginValues
	PathAskLogin = "/logins/ask"     // POST AskLogin: Asked; waits for a person
	PathAskWay   = "/logins/way"     // POST AskWay: Asked; waits for a person
	PathSession  = "/logins/session" // POST Session: 204; what the guard is to look for from now on
	PathFile     = "/file"           // GET ?path=: a file of the job's; PUT ?name=: one for its /job/out, answers File
)

// The paths that a browser's cell serves to its gateway, on a line of their own.
const (
	PathCall = "/call" // POST Call: CallAnswer
	PathView = "/view" // GET: a stream of View, a line of JSON each
	PathHand = "/hand" // POST Hand: 204; what a person does in the browser
	// PathLearn finds out how a login signs in: POST LearnRequest: Learned.
	PathLearn = "/learn"
)

// BrowserSpec is what a browser's cell is to do.
type BrowserSpec struct {
	Spec
	// Pin is the SHA-256, in base64, of the public key of the authority that the
	// browser takes beside those of the bundle.
	Pin string `json:"pin"`
	// Evaluate lets the agent run scripts in pages.
	Evaluate bool `json:"evaluate,omitempty"`
	// External is true where there is no job's cell: files come from nowhere.
	External bool `json:"external,omitempty"`
}

// Origin is a site exactly: https, or http where Plain is true.
type Origin struct {
	Host  string `json:"host"`
	Port  int    `json:"port"`
	Plain bool   `json:"plain,omitempty"`
}

// LoginsRequest asks for the job's logins of exactly this site.
type LoginsRequest struct {
	Origin Origin `json:"origin"`
}

// LoginsAnswer lists them, without any value.
type LoginsAnswer struct {
	Logins []Login `json:"logins,omitempty"`
	// Others says in a sentence where a login could come from; empty where there
	// are some.
	Others string `json:"others,omitempty"`
}

// Login is one that the job may sign in with.
type Login struct {
	Use      string `json:"use"`
	Name     string `json:"name"`
	Username string `json:"username,omitempty"`
	Password bool   `json:"password,omitempty"`
	OTP      bool   `json:"otp,omitempty"`
	// Digits is how many a one-time code has; 0 where that is not known.
	Digits int `json:"digits,omitempty"`
	// Fill is true where the browser itself may have the values.
	Fill bool `json:"fill,omitempty"`
	// Start is the address of its page to sign in on, within the site; empty for the
	// first page. Known is true where people have said yes to some way in.
	Start string `json:"start,omitempty"`
	Known bool   `json:"known,omitempty"`
}

// ArmRequest has the vault put values of a login in the place of stand-ins, in
// the first request of this browser to exactly this site that is a step of the
// login's way in and holds one: once each, and within seconds. Other requests to the
// site that hold one are kept back.
type ArmRequest struct {
	Use    string `json:"use"`
	Origin Origin `json:"origin"`
	// Password and Code are the stand-ins, letters, digits and "-._" only; empty
	// for none. A code's is of digits. They are worth nothing.
	Password string `json:"password,omitempty"`
	Code     string `json:"code,omitempty"`
	// Learn keeps every request back, and has the first be known by AskWay.
	Learn bool `json:"learn,omitempty"`
}

// ArmAnswer names what was armed.
type ArmAnswer struct {
	ID string `json:"id"`
}

// AwaitArmRequest asks what became of it. Cancel ends it; without an ID, whatever is
// armed for the job: the answer that named it may not have come.
type AwaitArmRequest struct {
	ID     string `json:"id"`
	Cancel bool   `json:"cancel,omitempty"`
}

// ArmState is what became of what was armed.
type ArmState struct {
	// Password and Code are true once they were sent; Gone once nothing more
	// will be.
	Password bool `json:"password,omitempty"`
	Code     bool `json:"code,omitempty"`
	Gone     bool `json:"gone,omitempty"`
	// Status is that of the site's answer; 0 before there is one.
	Status int `json:"status,omitempty"`
	// Other is true where a request was kept back that people may be asked about, and
	// none was sent; Unread where one was that nobody can be, since no field of it is
	// the stand-in as it is.
	Other  bool `json:"other,omitempty"`
	Unread bool `json:"unread,omitempty"`
}

// AskWay asks people whether a login may be sent as the request would have that was
// kept back last; in fill mode, into Form.
type AskWay struct {
	Use    string       `json:"use"`
	Origin Origin       `json:"origin"`
	Form   *FillRequest `json:"form,omitempty"`
	// Page is the path of the page that has the form; Start is true where it was come
	// to from the login's own address, in a browser where the agent never was.
	Page  string `json:"page,omitempty"`
	Start bool   `json:"start,omitempty"`
	// Brief asks without waiting for an answer.
	Brief bool `json:"brief,omitempty"`
}

// FillRequest asks for the values themselves, sealed to a key that only the
// browser's init has. The vault gives them where the attachment says so.
type FillRequest struct {
	Use       string `json:"use"`
	Origin    Origin `json:"origin"`
	PublicKey []byte `json:"public_key"`
	// Form is the path of the page that has the form, Action the one that it sends
	// to by Method, and the rest names its fields; empty where the form does not say.
	// The vault holds them against the login's way in.
	Form          string   `json:"form,omitempty"`
	Action        string   `json:"action,omitempty"`
	Method        string   `json:"method,omitempty"`
	PasswordField string   `json:"password_field,omitempty"`
	CodeFields    []string `json:"code_fields,omitempty"`
	// Password and Code say which; a code is made then.
	Password bool `json:"password,omitempty"`
	Code     bool `json:"code,omitempty"`
}

// LoginValues is what a FillRequest's answer opens to, once.
type LoginValues struct {
	Password []byte `json:"password,omitempty"`
	Code     []byte `json:"code,omitempty"`
}

// AskLogin asks a person for a login for a site.
type AskLogin struct {
	Origin Origin `json:"origin"`
	Why    string `json:"why,omitempty"`
}

// LearnRequest asks how a login would be sent.
type LearnRequest struct {
	Login  Login  `json:"login"`
	Origin Origin `json:"origin"`
}

// Learned is the page that has the form, and in fill mode the form.
type Learned struct {
	Page string       `json:"page"`
	Form *FillRequest `json:"form,omitempty"`
}

// Session tells of what a site gave the browser to be known by: cookies, and
// what its pages keep. They are credentials that arose in the cell.
type Session struct {
	Origin Origin `json:"origin"`
	// Prints are fingerprints, as package guard packs them; no value.
	Prints []byte `json:"prints"`
}

// File is one that was put into the job's /job/out.
type File struct {
	Path string `json:"path"`
}

// Call is an agent's call of one of the browser's tools.
type Call struct {
	Tool      string          `json:"tool"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
}

// CallAnswer is what came of it: text, and a picture perhaps.
type CallAnswer struct {
	Text  string `json:"text"`
	Error bool   `json:"error,omitempty"`
	// Picture is a PNG or JPEG, painted over where a value or a secret field is.
	Picture []byte `json:"picture,omitempty"`
	Type    string `json:"type,omitempty"`
	// Data is the same as Text for a program; may be empty.
	Data json.RawMessage `json:"data,omitempty"`
}

// View is one frame of the live view.
type View struct {
	// Picture is a JPEG, painted over as those for the agent are.
	Picture []byte `json:"picture,omitempty"`
	URL     string `json:"url,omitempty"`
	Title   string `json:"title,omitempty"`
	// Tab and Origin say which page it is: a gesture says for which it is meant.
	Tab    string `json:"tab,omitempty"`
	Origin string `json:"origin,omitempty"`
	// Keys is the origin that keys go to, while a person has the browser; empty where
	// they would be refused.
	Keys string `json:"keys,omitempty"`
	// Tabs are all that are open.
	Tabs []Tab `json:"tabs,omitempty"`
	// Dialog is what a dialog says that is open; the page stands still until it is
	// accepted or dismissed.
	Dialog string `json:"dialog,omitempty"`
	// Held is true while a person has the browser, Closed while a sign-in is
	// under way and nothing is shown.
	Held   bool `json:"held,omitempty"`
	Closed bool `json:"closed,omitempty"`
}

// HandLearn is the kind of a hand by which a person has the browser find out how a
// login signs in: the text is its credential, and the answer a step.
const HandLearn = "learn"

// Tab is one page that is open.
type Tab struct {
	ID    string `json:"id"`
	URL   string `json:"url,omitempty"`
	Title string `json:"title,omitempty"`
}

// Hand is what a person does in the browser. What is typed is written
// down nowhere, and withheld from the agent.
type Hand struct {
	// Kind is take, give, click, drag, type, press, scroll, navigate, tab, accept or
	// dismiss.
	Kind string  `json:"kind"`
	X    float64 `json:"x,omitempty"`
	Y    float64 `json:"y,omitempty"`
	// ToX and ToY are where a drag ends; DX and DY how far is scrolled, 400 down
	// where both are 0.
	ToX float64 `json:"to_x,omitempty"`
	ToY float64 `json:"to_y,omitempty"`
	DX  float64 `json:"dx,omitempty"`
	DY  float64 `json:"dy,omitempty"`
	// Text is what is typed, the key that is pressed, or the URL.
	Text string `json:"text,omitempty"`
	// Tab and Origin are those of the frame that the person saw: what was meant for
	// another page is refused. Where Tab is empty they are those of the last frame that
	// was sent. For the kind "tab", Tab is the one to go to.
	Tab    string `json:"tab,omitempty"`
	Origin string `json:"origin,omitempty"`
	// Keys is the origin that what is typed is meant for; where it is empty, the page's
	// own or that of the last frame that was sent.
	Keys string `json:"keys,omitempty"`
	// Shown lets the agent have what is typed, where it goes into an ordinary field of
	// the page itself that can be seen.
	Shown bool `json:"shown,omitempty"`
}

// PathErrand is how the init of a job's cell is asked for files, since nobody can
// call it: GET waits for the next errand, whose head is in [HeaderErrand] and whose
// content is the body; POST says what came of it, in the same way.
const (
	PathErrand   = "/errand"
	HeaderErrand = "Hotcell-Errand"
)

// The kinds of errands.
const (
	ErrandFetch = "fetch" // hand over the file at Path
	ErrandKeep  = "keep"  // keep the content as Path in /job/out
)

// Errand is something that the init is to do for the job's browser.
type Errand struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Path string `json:"path"`
}

// ErrandDone is what came of it.
type ErrandDone struct {
	ID string `json:"id"`
	// Path is where a file was kept.
	Path string `json:"path,omitempty"`
	// Error says in a sentence why not.
	Error string `json:"error,omitempty"`
}
