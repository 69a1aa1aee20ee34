package browser

import (
	"slices"
	"strconv"
	"strings"
)

// sort finds out which input is for what. Of those that cannot be seen, only what is
// plainly for a one-time code counts, and only where nothing else asks for a secret.
func (f *fields) sort(inputs []*node, sights map[*node]sight) {
	plain := slices.DeleteFunc(slices.Clone(inputs), func(n *node) bool { return sights[n].degree != clearly })
	f.passwords(plain)
	f.codesOf(plain, sights)
	if f.password == nil && len(f.codes) == 0 {
		f.codesOf(slices.DeleteFunc(slices.Clone(inputs), func(n *node) bool { return !surelyCode(n) }), sights)
	}
	best := 0
	for _, n := range plain {
		if score := f.userScore(n, plain); score > best {
			f.username, best = n, score
		}
	}
}

// passwords finds the field for the password. One that is read-only is so until it
// has the focus, perhaps; it counts where no other does.
func (f *fields) passwords(inputs []*node) {
	var all, fixed []*node
	for _, n := range inputs {
		if !strings.EqualFold(n.attribute("type"), "password") || isCode(n) {
			continue
		}
		if n.has("readonly") {
			fixed = append(fixed, n)
		} else {
			all = append(all, n)
		}
		f.renewing = f.renewing || strings.Contains(strings.ToLower(n.attribute("autocomplete")), "new-password")
	}
	if len(all) == 0 {
		all = fixed
	}
	for i, n := range all {
		if i == 0 {
			f.password = n
		} else if formOf(n) == formOf(all[0]) {
			f.renewing = true // a second one is to say it again, or to say a new one
		}
	}
}

// codesOf finds the field for a one-time code, or the boxes for its digits.
func (f *fields) codesOf(inputs []*node, sights map[*node]sight) {
	if f.codes = boxesOf(inputs, sights); len(f.codes) > 0 {
		return
	}
	for _, n := range inputs {
		if !isCode(n) || n.has("readonly") {
			continue
		}
		// What is asked for before the password says who, and not that one has a device.
		if f.password != nil && !surelyCode(n) && formOf(n) == formOf(f.password) && before(n, f.password, inputs) {
			continue
		}
		if len(f.codes) == 0 || surelyCode(n) && !surelyCode(f.codes[0]) {
			f.codes = []*node{n}
		}
	}
}

// surelyCode says whether a field is for a one-time code by its own word.
func surelyCode(n *node) bool {
	return strings.Contains(strings.ToLower(n.attribute("autocomplete")), "one-time-code") || isCode(n) && sureWords.MatchString(about(n))
}

// isCode says whether a field is for a one-time code. What may be a customer's code
// too has to take digits, then.
func isCode(n *node) bool {
	auto := strings.ToLower(n.attribute("autocomplete"))
	if strings.Contains(auto, "one-time-code") {
		return true
	}
	kind, text := strings.ToLower(n.attribute("type")), about(n)
	most, limited := length(n)
	switch {
	case kind == "email", kind == "url", strings.Contains(auto, "username"), strings.Contains(auto, "email"), strings.Contains(auto, "password"),
		limited && most > 12, !codeWords.MatchString(text) && !sureWords.MatchString(text), notWords.MatchString(text), placeWords.MatchString(text),
		kind == "password" && passWords.MatchString(text):
		return false
	case sureWords.MatchString(text):
		return true
	}
	return takesDigits(n) || !userWords.MatchString(text)
}

// takesDigits says whether a field says that it takes a few digits.
func takesDigits(n *node) bool {
	pattern := n.attribute("pattern")
	switch kind, mode := strings.ToLower(n.attribute("type")), strings.ToLower(n.attribute("inputmode")); {
	case kind == "number", kind == "tel", mode == "numeric", mode == "decimal", strings.Contains(pattern, `\d`), strings.Contains(pattern, "0-9"):
		return true
	}
	most, limited := length(n)
	return limited && most >= 4 && most <= 8
}

// length is how many characters a field takes.
func length(n *node) (most int, limited bool) {
	most, err := strconv.Atoi(n.attribute("maxlength"))
	return most, err == nil && most > 0
}

// The bounds of boxes for one digit each: how many there are, and how wide one is
// where nothing else says what it is.
const (
	minBoxes = 4
	maxBoxes = 10
	boxWidth = 80
)

// boxesOf are fields for one character each, side by side.
func boxesOf(inputs []*node, sights map[*node]sight) []*node {
	var run []*node
	for i := 0; i <= len(inputs); i++ {
		if i < len(inputs) && isBox(inputs[i], sights[inputs[i]]) && (len(run) == 0 || formOf(run[0]) == formOf(inputs[i]) && run[0].document == inputs[i].document) {
			run = append(run, inputs[i])
			continue
		}
		if len(run) >= minBoxes && len(run) <= maxBoxes {
			return run
		}
		run = nil
	}
	return nil
}

// isBox says whether a field is for one character: it says so, or it is as narrow
// as one and takes digits.
func isBox(n *node, seen sight) bool {
	most, limited := length(n)
	switch pattern := strings.Trim(n.attribute("pattern"), "^$"); {
	case limited && most == 1, n.attribute("size") == "1", pattern == `\d`, pattern == "[0-9]", pattern == `\d{1}`, pattern == "[0-9]{1}":
		return true
	case limited && most < minBoxes+1: // parts of a card's number, of a date, of an address
		return false
	}
	return seen.width > 0 && seen.width <= boxWidth && (takesDigits(n) || isCode(n))
}

// userScore is how much a field is like one for a user name.
func (f *fields) userScore(n *node, inputs []*node) int {
	kind := strings.ToLower(n.attribute("type"))
	// One that is read-only with something in it shows who was chosen before.
	if kind == "password" || slices.Contains(f.codes, n) || n.has("readonly") && n.attribute("value") != "" {
		return 0
	}
	text := about(n)
	if surelyCode(n) || placeWords.MatchString(text) || notWords.MatchString(text) {
		return 0
	}
	score := 0
	for token := range strings.FieldsSeq(strings.ToLower(n.attribute("autocomplete"))) {
		if token == "username" || token == "webauthn" {
			score += 100
		}
		if token == "email" {
			score += 60
		}
	}
	if userWords.MatchString(text) {
		score += 30
	}
	if kind == "email" {
		score += 20
	}
	if f.password != nil && formOf(n) == formOf(f.password) && before(n, f.password, inputs) {
		score += 15
	}
	return score
}

func before(a, b *node, list []*node) bool {
	for _, n := range list {
		switch n {
		case a:
			return true
		case b:
			return false
		}
	}
	return false
}
