package hotcell

import (
	"crypto/rand"
	"hash/crc32"
	"strings"
)

// The form of an external job's token: hct_, the digits of the job's id, 256
// random bits, and a checksum (CRC-32) over all of it, so that what scans for
// lost tokens need not ask anybody whether it has found one.
const (
	tokenPrefix = "hct_"
	tokenID     = 26
	tokenRandom = 52
	tokenCheck  = 7
)

// NewToken makes the token with which an agent elsewhere calls the tools of a
// job. Whoever has it can: it is kept as its SHA-256 alone.
func NewToken(job JobID) string {
	digits := make([]byte, tokenRandom)
	_, _ = rand.Read(digits) // it ends the process where the system has no randomness
	for i, b := range digits {
		digits[i] = crockford[b&31]
	}
	text := tokenPrefix + strings.TrimPrefix(string(job), PrefixJob+"_") + string(digits)
	return text + checksum(text)
}

// JobOf says which job a token is of, if it has a token's form. Whether it is
// that job's token, its gateway knows.
func JobOf(token string) (JobID, bool) {
	if len(token) != len(tokenPrefix)+tokenID+tokenRandom+tokenCheck || !strings.HasPrefix(token, tokenPrefix) {
		return "", false
	}
	at := len(token) - tokenCheck
	if checksum(token[:at]) != token[at:] {
		return "", false
	}
	id := PrefixJob + "_" + token[len(tokenPrefix):len(tokenPrefix)+tokenID]
	return JobID(id), CheckID(id, PrefixJob) == nil
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	out := make([]byte, tokenCheck)
	for i := range out {
		out[i] = crockford[sum>>(5*(tokenCheck-1-i))&31]
	}
	return string(out)
}
