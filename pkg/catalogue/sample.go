package catalogue

// Sample is what an item of a type may look like, for events that try a webhook
// out. It is made up.
type Sample struct {
	// Collection is the first part of the item's ref: "contacts" of "/contacts/7".
	Collection string
	// Fields are what the item has beside its id, ref, version and times: the inside
	// of a JSON object, never empty.
	Fields string
	// Parent is the type of the item that it belongs to; empty: none.
	Parent string
}

// SampleOf is the sample of an item type by its English name; of one that is not
// in the catalogue, an item with a name.
func SampleOf(name string) Sample {
	if s, ok := samples[name]; ok {
		return s
	}
	return Sample{Collection: Snake(name), Fields: `"name":"Test"`}
}

// person is somebody, for several types.
const person = `"name":"Giulia Ferri","email":"giulia.ferri@example.com","phone":"+39 055 123456","address":"Via Garibaldi 3, Firenze"`

// lines are what was sold, for 38.50 in all.
const lines = `"total":38.50,"currency":"EUR","lines":[{"description":"Spaghetti alle vongole","quantity":2,"price":14.50},{"description":"Vino della casa","quantity":1,"price":9.50}]`

// taxed are lines of a trade document, with what its service makes of them.
const taxed = `"currency":"EUR","lines":[{"description":"Spaghetti alle vongole","quantity":2,"price":14.50,"vat":10},{"description":"Vino della casa","quantity":1,"price":9.50,"vat":22}],` +
	`"net":38.50,"tax":4.99,"vat":[{"rate":22,"net":9.50,"tax":2.09},{"rate":10,"net":29.00,"tax":2.90}],"total":43.49`

