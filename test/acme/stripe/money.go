package stripe

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// nested are the values of name[key] in a form.
func nested(form url.Values, name string) object {
	out := object{}
	for key, values := range form {
		if inner, ok := strings.CutPrefix(key, name+"["); ok {
			out[strings.TrimSuffix(inner, "]")] = values[0]
		}
	}
	return out
}

func (t *Twin) createCustomer(form url.Values, _ *http.Request) (int, object) {
	if status, body := unknown(form, "name", "email", "phone", "description", "metadata", "address", "expand"); status != 0 {
		return status, body
	}
	if mail := form.Get("email"); mail != "" && !strings.Contains(mail, "@") {
		return wrong(http.StatusBadRequest, "email_invalid", "email", "Invalid email address: "+mail)
	}
	return http.StatusOK, t.add("customers", object{
		"name": null(form.Get("name")), "email": null(form.Get("email")), "phone": null(form.Get("phone")), "description": null(form.Get("description")),
		"metadata": nested(form, "metadata"), "balance": 0, "delinquent": false, "currency": nil,
	})
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (t *Twin) createInvoice(form url.Values, _ *http.Request) (int, object) {
	if status, body := unknown(form, "customer", "currency", "auto_advance", "collection_method", "days_until_due", "description", "metadata", "pending_invoice_items_behavior"); status != 0 {
		return status, body
	}
	switch {
	case t.find("customers", form.Get("customer")) == nil:
		return wrong(http.StatusBadRequest, "resource_missing", "customer", "No such customer: '"+form.Get("customer")+"'")
	case form.Get("collection_method") == "send_invoice" && form.Get("days_until_due") == "":
		return wrong(http.StatusBadRequest, "parameter_missing", "days_until_due", "You must specify `days_until_due` with `collection_method` send_invoice.")
	}
	return http.StatusOK, t.add("invoices", object{
		"customer": form.Get("customer"), "status": "draft", "currency": form.Get("currency"), "amount_due": 0, "amount_paid": 0, "number": nil, "due_date": nil,
		"hosted_invoice_url": nil, "auto_advance": form.Get("auto_advance") == "true", "collection_method": form.Get("collection_method"), "lines": object{"object": "list", "data": []object{}, "has_more": false},
	})
}

// createItem adds a line to an invoice that is a draft.
func (t *Twin) createItem(form url.Values, _ *http.Request) (int, object) {
	if status, body := unknown(form, "customer", "invoice", "amount", "currency", "description", "quantity", "metadata"); status != 0 {
		return status, body
	}
	amount, err := strconv.Atoi(form.Get("amount"))
	if err != nil {
		return wrong(http.StatusBadRequest, "parameter_invalid_integer", "amount", "Invalid integer: "+form.Get("amount"))
	}
	invoice := t.find("invoices", form.Get("invoice"))
	switch {
	case invoice == nil:
		return wrong(http.StatusBadRequest, "resource_missing", "invoice", "No such invoice: '"+form.Get("invoice")+"'")
	case invoice["status"] != "draft":
		return wrong(http.StatusBadRequest, "invoice_not_editable", "", "This invoice is no longer editable")
	case invoice["customer"] != form.Get("customer"):
		return wrong(http.StatusBadRequest, "", "customer", "The invoice belongs to another customer")
	}
	due, _ := invoice["amount_due"].(int)
	invoice["amount_due"] = due + amount
	lines, _ := invoice["lines"].(object)
	data, _ := lines["data"].([]object)
	line := object{"object": "line_item", "amount": amount, "currency": form.Get("currency"), "description": null(form.Get("description"))}
	lines["data"] = append(slices.Clone(data), line)
	return http.StatusOK, t.add("invoiceitems", object{"invoice": form.Get("invoice"), "customer": form.Get("customer"), "amount": amount, "currency": form.Get("currency"), "description": null(form.Get("description"))})
}

func (t *Twin) finalize(form url.Values, r *http.Request) (int, object) {
	if status, body := unknown(form, "auto_advance", "expand"); status != 0 {
		return status, body
	}
	invoice := t.find("invoices", r.PathValue("id"))
	switch {
	case invoice == nil:
		return wrong(http.StatusNotFound, "resource_missing", "invoice", "No such invoice: '"+r.PathValue("id")+"'")
	case invoice["status"] != "draft":
		return wrong(http.StatusBadRequest, "invoice_not_editable", "", "This invoice is already finalized, you can't re-finalize a non-draft invoice.")
	}
	invoice["status"], invoice["number"], invoice["hosted_invoice_url"] = "open", "ACME-0001", "https://invoice.stripe.com/i/acct_1/test"
	return http.StatusOK, invoice
}

// refund sends back what is left of a payment, or a part of it.
func (t *Twin) refund(form url.Values, _ *http.Request) (int, object) {
	if status, body := unknown(form, "payment_intent", "amount", "reason", "metadata"); status != 0 {
		return status, body
	}
	payment := t.find("payment_intents", form.Get("payment_intent"))
	if payment == nil {
		return wrong(http.StatusNotFound, "resource_missing", "payment_intent", "No such payment_intent: '"+form.Get("payment_intent")+"'")
	}
	whole, _ := payment["amount"].(int)
	before, _ := payment["refunded"].(int)
	amount := whole - before
	if text := form.Get("amount"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return wrong(http.StatusBadRequest, "parameter_invalid_integer", "amount", "Invalid positive integer")
		}
		amount = n
	}
	switch {
	case before >= whole:
		return wrong(http.StatusBadRequest, "charge_already_refunded", "", "The payment has already been refunded.")
	case amount > whole-before:
		return wrong(http.StatusBadRequest, "", "amount", "Refund amount is greater than unrefunded amount on charge")
	}
	payment["refunded"] = before + amount
	return http.StatusOK, t.add("refunds", object{"payment_intent": form.Get("payment_intent"), "amount": amount, "status": "succeeded"})
}
