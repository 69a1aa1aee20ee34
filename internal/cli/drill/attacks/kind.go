package attacks

import "strings"

// KindOf is the kind of a case, by its name.
func KindOf(name string) string {
	kind, _, _ := strings.Cut(name, "-")
	return kind
}

// Kinds are the kinds of cases, and what each is about.
func Kinds() map[string]string {
	return map[string]string{
		"address":   "addresses that are not allowed, dialled in other ways",
		"beside":    "an account of the attacker's, at the host where a credential is attached",
		"cell":      "ways out of the cell, to its init, its host and its neighbours",
		"client":    "the clients that people use",
		"count":     "what one job may have of what all share",
		"endpoint":  "services that send requests and credentials on to others",
		"fallback":  "protocols that fall back to less",
		"form":      "a value in other spellings",
		"header":    "a value in headers, in other spellings",
		"host":      "requests whose host is said in two ways",
		"limit":     "what no guard can stop, as SECURITY.md says",
		"log":       "values in logs and outputs",
		"model":     "values on their way to a model",
		"name":      "names that are nearly those that are allowed",
		"narrow":    "ways around methods and paths that are allowed",
		"packed":    "values in what is packed",
		"pieces":    "values that are sent in pieces",
		"place":     "a value in each place of a request",
		"query":     "a value in queries, in other spellings",
		"share":     "requests that others' requests come to stand before",
		"smuggle":   "requests that two readers read in two ways",
		"standin":   "stand-ins where they do not belong",
		"swap":      "a stand-in in each place where no value may be put",
		"websocket": "values in WebSockets",
		"window":    "answers that give back a part of a value, disguised, or in places of the attacker's choice",
	}
}
