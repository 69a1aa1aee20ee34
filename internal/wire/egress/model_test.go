package egress_test

import (
	"testing"

	"hotcell"
	"hotcell/internal/wire/egress"
)

func TestTheEntryThatSaysMostExactlyWhichHostItMeansDecides(t *testing.T) {
	t.Parallel()
	yes, no := func(host string) egress.Model { return egress.Model{Host: host, ZeroDataRetention: true} }, func(host string) egress.Model { return egress.Model{Host: host} }
	for _, c := range []struct {
		models          egress.Models
		host            string
		model, declared bool
	}{
		{nil, "api.openai.com", true, false},
		{nil, "api.acme.test", false, false},
		{nil, "api.openai.com.acme.test", false, false},
		{egress.Models{yes("api.openai.com")}, "api.openai.com", true, true},
		{egress.Models{yes("api.openai.com:8443")}, "api.openai.com", true, false},
		{egress.Models{yes("*.openai.azure.com"), no("acme.openai.azure.com")}, "acme.openai.azure.com", true, false},
		{egress.Models{no("acme.openai.azure.com"), yes("*.openai.azure.com")}, "acme.openai.azure.com", true, false},
		{egress.Models{no("*.acme.test"), yes("llm.acme.test")}, "llm.acme.test", true, true},
		{egress.Models{no("llm.acme.test"), yes("llm.acme.test:443")}, "llm.acme.test", true, true},
		{egress.Models{no("*.acme.test:443"), yes("*.acme.test")}, "llm.acme.test", true, false},
		{egress.Models{yes("llm.acme.test"), no("llm.acme.test")}, "llm.acme.test", true, false},
		{egress.Models{no("llm.acme.test"), yes("llm.acme.test")}, "llm.acme.test", true, false},
	} {
		if model, declared := c.models.Find(c.host, 443); model != c.model || declared != c.declared {
			t.Errorf("%v at %s: a model %t, declared %t", c.models, c.host, model, declared)
		}
	}
}

func TestADrillsModelsAreItsOwn(t *testing.T) {
	t.Parallel()
	operator := egress.Models{{Host: "llm.acme.test"}}
	drilled := operator.With(&hotcell.Drill{Models: []string{"model.drill.hotcell.test"}})
	if _, declared := drilled.Find("model.drill.hotcell.test", 443); !declared {
		t.Error("a drill's model is not declared")
	}
	if model, declared := drilled.Find("llm.acme.test", 443); !model || declared {
		t.Error("a drill changed the operator's word")
	}
	if model, _ := operator.Find("model.drill.hotcell.test", 443); model {
		t.Error("a drill's model is one for everybody")
	}
}
