package door

import (
	"fmt"

	"hotcell"
)

// maxBrief bounds, in bytes, the arguments of a call in a list of requests.
const maxBrief = 16 << 10

// brief is a request as a list has it. What nobody would read there is left out
// whole, and not cut: a part could be taken for all of it.
func brief(q hotcell.Request) hotcell.Request {
	if q.Call == nil || len(q.Call.Arguments) <= maxBrief {
		return q
	}
	call := *q.Call
	call.Arguments = fmt.Appendf(nil, `{"...": "%d bytes of arguments: show this request to read them"}`, len(call.Arguments))
	q.Call = &call
	return q
}
