package hotcell

// DrillDomain ends the names of hosts that exist for a drill alone. It is below
// a domain that no resolver knows (RFC 2606).
const DrillDomain = ".drill.hotcell.test"

// Drill are hosts on this machine's own loopback, for the jobs of one assignment:
// those that a drill listens as. Only who is on the server's machine may set it.
type Drill struct {
	// CA is the authority that they are under, in PEM.
	CA string `json:"ca"`
	// Hosts are their names, each below [DrillDomain].
	Hosts []string `json:"hosts"`
	// Models are those of them that stand for a model host, under zero data retention.
	Models []string `json:"models,omitempty"`
}
