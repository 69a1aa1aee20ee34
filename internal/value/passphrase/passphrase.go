// Package passphrase makes a key of what a person remembers: argon2id (RFC 9106).
//
// It guards that a guess costs time and memory, and that nothing keeps the words. It
// does not make a weak passphrase strong: whoever has what was sealed under it can
// guess for as long as they like. One way to use it:
//
//	key := passphrase.Key(words, salt)
package passphrase

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"hotcell/internal/value/sensitive"
)

// The costs are the second recommendation of RFC 9106, section 4: for machines that
// have other things to do. They are part of the form of what is sealed: others need
// another name for it.
const (
	passes  = 3
	memory  = 64 << 10 // KiB
	threads = 4
	keySize = 32
)

// SaltSize is how long a salt is, in bytes.
const SaltSize = 16

// Least is how long a new passphrase is at least, in characters.
const Least = 12

// ErrShort is a new passphrase that is too short.
var ErrShort = fmt.Errorf("a passphrase has at least %d characters: whoever has what it opens can guess for as long as they like", Least)

// Check says what is wrong with a new passphrase.
func Check(words sensitive.Bytes) error {
	return words.Use(func(b []byte) error {
		if utf8.RuneCount(b) < Least {
			return ErrShort
		}
		return nil
	})
}

// Line is a passphrase as it is read from a file or a descriptor: without the line end
// behind it. It wipes the text.
func Line(text []byte) sensitive.Bytes {
	defer sensitive.Wipe(text)
	return sensitive.Copy(bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")))
}

// Key is the key of 32 bytes that a passphrase and a salt make. The caller clears it.
func Key(words sensitive.Bytes, salt []byte) (key sensitive.Bytes) {
	_ = words.Use(func(b []byte) error {
		key = sensitive.New(argon2.IDKey(b, salt, passes, memory, threads, keySize))
		return nil
	})
	return key
}
