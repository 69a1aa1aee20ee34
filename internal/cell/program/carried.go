//go:build carried

package program

import _ "embed" // for the program

// packed is hotcell-init, by gzip. It is no file of the source: scripts/build.sh lays it
// over this folder while it builds.
//
//go:embed hotcell-init.gz
var packed []byte