// samples of what the domain services have look as theirs do.
var samples = map[string]Sample{
	"Appointment":              {Collection: "appointments", Fields: `"name":"Sopralluogo","start":"2026-03-14T09:00:00+01:00","end":"2026-03-14T10:30:00+01:00","location":"Via Garibaldi 3, Firenze","remark":"Citofono Ferri"`},
	"AppointmentEquipment":     {Collection: "appointment-equipment", Parent: "Appointment", Fields: `"equipment":12792,"quantity":2`},
	"Accessory":                {Collection: "accessories", Parent: "Equipment", Fields: `"name":"Cavo XLR 10 m","quantity":4,"automatic":true`},
	"EquipmentLocation":        {Collection: "equipment-locations", Parent: "Equipment", Fields: `"warehouse":"Firenze","shelf":"B-12","quantity":24`},
	"CrewAvailability":         {Collection: "crew-availabilities", Parent: "Crew", Fields: `"start":"2026-03-14T08:00:00+01:00","end":"2026-03-14T20:00:00+01:00","status":"available"`},
	"InvoiceLine":              {Collection: "invoice-lines", Parent: "Invoice", Fields: `"description":"Noleggio impianto audio","quantity":3,"price":120.00,"vatRate":22,"total":360.00`},
	"Contact":                  {Collection: "contacts", Fields: person + `,"vatNumber":"IT01234567897"`},
	"Contract":                 {Collection: "contracts", Parent: "Project", Fields: `"number":"C-2026-014","date":"2026-03-01","total":4800.00,"signed":true`},
	"ProjectCost":              {Collection: "project-costs", Parent: "Project", Fields: `"name":"Pedaggio","amount":38.20,"currency":"EUR"`},
	"SerialNumber":             {Collection: "serial-numbers", Parent: "Equipment", Fields: `"serial":"SN00412877","purchaseDate":"2025-09-30"`},
	"Invoice":                  {Collection: "invoices", Fields: `"number":"2026/114","sequence":114,"date":"2026-03-14","dueDate":"2026-04-13","customer":4711,"paid":false,` + taxed},
	"File":                     {Collection: "files", Fields: `"name":"planimetria.pdf","size":184320,"type":"application/pdf"`},
	"Folder":                   {Collection: "folders", Fields: `"name":"Documenti","path":"/Progetti/Documenti"`},
	"ProjectFunction":          {Collection: "project-functions", Parent: "Project", Fields: `"name":"Tecnico audio","quantity":2,"start":"2026-03-14T08:00:00+01:00","end":"2026-03-14T23:00:00+01:00"`},
	"ProjectFunctionGroup":     {Collection: "project-function-groups", Parent: "Project", Fields: `"name":"Allestimento","order":1`},
	"TimeRegistrationActivity": {Collection: "time-registration-activities", Fields: `"name":"Montaggio","billable":true`},
	"Ledger":                   {Collection: "ledgers", Fields: `"code":"4010","name":"Ricavi da noleggio"`},
	"Subrental":                {Collection: "subrentals", Fields: `"number":"S-2026-031","supplier":"Luci & Suoni S.r.l.","start":"2026-03-13","end":"2026-03-16","total":640.00`},
	"SubrentalEquipmentGroup":  {Collection: "subrental-equipment-groups", Parent: "Subrental", Fields: `"name":"Luci","order":1`},
	"SubrentalEquipment":       {Collection: "subrental-equipment", Parent: "Subrental", Fields: `"name":"Testa mobile","quantity":8,"price":80.00`},
	"Equipment":                {Collection: "equipment", Fields: `"name":"Mixer digitale 32 canali","code":"AT-0032","price":1890.00`},
	"ProjectEquipmentGroup":    {Collection: "project-equipment-groups", Parent: "Project", Fields: `"name":"Audio","order":1`},
	"Crew":                     {Collection: "crew", Fields: person + `,"role":"Tecnico audio","active":true`},
	"Quote":                    {Collection: "quotes", Fields: `"number":"2026/87","sequence":87,"date":"2026-03-01","validUntil":"2026-03-31","customer":4711,"accepted":false,` + taxed},
	"ContactPerson":            {Collection: "contact-persons", Parent: "Company", Fields: person + `,"role":"Acquisti"`},
	"ProjectCrew":              {Collection: "project-crew", Parent: "Project", Fields: `"crew":33,"function":"Tecnico audio","start":"2026-03-14T08:00:00+01:00","end":"2026-03-14T23:00:00+01:00","confirmed":true`},
	"ProjectVehicle":           {Collection: "project-vehicles", Parent: "Project", Fields: `"vehicle":5,"start":"2026-03-14T06:00:00+01:00","end":"2026-03-15T02:00:00+01:00"`},
	"ProjectEquipment":         {Collection: "project-equipment", Parent: "Project", Fields: `"equipment":12792,"name":"Mixer digitale 32 canali","quantity":1,"price":120.00`},
	"Project":                  {Collection: "projects", Fields: `"name":"Concerto in piazza","number":"P-2026-014","start":"2026-03-14T08:00:00+01:00","end":"2026-03-14T23:59:00+01:00","customer":4711,"status":"confirmed"`},
	"ProjectRequest":           {Collection: "project-requests", Fields: `"name":"Festa aziendale","email":"giulia.ferri@example.com","start":"2026-05-02","end":"2026-05-02","remark":"Circa 200 persone"`},
	"EquipmentGroup":           {Collection: "equipment-groups", Fields: `"name":"Audio","order":1`},
	"CrewRateFactor":           {Collection: "crew-rate-factors", Fields: `"name":"Festivo","factor":1.5`},
	"Repair":                   {Collection: "repairs", Parent: "Equipment", Fields: `"number":"R-2026-009","date":"2026-03-02","defect":"Fader del canale 4","quantity":1,"usable":false`},
	"EquipmentSetContent":      {Collection: "equipment-set-contents", Parent: "Equipment", Fields: `"equipment":12801,"quantity":2`},
	"Status":                   {Collection: "statuses", Fields: `"name":"Confermato","order":3`},
	"Subproject":               {Collection: "subprojects", Parent: "Project", Fields: `"name":"Palco B","order":2,"status":"confirmed"`},
	"TaxClass":                 {Collection: "tax-classes", Fields: `"name":"Ordinaria","code":"22","rate":22`},
	"ProjectType":              {Collection: "project-types", Fields: `"name":"Concerto","color":"#2f6fde"`},
	"TimeRegistration":         {Collection: "time-registrations", Parent: "Crew", Fields: `"start":"2026-03-14T08:00:00+01:00","end":"2026-03-14T17:30:00+01:00","break":"30m","activity":"Montaggio"`},
	"Vehicle":                  {Collection: "vehicles", Fields: `"name":"Furgone 35 q","licensePlate":"FX 123 AB","payload":1350`},
	"StockMovement":            {Collection: "stock-movements", Parent: "Equipment", Fields: `"type":"unload","quantity":2,"reason":"sale","movedAt":"2026-03-14T12:45:10+01:00"`},

	"ClosedBill":   {Collection: "closed-bills", Fields: `"number":"0412","table":"12","covers":2,"closedAt":"2026-03-14T13:42:07+01:00","payment":"card",` + lines},
	"Receipt":      {Collection: "receipts", Parent: "ClosedBill", Fields: `"number":"0412-0031","issuedAt":"2026-03-14T13:42:31+01:00","day":"2026-03-14","payment":"card",` + lines},
	"CreditNote":   {Collection: "credit-notes", Parent: "Invoice", Fields: `"number":"2026/3","sequence":3,"date":"2026-03-16","customer":4711,"reason":"Reso",` + taxed},
	"DeliveryNote": {Collection: "delivery-notes", Parent: "Order", Fields: `"number":"2026/58","sequence":58,"date":"2026-03-14","customer":4711,"carrier":"Corriere Espresso","packages":2,` + taxed},
	"Order":        {Collection: "orders", Fields: `"number":"2026/205","sequence":205,"date":"2026-03-13","customer":4711,"status":"confirmed",` + taxed},
	"CashClosing":  {Collection: "cash-closings", Fields: `"date":"2026-03-14","receipts":57,"payments":{"card":974.50,"cash":310.10},"total":1284.60`},
	"Customer":     {Collection: "customers", Fields: person + `,"vatNumber":"IT01234567897","discount":5`},
	"Company":      {Collection: "companies", Fields: `"name":"Ferri & C. S.r.l.","email":"info@example.com","phone":"+39 055 123456","address":"Via Garibaldi 3, Firenze","vatNumber":"IT01234567897"`},
}
