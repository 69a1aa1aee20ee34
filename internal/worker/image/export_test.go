package image

// Confine is for a process of the tests' own, which tries what it may not.
var Confine = closeOff
