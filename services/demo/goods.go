package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/staffetta/staffetta/pkg/fiscal"
)

// fields of an item, as they are sent.
type fields = map[string]any

// kind is one kind of item of the domain services.
type kind struct {
	path string
	// parent is the path of the kind that field refers to; empty: none.
	parent, field string
	// make is a new item, edit a patch that changes something.
	make func(*shop) fields
	edit func(*shop) fields
	// survey finds out what the service's rules allow now; nil: everything.
	survey func(context.Context, *shop) (choices, error)
}

// choices are what may become of the items of a kind.
type choices struct {
	// edit are those that may be changed, delete those that may be deleted first.
	edit, delete []int64
	// source is an action that makes an item; empty: none.
	source string
	// full: no item can be made.
	full bool
}

// kinds are all of them, parents before their children.
var kinds = []kind{
	{path: "/crew", make: person("role", "cameriere", "cuoco", "cassiera", "capocameriera"), edit: contactEdit},
	{path: "/companies", make: firm, edit: contactEdit},
	{path: "/contact-persons", parent: "/companies", field: "company", make: person("role", "acquisti", "amministrazione", "vendite"), edit: contactEdit},
	{path: "/customers", make: person("address", addresses...), edit: func(s *shop) fields { return fields{"discount": s.random.IntN(30)} }},
	{path: "/contacts", make: person("address", addresses...), edit: contactEdit},
	{path: "/equipment", make: equipment, edit: func(s *shop) fields { return fields{"price": s.money(2000)} }},
	{path: "/serial-numbers", parent: "/equipment", field: "equipment", make: serial, edit: func(s *shop) fields { return fields{"purchaseDate": s.day(-400)} }},
	{path: movements, parent: "/equipment", field: "equipment", make: movement, edit: movementEdit, survey: surveyMovements},
	{path: "/closed-bills", make: bill, edit: billEdit},
	{path: receiptsPath, parent: "/closed-bills", field: "closedBill", make: receipt, edit: billEdit, survey: surveyReceipts},
	{path: closingsPath, make: closing, edit: closingEdit, survey: surveyClosings},
	{
		path: "/orders", make: document, edit: func(s *shop) fields { return fields{"status": s.one("open", "confirmed", "shipped", "closed")} },
		survey: documents("/orders", source{"/quotes", "order", "order"}, "/delivery-notes?order=", "/invoices?order="),
	},
	{
		path: "/quotes", make: document, edit: func(s *shop) fields { return fields{"validUntil": s.day(30)} },
		survey: documents("/quotes", source{}, "/orders?quote="),
	},
	{
		path: "/delivery-notes", parent: "/orders", field: "order", make: document,
		edit:   func(s *shop) fields { return fields{"packages": 1 + s.random.IntN(90)} },
		survey: documents("/delivery-notes", source{}),
	},
	{
		path: "/invoices", make: document, edit: func(s *shop) fields { return fields{"dueDate": s.day(60)} },
		survey: documents("/invoices", source{"/orders", "invoice", "invoice"}, "/credit-notes?invoice="),
	},
	{
		path: "/credit-notes", make: creditNote,
		edit: func(s *shop) fields {
			return fields{"reason": s.one("reso", "sconto", "errore di prezzo", "merce avariata")}
		},
		survey: surveyCreditNotes,
	},
}

var (
	names = []string{
		"Giulia Ferri", "Marco Colombo", "Chiara Rizzo", "Luca Moretti", "Sofia Barbieri", "Andrea Galli",
		"Martina Conti", "Davide Serra", "Elena Longo", "Paolo Gatti", "Francesca Villa", "Matteo Fontana",
	}
	firms = []string{
		"Caffè Vergnano Forniture", "Ortofrutta Brera", "Salumificio Emiliano", "Cantine del Monferrato",
		"Panificio San Carlo", "Ittica Adriatica", "Lavanderia Lampo", "Latteria Valsassina",
	}
	addresses = []string{"Via Torino 12, Milano", "Corso Francia 80, Torino", "Via Garibaldi 3, Genova", "Piazza Bra 7, Verona"}
	things    = []string{
		"Macchina da caffè a due gruppi", "Forno per pizza", "Affettatrice", "Lavastoviglie", "Cassa automatica",
		"Bicchieri da vino (12)", "Tovaglie 140x140", "Abbattitore",
	}
	dishes = []struct {
		name  string
		price float64
	}{
		{"Spaghetti alle vongole", 14.5}, {"Risotto alla milanese", 13}, {"Tagliatelle al ragù", 11.5},
		{"Pizza margherita", 7.5}, {"Tiramisù", 6}, {"Caffè", 1.3}, {"Acqua naturale", 2.5}, {"Vino della casa", 9},
	}
)

