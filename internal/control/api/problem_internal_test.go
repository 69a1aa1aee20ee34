package api

import (
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// Huma keeps its findings in a pool, and would keep what was sent with them.
func TestAProblemLetsGoOfWhatWasSent(t *testing.T) {
	t.Parallel()
	finding := &huma.ErrorDetail{Message: "unexpected property", Location: "body.values", Value: map[string]any{"K": "a value"}}
	p := fromHuma(http.StatusUnprocessableEntity, []error{finding})
	if len(p.Errors) != 1 || p.Errors[0].Pointer == "" || finding.Value != nil {
		t.Errorf("the problem is %+v, the finding %+v", p, finding)
	}
}
