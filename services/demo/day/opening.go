package day

import (
	"context"
	"fmt"
	"strconv"
)

// warehouse is the store from which the others get their goods.
const warehouse = "0"

// chain is what there is before the first guest comes, and stays all day.
type chain struct {
	stores    []string
	products  []int64
	companies []item
	customers []item
	// crew of each store.
	crew map[string][]int64
	// office are the people of no store.
	office []int64
}

// dishes are what the tills sell: cents, and the product that it takes of, if any.
var dishes = []struct {
	name    string
	cents   int64
	product int
}{
	{"Spaghetti alle vongole", 1450, -1}, {"Risotto alla milanese", 1300, 3}, {"Tagliatelle al ragù", 1150, 2},
	{"Pizza margherita", 750, 2}, {"Tiramisù", 600, -1}, {"Caffè", 130, 4}, {"Acqua naturale", 250, 1}, {"Vino della casa", 900, 0},
}

var products = []string{"Vino della casa, bottiglia", "Acqua naturale, bottiglia", "Farina 00, kg", "Riso Carnaroli, kg", "Caffè in grani, kg"}

var (
	people = []string{
		"Giulia Ferri", "Marco Colombo", "Chiara Rizzo", "Luca Moretti", "Sofia Barbieri", "Andrea Galli",
		"Martina Conti", "Davide Serra", "Elena Longo", "Paolo Gatti", "Francesca Villa", "Matteo Fontana",
	}
	// firms have numbers that firms have: their check digits are right.
	firms = []struct{ name, vat, sdi string }{
		{"Ortofrutta Brera", "00743110157", "M5UXCR1"}, {"Salumificio Emiliano", "00159560366", "KRRH6B9"},
		{"Cantine del Monferrato", "07973780013", "0000000"}, {"Ittica Adriatica", "00905811006", "M5UXCR1"},
		{"Latteria Valsassina", "01199250158", "KRRH6B9"},
	}
	taxCodes = []string{"RSSMRA85T10A562S", "RCCMNL83S18D969H", "BNCGLI99A41F205Q", "VRDLGU00B29H501U"}
)

// open hires, registers suppliers and customers, and fills the stores.
func (c *chain) open(ctx context.Context, k *clerk, stores int) error {
	for _, step := range []func(context.Context, *clerk, int) error{c.hire, c.register, c.fill} {
		if err := step(ctx, k, stores); err != nil {
			return err
		}
	}
	return nil
}

func (c *chain) hire(ctx context.Context, k *clerk, stores int) error {
	const each = 4
	c.crew = make(map[string][]int64)
	hired := make([]fields, 0, each)
	hire := func(store string) ([]int64, error) {
		hired = hired[:0]
		for range each {
			person := fields{"name": k.one(people...), "role": k.one("cameriere", "cuoco", "cassiera"), "active": true}
			if store != "" {
				person["store"] = store
			}
			hired = append(hired, person)
		}
		made, err := k.create(ctx, "/crew", hired...)
		return ids(made), err
	}
	var err error
	if c.office, err = hire(""); err != nil {
		return err
	}
	k.crew = c.office
	for i := range stores {
		store := strconv.Itoa(i + 1)
		c.stores = append(c.stores, store)
		if c.crew[store], err = hire(store); err != nil {
			return err
		}
	}
	return nil
}

func ids(items []item) []int64 {
	all := make([]int64, len(items))
	for i, it := range items {
		all[i] = it.id
	}
	return all
}

func (c *chain) register(ctx context.Context, k *clerk, _ int) (err error) {
	var companies, persons, customers []fields
	for _, f := range firms {
		companies = append(companies, fields{"name": f.name, "vatNumber": "IT" + f.vat, "taxCode": f.vat, "sdiCode": f.sdi})
	}
	if c.companies, err = k.create(ctx, "/companies", companies...); err != nil {
		return err
	}
	for _, of := range c.companies {
		persons = append(persons, fields{"name": k.one(people...), "role": k.one("acquisti", "vendite"), "company": of.id})
	}
	if _, err := k.create(ctx, "/contact-persons", persons...); err != nil {
		return err
	}
	for _, code := range taxCodes {
		customers = append(customers, fields{"name": k.one(people...), "taxCode": code, "sdiCode": "0000000", "discount": k.random.IntN(20)})
	}
	c.customers, err = k.create(ctx, "/customers", customers...)
	return err
}

func (c *chain) fill(ctx context.Context, k *clerk, _ int) error {
	var goods []fields
	for i, name := range products {
		goods = append(goods, fields{"name": name, "code": fmt.Sprintf("P-%02d", i+1), "unit": "pz"})
	}
	made, err := k.create(ctx, "/equipment", goods...)
	if err != nil {
		return err
	}
	c.products = ids(made)
	machine, err := k.create(ctx, "/equipment", fields{"name": "Macchina da caffè", "code": "M-01", "price": 4200.5})
	if err != nil {
		return err
	}
	var serials, loads []fields
	for i, store := range c.stores {
		serials = append(serials, fields{"serial": fmt.Sprintf("MC%04d", i+1), "equipment": machine[0].id, "store": store})
	}
	if _, err := k.create(ctx, "/serial-numbers", serials...); err != nil {
		return err
	}
	for _, product := range c.products {
		loads = append(loads, fields{
			"type": "load", "quantity": 100_000, "reason": "purchase", "equipment": product, "store": warehouse, "movedAt": k.at(0),
		})
	}
	_, err = k.create(ctx, "/stock-movements", loads...)
	return err
}
