package guard

import (
	"bytes"
	"math"
	"strings"
	"sync"
)

// weigh says how much each byte of a text tells, in thousandths of a bit: nothing where
// it is public, little within words, else as much as one of the characters that the
// secret part is written in. Somebody who guesses needs a try for each; ordinary
// text has a run of so many bits by chance once in two to their number.
func weigh(text []byte, secret []bool) []int {
	out := make([]int, len(text))
	each := int(1000 * math.Log2(float64(alphabet(text, secret))))
	for i := range text {
		if secret[i] {
			out[i] = each
		}
	}
	for i := 0; i < len(text); i++ {
		from := i
		for i < len(text) && letter(text[i]) {
			i++
		}
		weighWords(text[from:i], out[from:i])
	}
	return out
}

// inWords is what a letter within a word tells, about.
const inWords = 2300

// weighWords weighs letters in a row, word by word: aCamelHasHumps.
func weighWords(letters []byte, weights []int) {
	for from := 0; from < len(letters); {
		to := from + 1
		for to < len(letters) && (upper(letters[to]) == upper(letters[to-1]) || to == from+1 && upper(letters[from]) && !upper(letters[to])) {
			to++
		}
		word := strings.ToLower(string(letters[from:to]))
		most := math.MaxInt
		switch {
		case len(word) >= 3 && everyday()[word]:
			most = 0
		case len(word) >= 5 && likeness([]byte(word)) >= 0.8:
			most = inWords
		}
		for i := from; i < to; i++ {
			weights[i] = min(weights[i], most)
		}
		from = to
	}
}

func upper(b byte) bool { return b >= 'A' && b <= 'Z' }

// wordlike says whether a name is of words, or short.
func wordlike(name []byte) bool {
	digits, letters := 0, make([]byte, 0, len(name))
	for _, c := range bytes.ToLower(name) {
		switch {
		case digit(c):
			digits++
		case letter(c):
			letters = append(letters, c)
		}
	}
	return digits < 3 && (len(letters) < 5 || likeness(letters) >= 0.6)
}

// likeness is the share of pairs of letters that words have.
func likeness(word []byte) float64 {
	n := 0
	for i := 1; i < len(word); i++ {
		if strings.IndexByte(follow[word[i-1]-'a'], word[i]) >= 0 {
			n++
		}
	}
	return float64(n) / float64(max(len(word)-1, 1))
}

// alphabet is of how many characters the secret part is written.
func alphabet(text []byte, secret []bool) int {
	var seen [256]bool
	lower, capital, digits, sedecimal, others := false, false, false, true, 0
	for i, c := range text {
		if !secret[i] || seen[c] {
			continue
		}
		seen[c] = true
		switch {
		case digit(c):
			digits = true
		case letter(c):
			lower, capital = lower || !upper(c), capital || upper(c)
			sedecimal = sedecimal && c|0x20 <= 'f'
		default:
			others++
		}
	}
	n := others
	if digits {
		n += 10
	}
	switch {
	case lower && capital:
		n += 52
	case (lower || capital) && sedecimal && digits:
		n += 6
	case lower || capital:
		n += 26
	}
	return max(n, 2)
}

// follow are, for each letter, those that follow it in words.
var follow = [26]string{
	"bcdgilmnprstuvy", "aeiloruy", "aehiklortu", "aeiorsu", "acdefgilmnprstvwxy", "aefiortu", "aehiorun", "aeiort",
	"acdefglmnorstvz", "oua", "eis", "adeilostuy", "aeimopsu", "acdegiknostu", "abcdfgiklmnoprstuvw", "aehiloprstu", "u",
	"acdegiklmnorstuvy", "acehiklmopstuwy", "acehilorstuwy", "abcdegilmnprst", "aeio", "aehionrs", "ptaei", "oselma", "eaio",
}

// everyday are words that names, addresses and texts are full of.
var everyday = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(everydayWords) {
		out[w] = true
	}
	for _, w := range common {
		out[w] = true
	}
	return out
})

const everydayWords = `the and for with from this that you not are was all can has have will one two new old end get set put post use user users
name names key keys token tokens pass password passwords passphrase secret secrets value values login logins account accounts access admin root
guest test tests testing demo live prod production dev develop development stage staging local localhost remote host hosts server servers client
clients service services system systems data database databases base table tables store storage cache queue event events message messages mail
email web site www http https html json xml yaml text file files path page pages image images api app apps application applications main master
slave primary secondary backup cloud cluster node nodes worker workers job jobs task tasks run build release version config configuration setting
settings default public private internal external open close start stop read write update create delete list search find send receive request
response answer error errors warning info debug trace log logs audit report reports billing invoice invoices order orders customer customers
company team teams group groups member members role roles project projects workspace session sessions cookie cookies auth oauth bearer basic
digest signature sign signed certificate cert hash code codes number numbers string true false null none undefined unknown example sample
default monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october november
december spring summer autumn winter hello world welcome letmein qwerty 
master company google github gitlab amazon azure aws gcp slack stripe notion linear hubspot postgres postgresql
mysql maria mongo mongodb redis rabbit rabbitmq kafka elastic elasticsearch kibana grafana prometheus docker kubernetes nginx apache linux
ubuntu debian windows android apple microsoft oracle sqlserver sqlite hotcell`
