// Command hotcell is the product: the server's parts, the cell's, and the
// commands of the people who use it. It wires, and nothing else. Servers and
// cells are Linux; elsewhere it is the commands alone.
package main

// version is set when a release is built.
var version = "development"
