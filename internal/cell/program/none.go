//go:build !carried

package program

// packed is nothing: this binary was built without the program.
var packed []byte
