package hotcell

import "time"

// Image is a container image that jobs may have as their cell's root, as the server
// keeps it.
type Image struct {
	// Name is what an assignment calls it, Reference how it was named when it was added,
	// and Digest what it is, whatever the reference leads to later.
	Name      string    `json:"name"`
	Reference string    `json:"reference"`
	Digest    string    `json:"digest"`
	AddedAt   time.Time `json:"added_at"`
	// Bytes are those of its files, and Files is how many entries it has.
	Bytes int64 `json:"bytes"`
	Files int   `json:"files"`
	// Shell is true where it has /bin/sh, which commands are given to.
	Shell bool `json:"shell"`
}
