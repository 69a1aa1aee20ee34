package words

import (
	"strings"
	"unicode"
)

// blank are letters and symbols that draw nothing although their category says
// otherwise: Braille's empty pattern, a musical head without ink, the place of an
// object.
var blank = &unicode.RangeTable{
	R16:         []unicode.Range16{{Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0xfffc, Hi: 0xfffc, Stride: 1}},
	R32:         []unicode.Range32{{Lo: 0x1d159, Hi: 0x1d159, Stride: 1}},
	LatinOffset: 0,
}

// Hidden says whether a character cannot be seen, or steers what is around it:
// formats (Cf), controls but for line breaks and tabs, separators of lines, what
// Unicode lets programs leave undrawn (its Default_Ignorable_Code_Point), selectors of
// variants, private and unassigned characters, and blank letters.
func Hidden(r rune) bool {
	switch {
	case r >= ' ' && r < 0x7f, r == '\n', r == '\t':
		return false
	case unicode.IsControl(r):
		return true
	case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point, blank):
		return true
	}
	// What is in no category is assigned to nothing.
	return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Zs)
}

const (
	joiner      = 0x200d
	asText      = 0xfe0e
	asPicture   = 0xfe0f
	firstSymbol = 0x2000 // no picture is before it but © and ®
)

// ofPicture says whether the character at i does nothing but choose how the picture
// character before it is drawn: one selector behind it, or one joiner between two.
func ofPicture(runes []rune, i int) bool {
	if i == 0 {
		return false
	}
	before := runes[i-1]
	switch runes[i] {
	case asText, asPicture:
		return picture(before) || before >= '0' && before <= '9' || before == '#' || before == '*'
	case joiner:
		if before == asPicture && i > 1 {
			before = runes[i-2]
		}
		return i+1 < len(runes) && picture(before) && picture(runes[i+1])
	}
	return false
}

func picture(r rune) bool {
	return (r >= firstSymbol || r == '©' || r == '®') && r != 0x2800 && unicode.In(r, unicode.So, unicode.Sk, unicode.Sm)
}

// alike are the letters of other scripts that are drawn as Latin ones are.
const alike = "аеорсухіјѕһԁԛԝгѵАВЕКМНОРСТУХІЈЅҮԌԚԜ" + "οΟΑΒΕΖΗΙΚΜΝΡΤΥΧνιυρχκ" + "օսոհցյՕՍ" + "ᎪᎬᏚᎳᏔᎢᏒᎻ"

// lookalikes are the places of letters that are drawn as Latin ones are, in words
// that have Latin letters besides.
func lookalikes(runes []rune) map[int]bool {
	out := map[int]bool{}
	var latin bool
	var found []int
	end := func() {
		for _, i := range found {
			out[i] = latin
		}
		latin, found = false, found[:0]
	}
	for i, r := range runes {
		switch {
		case r > unicode.MaxASCII && strings.ContainsRune(alike, r):
			found = append(found, i)
		case r < unicode.MaxASCII && unicode.IsLetter(r):
			latin = true
		case !unicode.IsLetter(r) && !unicode.IsMark(r) && !Hidden(r):
			end()
		}
	}
	end()
	return out
}
