package unpack

import "sync/atomic"

// Limits bound what one budget may spend. A zero one is the usual one.
type Limits struct {
	// Bytes is how much may come out of all that is packed, in bytes.
	Bytes int64
	// Memory is what decoders may hold at once, in bytes, by what they declare.
	Memory int64
	// Depth is how many packings may be one within the other.
	Depth int
	// Entries is how many things may be packed, in all.
	Entries int64
	// Lenient has what cannot be read pass, unread.
	Lenient bool
	// Spend is told of all that comes out, in bytes, and may refuse; nil for nobody.
	Spend func(n int64) error
}

// Budget is what is left of limits. It may serve several streams at once.
type Budget struct {
	limits  Limits
	bytes   atomic.Int64
	memory  atomic.Int64
	entries atomic.Int64
}

// The usual limits.
const (
	usualBytes   = 4 << 30
	usualMemory  = 96 << 20
	usualDepth   = 6
	usualEntries = 1 << 20
)

// NewBudget has all of its limits left.
func NewBudget(l Limits) *Budget {
	if l.Bytes <= 0 {
		l.Bytes = usualBytes
	}
	if l.Memory <= 0 {
		l.Memory = usualMemory
	}
	if l.Depth <= 0 {
		l.Depth = usualDepth
	}
	if l.Entries <= 0 {
		l.Entries = usualEntries
	}
	return &Budget{limits: l}
}

// begin counts one more thing that is packed, and its memory.
func (b *Budget) begin(memory int64) error {
	if b.entries.Add(1) > b.limits.Entries {
		return ErrLimit
	}
	if b.memory.Add(memory) > b.limits.Memory {
		b.memory.Add(-memory)
		return ErrLimit
	}
	return nil
}

func (b *Budget) finish(memory int64) { b.memory.Add(-memory) }

// spend counts bytes that came out.
func (b *Budget) spend(n int) error {
	if b.bytes.Add(int64(n)) > b.limits.Bytes {
		return ErrLimit
	}
	if b.limits.Spend != nil {
		return b.limits.Spend(int64(n))
	}
	return nil
}

// pass drops what only says that something cannot be read, where that may pass.
func (b *Budget) pass(err error) error {
	if b.limits.Lenient {
		return nil
	}
	return err
}
