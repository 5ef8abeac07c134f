package catalogue_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/catalogue"
)

// The list as Rentman's document prints it.
const document = "Appuntamento, MaterialeAppuntamento, Accessorio, PosizioneMateriale, DisponibilitàPersonale, RigaFattura, Contatto, Contratto, CostoProgetto, NumeroSeriale, Fattura, File, Cartella, AttivitàProgetto, GruppoAttivitàProgetto, AttivitàRegistrazioneTempo, Registro, Subnoleggio, GruppoMaterialeSubnoleggio, MaterialeSubnoleggio, Materiale, GruppoMaterialeProgetto, Personale, Preventivo, PersonaDiContatto, PersonaleProgetto, VeicoloProgetto, MaterialeProgetto, Progetto, RichiestaProgetto, MaterialeGruppo, FattoreTariffaPersonale, Riparazione, ContenutoSetMateriale, Stato, Sottoprogetto, ClasseFiscale, TipoProgetto, RegistrazioneTempo, Veicolo, MovimentoScorte"

// The same in English, as the contract has it.
const contract = "Appointment, AppointmentEquipment, Accessory, EquipmentLocation, CrewAvailability, InvoiceLine, Contact, Contract, ProjectCost, SerialNumber, Invoice, File, Folder, ProjectFunction, ProjectFunctionGroup, TimeRegistrationActivity, Ledger, Subrental, SubrentalEquipmentGroup, SubrentalEquipment, Equipment, ProjectEquipmentGroup, Crew, Quote, ContactPerson, ProjectCrew, ProjectVehicle, ProjectEquipment, Project, ProjectRequest, EquipmentGroup, CrewRateFactor, Repair, EquipmentSetContent, Status, Subproject, TaxClass, ProjectType, TimeRegistration, Vehicle, StockMovement, " +
	"ClosedBill, Receipt, CreditNote, DeliveryNote, Order, CashClosing, Customer, Company"

func TestEveryTypeOfTheDocumentsIsThereInTheirOrder(t *testing.T) {
	t.Parallel()
	all := catalogue.All()
	english := strings.Split(contract, ", ")
	require.Len(t, all, len(english))
	for n, name := range english {
		require.Equal(t, name, all[n].Name)
	}
	for n, italian := range strings.Split(document, ", ") {
		require.Equal(t, catalogue.Rentman, all[n].Source)
		require.Equal(t, all[n].Name, catalogue.Canonical(italian), "the document's %s", italian)
		if italian != "Materiale" && italian != "Personale" {
			require.Equal(t, italian, all[n].Italian)
		}
	}
	for _, entry := range all[41:] {
		require.Equal(t, catalogue.CassaInCloud, entry.Source)
	}
}

func TestTheExamplesNamesAreWrittenAndBothAreUnderstood(t *testing.T) {
	t.Parallel()
	for name, italian := range map[string][2]string{
		"Crew":      {"Equipaggio", "Personale"},
		"Equipment": {"Attrezzatura", "Materiale"},
	} {
		require.Equal(t, italian[0], catalogue.Italian(name))
		require.Equal(t, name, catalogue.Canonical(italian[0]))
		require.Equal(t, name, catalogue.Canonical(italian[1]))
	}
}

func TestNoNameMeansTwoTypes(t *testing.T) {
	t.Parallel()
	owner := map[string]string{}
	for _, entry := range catalogue.All() {
		for _, name := range append([]string{entry.Name, entry.Italian}, entry.Aliases...) {
			if other, taken := owner[name]; taken {
				require.Equal(t, other, entry.Name, "%s is two types", name)
			}
			owner[name] = entry.Name
		}
		require.Equal(t, entry.Name, catalogue.Canonical(entry.Italian))
		require.Equal(t, entry.Name, catalogue.Canonical(entry.Name))
		require.Equal(t, entry.Italian, catalogue.Italian(entry.Name))
	}
}

func TestATypeOutsideOfTheCatalogueStaysAsItIs(t *testing.T) {
	t.Parallel()
	require.Equal(t, "LoyaltyCard", catalogue.Canonical("LoyaltyCard"))
	require.Equal(t, "LoyaltyCard", catalogue.Italian("LoyaltyCard"))
}

func TestTheCallerOwnsWhatAllReturns(t *testing.T) {
	t.Parallel()
	catalogue.All()[0].Name = "changed"
	require.Equal(t, "Appointment", catalogue.All()[0].Name)
}

func TestSnake(t *testing.T) {
	t.Parallel()
	for name, snake := range map[string]string{
		"Contact":       "contact",
		"ContactPerson": "contact_person",
		"StockMovement": "stock_movement",
		"DDT":           "ddt",
		"VATCode":       "vat_code",
		"loyaltyCard":   "loyalty_card",
		"Item2Type":     "item2_type",
		"già_parted":    "già_parted",
		"two  words":    "two_words",
		"acme.Order":    "acme_order",
		"__x__":         "x",
		"ÈVero":         "è_vero",
		"…":             "",
		"":              "",
	} {
		require.Equal(t, snake, catalogue.Snake(name), "of %q", name)
		require.Equal(t, strings.ToUpper(snake), catalogue.UpperSnake(name))
	}
}

func TestEveryTypeHasASample(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, entry := range catalogue.All() {
		known[entry.Name] = true
	}
	collections := map[string]string{}
	for name := range known {
		s := catalogue.SampleOf(name)
		require.True(t, json.Valid([]byte("{"+s.Fields+"}")), "%s: %s", name, s.Fields)
		require.NotEqual(t, catalogue.SampleOf("Own").Fields, s.Fields, "%s has one of its own", name)
		require.True(t, s.Parent == "" || known[s.Parent], "%s belongs to %s", name, s.Parent)
		require.Empty(t, collections[s.Collection], "%s has the collection of %s", name, collections[s.Collection])
		collections[s.Collection] = name
	}
	require.Equal(t, catalogue.Sample{Collection: "own_thing", Fields: `"name":"Test"`}, catalogue.SampleOf("OwnThing"))
}

func TestNamesOfItemTypesAreReadInWords(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"ContactPerson": "Contact person", "Invoice": "Invoice", "DDTLine": "DDTLine", "": ""} {
		require.Equal(t, want, catalogue.Words(name))
	}
}
