package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"

	"hotcell"
	"hotcell/internal/value/sensitive"
)

// The costs of a verifier (argon2id, RFC 9106): 19 MiB and two passes by one thread, some
// 30 ms. A verifier says its own costs, so that others can come.
const (
	passes   = 2
	memory   = 19 << 10 // KiB
	threads  = 1
	saltSize = 16
	sumSize  = 32
)

// encoding is that of verifiers: the PHC string format.
var encoding = base64.RawStdEncoding

// verifiers makes and checks verifiers, so many at a time as there are processors: each
// takes memory, and a flood of them takes no more of either.
type verifiers struct{ places chan struct{} }

func newVerifiers() verifiers {
	return verifiers{make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// sum waits for its turn.
func (v verifiers) sum(ctx context.Context, password sensitive.Bytes, salt []byte, m, t uint32, p uint8) (out []byte, err error) {
	select {
	case v.places <- struct{}{}:
		defer func() { <-v.places }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: too many sign in at this moment: try again", hotcell.ErrRateLimited)
	}
	err = password.Use(func(b []byte) error {
		out = argon2.IDKey(b, salt, t, m, p, sumSize)
		return nil
	})
	return out, err
}

// new makes the verifier of a password.
func (v verifiers) new(ctx context.Context, password sensitive.Bytes) (sensitive.Bytes, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt)
	sum, err := v.sum(ctx, password, salt, memory, passes, threads)
	if err != nil {
		return sensitive.Bytes{}, err
	}
	defer clear(sum)
	return sensitive.New(fmt.Appendf(nil, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads, encoding.EncodeToString(salt), encoding.EncodeToString(sum))), nil
}

// errVerifier is a verifier that this version does not read.
var errVerifier = errors.New("a password's verifier is in no known form")

// check says whether a password is the one of a verifier.
func (v verifiers) check(ctx context.Context, password, verifier sensitive.Bytes) (same bool, err error) {
	err = verifier.Use(func(text []byte) error {
		parts := strings.Split(string(text), "$")
		if len(parts) != 6 || parts[1] != "argon2id" {
			return errVerifier
		}
		var version, m, t uint32
		var p uint8
		if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &m, &t, &p); err != nil || version != argon2.Version || m > 1<<20 || t == 0 || t > 16 || p == 0 {
			return errVerifier
		}
		salt, err1 := encoding.DecodeString(parts[4])
		want, err2 := encoding.DecodeString(parts[5])
		if err1 != nil || err2 != nil || len(want) != sumSize {
			return errVerifier
		}
		sum, err := v.sum(ctx, password, salt, m, t, p)
		same = err == nil && subtle.ConstantTimeCompare(sum, want) == 1
		clear(sum)
		return err
	})
	return same, err
}

// nobodys is the verifier of nobody's password, which is checked where there is no account
// of a name, so that the time tells nothing.
func nobodys() sensitive.Bytes {
	return sensitive.New(fmt.Appendf(nil, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads, encoding.EncodeToString(make([]byte, saltSize)), encoding.EncodeToString(make([]byte, sumSize))))
}
