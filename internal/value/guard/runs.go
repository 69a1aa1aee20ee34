package guard

// runs finds stretches of an alphabet that are long enough to hold a value, without
// a look at each character: ordinary text has few.
type runs struct {
	// table says of each character what it is; 0 ends a run.
	table *[256]byte
	// shortest is how many characters a run has at least, six or more; enough says
	// whether one that long has what a value takes.
	shortest int
	enough   func(b []byte) bool
}

// classed is a table of characters: 1 for the first ones, 2 for the others, and 4
// beside either.
func classed(first, second string) (out [256]byte) {
	for _, c := range []byte(first) {
		out[c] = isFirst | isAny
	}
	for _, c := range []byte(second) {
		out[c] = isSecond | isAny
	}
	return out
}

const (
	isFirst  = 1
	isSecond = 2
	isAny    = 4
)

// next finds where the next run in b begins, from i on, that has enough, or that b
// ends within; the end of b where there is none.
func (r *runs) next(b []byte, i int) int {
	// Of each run that is long enough, four characters in a row are at such a place.
	const look = 4
	stride := r.shortest - look + 1
	half := stride / 2 // a run that is long enough goes on as far on one side
	t := r.table
	least := i
	for ; i+look <= len(b); i += stride {
		if t[b[i]]&t[b[i+1]]&t[b[i+2]]&t[b[i+3]]&isAny == 0 {
			continue
		}
		if i-half >= least && i+look+half <= len(b) && t[b[i-half]]|t[b[i+look-1+half]] == 0 {
			continue
		}
		from, to := i, i+look
		for from > least && t[b[from-1]] != 0 {
			from--
		}
		for to < len(b) && t[b[to]] != 0 {
			to++
		}
		if to == len(b) || to-from >= r.shortest && r.enough(b[from:to]) {
			return from
		}
		least = to
		i = to + 1 - stride // the next look is at to+1
	}
	from := len(b)
	for from > least && t[b[from-1]] != 0 {
		from--
	}
	return from
}
