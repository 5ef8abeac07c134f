package subscribe

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/services/portal/page"
)

// choices are what a webhook can be made of.
type choices struct {
	types  []client.ItemType
	stores []client.PointOfSale
}

// maxStores bounds the list of stores that is shown; others can be written.
const maxStores = 1000

// choicesOf asks for them.
func choicesOf(ctx context.Context, api *client.ClientWithResponses) (c choices, err error) {
	types, err := page.Call(api.ListItemTypesWithResponse(ctx))
	if err != nil {
		return c, err
	}
	c.types = types.JSON200.Items
	limit, cursor := int64(500), (*string)(nil)
	for len(c.stores) < maxStores {
		stores, err := page.Call(api.ListStoresWithResponse(ctx, &client.ListStoresParams{Limit: &limit, Cursor: cursor}))
		if err != nil {
			return c, err
		}
		c.stores = append(c.stores, stores.JSON200.Items...)
		if cursor = stores.JSON200.Next; cursor == nil {
			break
		}
	}
	return c, nil
}

func (c choices) hasType(name string) bool {
	return slices.ContainsFunc(c.types, func(t client.ItemType) bool { return t.Name == name })
}

func (c choices) hasStore(id string) bool {
	return slices.ContainsFunc(c.stores, func(s client.PointOfSale) bool { return s.ID == id })
}

// choice is one that can be ticked.
type choice struct {
	Value, Label string
	// Text is what a search looks in.
	Text   string
	Ticked bool
}

// Icon is the picture of an event type.
func (c choice) Icon() string {
	switch hook.EventType(c.Value) {
	case hook.Create:
		return "plus"
	case hook.Delete:
		return "bin"
	default:
		return "pencil"
	}
}

// group are item types that belong together; its title is the text "group.ID".
type group struct {
	ID    string
	Types []choice
}

// groups are the catalogue's item types by what they are about; what is in none is the
// installation's own, or of no group.
var groups = []struct {
	id    string
	names []string
}{
	{"sales", []string{"ClosedBill", "Receipt", "CashClosing", "Invoice", "InvoiceLine", "CreditNote", "DeliveryNote", "Order", "Quote", "Contract", "Ledger", "TaxClass"}},
	{"people", []string{"Customer", "Company", "Contact", "ContactPerson"}},
	{"goods", []string{"StockMovement", "Equipment", "EquipmentGroup", "EquipmentLocation", "EquipmentSetContent", "SerialNumber", "Accessory", "Repair"}},
	{"projects", []string{
		"Project", "Subproject", "ProjectRequest", "ProjectType", "Status", "ProjectCost", "ProjectFunction", "ProjectFunctionGroup", "ProjectEquipment", "ProjectEquipmentGroup",
		"ProjectCrew", "ProjectVehicle", "Appointment", "AppointmentEquipment", "Subrental", "SubrentalEquipment", "SubrentalEquipmentGroup",
	}},
	{"crew", []string{"Crew", "CrewAvailability", "CrewRateFactor", "TimeRegistration", "TimeRegistrationActivity", "Vehicle"}},
	{"files", []string{"File", "Folder"}},
}

// otherGroup is for what is in none.
const otherGroup = "other"

func groupOf(name string) string {
	for _, g := range groups {
		if slices.Contains(g.names, name) {
			return g.id
		}
	}
	return otherGroup
}

// grouped are the item types by group, in a language, by name in each.
func (c choices) grouped(lang hook.Language, ticked []string) []group {
	all := make([]group, len(groups), len(groups)+1)
	for i, g := range groups {
		all[i].ID = g.id
	}
	all = append(all, group{ID: otherGroup})
	for _, t := range c.types {
		at := slices.IndexFunc(all, func(g group) bool { return g.ID == groupOf(t.Name) })
		all[at].Types = append(all[at].Types, choice{
			Value: t.Name, Label: label(t, lang), Ticked: slices.Contains(ticked, t.Name),
			Text: strings.ToLower(strings.Join(append([]string{t.Name, catalogue.Words(t.Name), t.Italian, catalogue.Words(t.Italian)}, t.Aliases...), " ")),
		})
	}
	for _, name := range ticked { // which nobody knows
		if !c.hasType(name) {
			other := &all[len(all)-1]
			other.Types = append(other.Types, choice{Value: name, Label: name, Text: strings.ToLower(name), Ticked: true})
		}
	}
	for _, g := range all {
		slices.SortStableFunc(g.Types, func(a, b choice) int { return cmp.Compare(a.Label, b.Label) })
	}
	return slices.DeleteFunc(all, func(g group) bool { return len(g.Types) == 0 })
}

// label is an item type's name as people read it.
func label(t client.ItemType, lang hook.Language) string {
	if t.Source == nil {
		return t.Name // the installation's own
	}
	if lang == hook.Italian {
		return catalogue.Words(t.Italian)
	}
	return catalogue.Words(t.Name)
}

// storeChoices are the stores, and those that are ticked though nobody knows them.
func (c choices) storeChoices(ticked []string) []choice {
	all := make([]choice, len(c.stores))
	for i, s := range c.stores {
		all[i] = choice{Value: s.ID, Label: s.Name, Text: strings.ToLower(s.Name + " " + s.ID), Ticked: slices.Contains(ticked, s.ID)}
	}
	for _, id := range ticked {
		if !c.hasStore(id) {
			all = append(all, choice{Value: id, Label: id, Text: strings.ToLower(id), Ticked: true})
		}
	}
	slices.SortStableFunc(all, func(a, b choice) int { return cmp.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label)) })
	return all
}

// ticks are words of which some are ticked.
func ticks(all []string, ticked ...string) []choice {
	list := make([]choice, len(all))
	for i, word := range all {
		list[i] = choice{Value: word, Ticked: slices.Contains(ticked, word)}
	}
	return list
}
