package drill

import "hotcell/internal/cli/drill/attacks"

// Kind is what came of the cases of one kind.
type Kind struct {
	Name string `json:"name"`
	// Tries says what they are about.
	Tries      string `json:"tries"`
	Tried      int    `json:"tried"`
	Through    int    `json:"through"`
	Documented int    `json:"documented"`
	Skipped    int    `json:"skipped"`
}

func (r *Report) add(one Result) {
	kind := r.kind(one.Name)
	for _, c := range []struct{ tried, through, documented, skipped *int }{
		{&r.Tried, &r.Through, &r.Documented, &r.Skipped}, {&kind.Tried, &kind.Through, &kind.Documented, &kind.Skipped},
	} {
		switch one.Outcome {
		case "skipped":
			*c.skipped++
		case "documented":
			*c.documented++
		case "through":
			*c.through++
			*c.tried++
		default:
			*c.tried++
		}
	}
	r.Cases = append(r.Cases, one)
}

// kind is the count of a case's kind.
func (r *Report) kind(name string) *Kind {
	of := attacks.KindOf(name)
	for i := range r.Kinds {
		if r.Kinds[i].Name == of {
			return &r.Kinds[i]
		}
	}
	r.Kinds = append(r.Kinds, Kind{Name: of, Tries: attacks.Kinds()[of]})
	return &r.Kinds[len(r.Kinds)-1]
}
