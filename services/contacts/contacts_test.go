package contacts_test

import (
	"os"
	"testing"

	"github.com/staffetta/staffetta/pkg/upstream/upstreamtest"
	"github.com/staffetta/staffetta/services/contacts"
)

// taxpayer has all that invoices ask for.
const taxpayer = `{"name": "Bar Sport", "email": "bar@example.com", "phone": "+39 02 1234567", "address": "Via Torino 12, Milano",
	"vatNumber": "IT00743110157", "taxCode": "00743110157", "sdiCode": "M5UXCR1", "pec": "bar@pec.example.com"}`

func TestContacts(t *testing.T) {
	t.Parallel()
	upstreamtest.Run(t, upstreamtest.Service{
		Topic:    "events.contacts",
		New:      contacts.New,
		Migrate:  contacts.Migrate,
		Database: os.Getenv("STAFFETTA_TEST_DATABASE"),
		Collections: []upstreamtest.Collection{
			{
				Path: "/contacts", ItemType: "Contact", Item: taxpayer,
				Faulty: `{"name": "Giulia Ferri", "vatNumber": "IT00743110158"}`, Field: "vatNumber",
			},
			{
				Path: "/customers", ItemType: "Customer", Item: taxpayer,
				Faulty: `{"name": "Bar Sport", "discount": 1e400}`, Field: "discount",
			},
			{
				Path: "/companies", ItemType: "Company", Item: taxpayer,
				Faulty: `{"name": "Ortofrutta Brera", "sdiCode": "M5UXC"}`, Field: "sdiCode",
			},
			{
				Path: "/contact-persons", ItemType: "ContactPerson",
				Item:   `{"name": "Marco Colombo", "role": "acquisti", "taxCode": "RSSMRA85T10A562S", "company": 1}`,
				Faulty: `{"name": "Marco Colombo", "taxCode": "RSSMRA85T10A562T"}`, Field: "taxCode",
			},
			{
				Path: "/crew", ItemType: "Crew",
				Item:   `{"name": "Chiara Rizzo", "role": "cuoca", "active": true}`,
				Faulty: `{"name": "Chiara Rizzo", "email": "chiara"}`, Field: "email",
			},
		},
	})
}
