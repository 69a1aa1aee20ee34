package guard

import "bytes"

// each goes from one of the triggers to the next and has it decoded: taken is
// how many bytes mean meaning, 0 for none, and more is true where there are not
// enough to tell. A trigger that b ends within waits for its rest.
func each(l *lane, triggers []string, final bool, decode func([]byte) (taken int, meaning []byte, more bool)) {
	b := l.fresh()
	var next [maxTriggers]int
	lead := 0 // where what a trigger begins with is first
	for n, t := range triggers {
		if n == 0 || t[0] != triggers[n-1][0] {
			lead = trigger(b, 0, t[:1], final)
		}
		if next[n] = lead; len(t) > 1 && lead < len(b) {
			next[n] = trigger(b, lead, t, final)
		}
	}
	for i := 0; i < len(b); {
		at := len(b)
		for n, t := range triggers {
			if next[n] < i {
				next[n] = trigger(b, i, t, final)
			}
			at = min(at, next[n])
		}
		l.raw(b[i:at])
		if at == len(b) {
			return
		}
		taken, meaning, more := decode(b[at:])
		switch {
		case more:
			return
		case taken == 0:
			l.raw(b[at : at+1])
			i = at + 1
		default:
			l.means(taken, meaning...)
			i = at + taken
		}
	}
}

// maxTriggers is how many triggers there are at most.
const maxTriggers = 16

// trigger is where one is next from i on, if only in part at the end of b.
func trigger(b []byte, i int, t string, final bool) int {
	if len(t) == 1 {
		if k := bytes.IndexByte(b[i:], t[0]); k >= 0 {
			return i + k
		}
		return len(b)
	}
	if k := bytes.Index(b[i:], []byte(t)); k >= 0 {
		return i + k
	}
	for n := min(len(t)-1, len(b)-i); n > 0 && !final; n-- {
		if string(b[len(b)-n:]) == t[:n] {
			return len(b) - n
		}
	}
	return len(b)
}
