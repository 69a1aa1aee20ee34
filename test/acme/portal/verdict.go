package portal

// Case is what is to be judged: a text, by the values that it must not hold, or a
// picture, by what was painted into it.
type Case struct {
	Text    string
	Values  []string
	Picture []byte
}

// Verdict is in which form the text holds a value, and what was painted; "" for none.
type Verdict struct{ Form, Painted string }

// Judge judges.
func (c Case) Judge() Verdict {
	v := Verdict{Form: Judging(c.Values...).Find(c.Text)}
	if len(c.Picture) > 0 {
		v.Painted = Painted(c.Picture)
	}
	return v
}