// one is one of some words.
func (s *shop) one(words ...string) string { return words[s.random.IntN(len(words))] }

// money is an amount of 1.00 to most, in euro and cents.
func (s *shop) money(most int) float64 { return float64(100+s.random.IntN(100*most-100)) / 100 }

// day is a date at most that many days from now; negative: ago.
func (s *shop) day(within int) string {
	days := s.random.IntN(max(within, -within) + 1)
	if within < 0 {
		days = -days
	}
	return time.Now().AddDate(0, 0, days).Format(time.DateOnly)
}

// store is one of the three restaurants.
func (s *shop) store() string { return s.one(stores...) }

// stores are the three restaurants.
var stores = []string{"1", "2", "3"}

func (s *shop) payment() string { return s.one("cash", "card", "voucher") }

// serial is the number of a receipt.
func (s *shop) serial() string {
	return fmt.Sprintf("%04d-%04d", s.random.IntN(10_000), s.random.IntN(10_000))
}

func (s *shop) phone() string {
	return fmt.Sprintf("+39 3%02d %07d", s.random.IntN(100), s.random.IntN(10_000_000))
}

// person makes somebody, with one more field that has one of some values.
func person(field string, values ...string) func(*shop) fields {
	return func(s *shop) fields {
		return fields{"name": s.one(names...), "phone": s.phone(), field: s.one(values...)}
	}
}

func contactEdit(s *shop) fields { return fields{"phone": s.phone()} }

func firm(s *shop) fields {
	number := s.vatNumber()
	return fields{
		"name": s.one(firms...), "phone": s.phone(), "address": s.one(addresses...),
		"vatNumber": "IT" + number, "taxCode": number, "sdiCode": s.one("M5UXCR1", "KRRH6B9", "0000000"),
	}
}

// vatNumber is one with the right check digit: of ten endings one is.
func (s *shop) vatNumber() string {
	body := s.random.IntN(10_000_000_000)/1000*1000 + 15 // issued in Milan
	for digit := range 10 {
		if number := fmt.Sprintf("%010d%d", body, digit); fiscal.VATNumber(number) == nil {
			return number
		}
	}
	return "00743110157" // the number proper was nothing but zeros
}

func equipment(s *shop) fields {
	return fields{
		"name": s.one(things...), "unit": "pz", "price": s.money(2000),
		"code": fmt.Sprintf("AT-%04d", s.random.IntN(10_000)), "store": s.store(),
	}
}

func serial(s *shop) fields {
	return fields{"serial": fmt.Sprintf("SN%08d", s.random.IntN(100_000_000)), "purchaseDate": s.day(-400)}
}

// lines are a few dishes and their sum.
func (s *shop) lines() (lines []fields, total float64) {
	cents := 0
	for range 1 + s.random.IntN(4) {
		dish, quantity := dishes[s.random.IntN(len(dishes))], 1+s.random.IntN(3)
		lines = append(lines, fields{"description": dish.name, "quantity": quantity, "price": dish.price})
		cents += quantity * int(dish.price*100+0.5)
	}
	return lines, float64(cents) / 100
}

func bill(s *shop) fields {
	lines, total := s.lines()
	return fields{
		"total": total, "lines": lines, "table": fmt.Sprint(1 + s.random.IntN(30)), "covers": 1 + s.random.IntN(6),
		"closedAt": time.Now().Format(time.RFC3339), "payment": s.payment(), "store": s.store(),
	}
}

func billEdit(s *shop) fields {
	lines, total := s.lines()
	return fields{"lines": lines, "total": total}
}
