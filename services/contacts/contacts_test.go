package contacts_test

import (
	"os"
	"testing"

	"github.com/staffetta/staffetta/pkg/upstream/upstreamtest"
	"github.com/staffetta/staffetta/services/contacts"
)

func TestContacts(t *testing.T) {
	t.Parallel()
	upstreamtest.Run(t, upstreamtest.Service{
		Topic:    "events.contacts",
		New:      contacts.New,
		Migrate:  contacts.Migrate,
		Database: os.Getenv("STAFFETTA_TEST_DATABASE"),
		Collections: []upstreamtest.Collection{
			{
				Path: "/contacts", ItemType: "Contact",
				Item:   `{"name": "Giulia Ferri", "email": "giulia@example.com", "address": "Via Torino 12, Milano"}`,
				Faulty: `{"name": ""}`, Field: "name",
			},
			{
				Path: "/customers", ItemType: "Customer",
				Item:   `{"name": "Bar Sport", "vatNumber": "IT01234567890", "discount": 5}`,
				Faulty: `{"name": "Bar Sport", "vatNumber": "0"}`, Field: "vatNumber",
			},
			{
				Path: "/companies", ItemType: "Company",
				Item:   `{"name": "Ortofrutta Brera", "phone": "+39 02 1234567"}`,
				Faulty: `{"name": "Ortofrutta Brera", "phone": "zero due"}`, Field: "phone",
			},
			{
				Path: "/contact-persons", ItemType: "ContactPerson",
				Item:   `{"name": "Marco Colombo", "role": "acquisti", "company": 1}`,
				Faulty: `{"name": "Marco Colombo", "company": 99}`, Field: "company",
			},
			{
				Path: "/crew", ItemType: "Crew",
				Item:   `{"name": "Chiara Rizzo", "role": "cuoca", "active": true}`,
				Faulty: `{"name": "Chiara Rizzo", "email": "chiara"}`, Field: "email",
			},
		},
	})
}
