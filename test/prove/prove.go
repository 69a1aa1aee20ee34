// Package prove says how many cases a randomised test tries: few on each run of the
// tests, all of them by `make prove`.
//
//	for range prove.Trials(20_000, 10_000_000) { … }
package prove

import "os"

// variable is what `make prove` sets.
const variable = "HOTCELL_PROVE"

// Full says whether the claims are to be shown at their full figures.
func Full() bool { return os.Getenv(variable) == "full" }

// Trials is full when claims are to be shown at their full figures, else bounded.
func Trials(bounded, full int) int {
	if Full() {
		return full
	}
	return bounded
}
