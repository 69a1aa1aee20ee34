package test

import (
	"fmt"
	"strings"
	"testing"

	"hotcell/test/acme/stripe"
)

func TestStripeAsItsDocumentationHasIt(t *testing.T) {
	t.Parallel()
	a := turned(t, "")
	c := a.keyed(t, "stripe", a.ServiceKey("stripe"))
	if list := a.OK("connections", "list"); !strings.Contains(list, "Acme") {
		t.Errorf("who is connected: %s", list)
	}
	ada := a.Stripe.Add("customers", map[string]any{"email": "ada@acme.test", "name": "Ada"})
	payment := a.Stripe.Add("payment_intents", map[string]any{"amount": 5000, "currency": "eur", "status": "succeeded", "customer": ada})
	a.Stripe.Add("subscriptions", map[string]any{"customer": ada, "status": "active", "currency": "eur", "cancel_at_period_end": false, "items": map[string]any{"object": "list", "data": []map[string]any{{"id": "si_1", "quantity": 1, "current_period_end": 1766000000, "price": map[string]any{"id": "price_1"}}}}})
	var invoice string
	c.does(t, "stripe", []toolCall{
		{tool: "stripe_customers", args: map[string]any{"email": "ada@acme.test"}, wants: []string{ada}},
		{tool: "stripe_customer", args: map[string]any{"id": ada}, wants: []string{`"name":"Ada"`}},
		{tool: "stripe_create_customer", args: map[string]any{"email": "bob@acme.test", "name": "Bob & Söhne", "metadata": map[string]any{"crm_id": "7", "x": "a=b&c"}}, then: func(t *testing.T, _ string) {
			got := a.Stripe.All("customers")[0]
			if got["name"] != "Bob & Söhne" || !strings.Contains(fmt.Sprint(got["metadata"]), "x:a=b&c") {
				t.Errorf("%v", got)
			}
		}},
		{tool: "stripe_create_invoice", args: map[string]any{"customer": ada, "amount": 48050, "currency": "eur", "description": "work", "days_until_due": 14}, then: func(t *testing.T, _ string) {
			got := a.Stripe.All("invoices")
			if len(got) != 1 || got[0]["amount_due"] != 48050 || got[0]["status"] != "draft" || got[0]["collection_method"] != "send_invoice" {
				t.Fatalf("%v", got)
			}
			invoice = fmt.Sprint(got[0]["id"])
		}},
		{tool: "stripe_invoices", args: map[string]any{"customer": ada, "status": "draft"}, wants: []string{"48050"}},
		{tool: "stripe_finalize_invoice", fill: func(m map[string]any) { m["id"] = invoice }, wants: []string{`"status":"open"`, "ACME-0001"}},
		{tool: "stripe_invoice", args: map[string]any{"expand": []string{"customer"}}, fill: func(m map[string]any) { m["id"] = invoice }, wants: []string{"ada@acme.test", `"description":"work"`}},
		{tool: "stripe_payments", args: map[string]any{"customer": ada}, wants: []string{payment}},
		{tool: "stripe_subscriptions", wants: []string{"1766000000", "price_1"}},
		{tool: "stripe_refund", args: map[string]any{"payment": payment, "amount": 2000}, wants: []string{"succeeded"}, then: func(t *testing.T, _ string) {
			if got := a.Stripe.All("refunds"); len(got) != 1 || got[0]["amount"] != 2000 {
				t.Errorf("%v", got)
			}
		}},
	})
	for i := range 5 {
		a.Stripe.Add("customers", map[string]any{"name": fmt.Sprint("Many ", i)})
	}
	a.Stripe.Short(2)
	same(t, "customers", names(c.listed(t, "stripe_customers", "customers", map[string]any{}, 3, 7), "name"), "Many 4", "Many 3", "Many 2", "Many 1", "Many 0", "Bob & Söhne", "Ada")

	// Two calls with the same arguments are two: each has a key of its own.
	c.tells(t, "stripe_refund", map[string]any{"payment": payment, "amount": 1000})
	c.tells(t, "stripe_refund", map[string]any{"payment": payment, "amount": 1000})
	c.refuses(t, "stripe_refund", map[string]any{"payment": payment, "amount": 1001}, "greater than unrefunded amount", `"retryable":false`)
	if got := a.Stripe.All("refunds"); len(got) != 3 {
		t.Errorf("%v", got)
	}
	if keys := a.Stripe.Keys(); len(keys) != 8 || strings.Contains(strings.Join(keys, " "), ada) {
		t.Errorf("keys of idempotency: %q", keys)
	}
	c.refuses(t, "stripe_create_customer", map[string]any{"email": "eve@acme.test", "metadata": map[string]any{"x][y": "1"}}, `"code":"invalid"`)
	a.Stripe.Limit(1)
	c.refuses(t, "stripe_customers", map[string]any{}, `"status":429`, `"retryable":true`, `"retry_after":2`, "rate_limit")
	c.refuses(t, "stripe_customer", map[string]any{"id": "cus_nobody"}, `"status":404`, "No such customer", "resource_missing")
	c.refuses(t, "stripe_finalize_invoice", map[string]any{"id": invoice}, "already finalized")
	c.refuses(t, "stripe_create_customer", map[string]any{"email": "nonsense"}, "email_invalid, email")
	a.Stripe.Forbid("/v1/refunds")
	c.refuses(t, "stripe_refund", map[string]any{"payment": payment}, `"status":403`, "required permissions", `"retryable":false`)
	a.Canaries(a.ServiceKey("stripe"))
}

func TestStripeRefusesWhatStripeDoes(t *testing.T) {
	t.Parallel()
	twin := stripe.New("rk_test_1")
	id := twin.Add("customers", map[string]any{"name": "Ada"})
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct{ method, path, kind, body, want string }{
		{"GET", "/v1/customers?limit=101", "", "", "parameter_invalid_integer"},
		{"GET", "/v1/customers?after=x", "", "", "parameter_unknown"},
		{"GET", "/v1/customers?starting_after=cus_x", "", "", "resource_missing"},
		{"POST", "/v1/customers", "application/json", `{"email":"a@b.c"}`, "form-encoded"},
		{"POST", "/v1/invoices", form, "customer=cus_x", "resource_missing"},
		{"POST", "/v1/invoices", form, "customer=" + id + "&collection_method=send_invoice", "days_until_due"},
		{"POST", "/v1/invoices", form, "customer=" + id + "&amount=5", "parameter_unknown"},
		{"GET", "/v1/nothing", "", "", "Unrecognized request URL"},
	} {
		if got := shown(t, twin, c.method, c.path, c.kind, "Bearer rk_test_1", c.body); !strings.Contains(got, c.want) {
			t.Errorf("%s %s %s: %s", c.method, c.path, c.body, got)
		}
	}
	if got := shown(t, twin, "GET", "/v1/customers", "", "Bearer sk_live_2", ""); !strings.HasPrefix(got, "401 ") {
		t.Error(got)
	}
}
