package day

import (
	"context"
	"net/http"
	"strconv"
)

// office writes documents and keeps contacts.
type office struct {
	*clerk
	chain *chain
}

func (o *office) day(ctx context.Context, changes int) error {
	o.crew = o.chain.office
	tasks := []func(context.Context) error{o.deal, o.deal, o.deal, o.deliver, o.call, o.guest}
	for o.spent < changes {
		if err := tasks[o.random.IntN(len(tasks))](ctx); err != nil {
			return err
		}
	}
	return nil
}

// lines of a document.
func (o *office) lines() []fields {
	lines := make([]fields, 0, 3)
	for range 1 + o.random.IntN(3) {
		lines = append(lines, fields{
			"description": o.one("Banchetto", "Servizio a domicilio", "Cena aziendale", "Noleggio tovagliato"),
			"quantity":    1 + o.random.IntN(40), "price": decimal(int64(500+o.random.IntN(9000)), 100), "vat": 22,
		})
	}
	return lines
}

// deal is a quote that becomes an order and an invoice, some of which is credited.
func (o *office) deal(ctx context.Context) error {
	customer := o.chain.customers[o.random.IntN(len(o.chain.customers))]
	quote, err := o.create(ctx, "/quotes", fields{"lines": o.lines(), "customer": customer.id, "date": o.date, "currency": "EUR"})
	if err != nil || o.random.IntN(4) == 0 { // nothing comes of it
		return err
	}
	order, err := o.act(ctx, quote[0], "order", "/orders", fields{"date": o.date})
	if err != nil {
		return err
	}
	if err := o.patch(ctx, order, fields{"status": "confirmed"}); err != nil {
		return err
	}
	invoice, err := o.act(ctx, order, "invoice", "/invoices", fields{"date": o.date})
	if err != nil {
		return err
	}
	switch o.random.IntN(4) {
	case 0:
		_, err = o.create(ctx, "/credit-notes", fields{
			"invoice": invoice.id, "date": o.date, "reason": "reso",
			"lines": []fields{{"description": "Reso", "quantity": 1, "price": 1.25, "vat": 22}},
		})
		return err
	case 1:
		_, err = o.create(ctx, "/credit-notes", fields{
			"invoice": invoice.id, "date": o.date,
			"lines": []fields{{"description": "Troppo", "quantity": 1, "price": 100_000, "vat": 22}},
		})
		return o.refused(err, "a credit note that exceeds "+invoice.ref(), http.StatusUnprocessableEntity)
	default:
		return o.patch(ctx, invoice, fields{"paid": true})
	}
}

// deliver orders and sends, a pallet at a time.
func (o *office) deliver(ctx context.Context) error {
	order, err := o.create(ctx, "/orders", fields{"lines": o.lines(), "date": o.date})
	if err != nil {
		return err
	}
	_, err = o.create(ctx, "/delivery-notes", fields{
		"order": order[0].id, "date": o.date, "packages": 1 + o.random.IntN(9),
		"lines": []fields{{"description": "Colli", "quantity": 1 + o.random.IntN(9)}},
	})
	return err
}

// call notes what a supplier or a customer said.
func (o *office) call(ctx context.Context) error {
	known := o.chain.companies
	if o.random.IntN(2) == 0 {
		known = o.chain.customers
	}
	return o.patch(ctx, known[o.random.IntN(len(known))], fields{"phone": "+39 02 " + strconv.Itoa(1_000_000+o.random.IntN(9_000_000))})
}

// guest leaves an address, and sometimes wants it forgotten.
func (o *office) guest(ctx context.Context) error {
	made, err := o.create(ctx, "/contacts", fields{"name": o.one(people...), "email": "ospite@example.com", "taxCode": o.one(taxCodes...)})
	if err != nil || o.random.IntN(3) > 0 {
		return err
	}
	return o.remove(ctx, made...)
}
