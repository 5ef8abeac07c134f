package catalogue

// entries is the dictionary. Rentman's types come first and in the order of
// its document. The document calls two types by two names each: in its list
// Personale and Materiale, in its examples Equipaggio and Attrezzatura; what
// receivers have seen are the examples.
//
// Cassa in Cloud's document has no names for machines, so its words are put
// together in the way of the other; what it shares with Rentman (invoices,
// quotes, stock movements) is entered there.
var entries = []ItemType{
	{Name: "Appointment", Italian: "Appuntamento", Source: Rentman},
	{Name: "AppointmentEquipment", Italian: "MaterialeAppuntamento", Source: Rentman},
	{Name: "Accessory", Italian: "Accessorio", Source: Rentman},
	{Name: "EquipmentLocation", Italian: "PosizioneMateriale", Source: Rentman},
	{Name: "CrewAvailability", Italian: "DisponibilitàPersonale", Source: Rentman},
	{Name: "InvoiceLine", Italian: "RigaFattura", Source: Rentman},
	{Name: "Contact", Italian: "Contatto", Source: Rentman},
	{Name: "Contract", Italian: "Contratto", Source: Rentman},
	{Name: "ProjectCost", Italian: "CostoProgetto", Source: Rentman},
	{Name: "SerialNumber", Italian: "NumeroSeriale", Source: Rentman},
	{Name: "Invoice", Italian: "Fattura", Source: Rentman},
	{Name: "File", Italian: "File", Source: Rentman},
	{Name: "Folder", Italian: "Cartella", Source: Rentman},
	{Name: "ProjectFunction", Italian: "AttivitàProgetto", Source: Rentman},
	{Name: "ProjectFunctionGroup", Italian: "GruppoAttivitàProgetto", Source: Rentman},
	{Name: "TimeRegistrationActivity", Italian: "AttivitàRegistrazioneTempo", Source: Rentman},
	{Name: "Ledger", Italian: "Registro", Source: Rentman},
	{Name: "Subrental", Italian: "Subnoleggio", Source: Rentman},
	{Name: "SubrentalEquipmentGroup", Italian: "GruppoMaterialeSubnoleggio", Source: Rentman},
	{Name: "SubrentalEquipment", Italian: "MaterialeSubnoleggio", Source: Rentman},
	{Name: "Equipment", Italian: "Attrezzatura", Aliases: []string{"Materiale"}, Source: Rentman},
	{Name: "ProjectEquipmentGroup", Italian: "GruppoMaterialeProgetto", Source: Rentman},
	{Name: "Crew", Italian: "Equipaggio", Aliases: []string{"Personale"}, Source: Rentman},
	{Name: "Quote", Italian: "Preventivo", Source: Rentman},
	{Name: "ContactPerson", Italian: "PersonaDiContatto", Source: Rentman},
	{Name: "ProjectCrew", Italian: "PersonaleProgetto", Source: Rentman},
	{Name: "ProjectVehicle", Italian: "VeicoloProgetto", Source: Rentman},
	{Name: "ProjectEquipment", Italian: "MaterialeProgetto", Source: Rentman},
	{Name: "Project", Italian: "Progetto", Source: Rentman},
	{Name: "ProjectRequest", Italian: "RichiestaProgetto", Source: Rentman},
	{Name: "EquipmentGroup", Italian: "MaterialeGruppo", Source: Rentman},
	{Name: "CrewRateFactor", Italian: "FattoreTariffaPersonale", Source: Rentman},
	{Name: "Repair", Italian: "Riparazione", Source: Rentman},
	{Name: "EquipmentSetContent", Italian: "ContenutoSetMateriale", Source: Rentman},
	{Name: "Status", Italian: "Stato", Source: Rentman},
	{Name: "Subproject", Italian: "Sottoprogetto", Source: Rentman},
	{Name: "TaxClass", Italian: "ClasseFiscale", Source: Rentman},
	{Name: "ProjectType", Italian: "TipoProgetto", Source: Rentman},
	{Name: "TimeRegistration", Italian: "RegistrazioneTempo", Source: Rentman},
	{Name: "Vehicle", Italian: "Veicolo", Source: Rentman},
	{Name: "StockMovement", Italian: "MovimentoScorte", Aliases: []string{"MovimentoDiMagazzino"}, Source: Rentman},

	{Name: "ClosedBill", Italian: "ContoChiuso", Source: CassaInCloud},
	{Name: "Receipt", Italian: "Scontrino", Source: CassaInCloud},
	{Name: "CreditNote", Italian: "NotaDiCredito", Source: CassaInCloud},
	{Name: "DeliveryNote", Italian: "DocumentoDiTrasporto", Aliases: []string{"DDT"}, Source: CassaInCloud},
	{Name: "Order", Italian: "Ordine", Source: CassaInCloud},
	{Name: "CashClosing", Italian: "ChiusuraCassa", Aliases: []string{"ChiusuraDiCassa"}, Source: CassaInCloud},
	{Name: "Customer", Italian: "Cliente", Source: CassaInCloud},
	{Name: "Company", Italian: "Azienda", Source: CassaInCloud},
}
