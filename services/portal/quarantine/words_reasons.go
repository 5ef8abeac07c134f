package quarantine

import (
	"slices"

	"github.com/staffetta/staffetta/pkg/redrive"
	"github.com/staffetta/staffetta/services/portal/page"
)

// reasons are those for which records are quarantined, the frequent ones first.
var reasons = []string{
	"not_json", "invalid_field", "unknown_account", "breaks_schema", "too_large", "tombstone", "unknown_content_type",
	"not_protobuf", "not_cloudevents", "unencodable", "defect", "undecodable", "undecodable_attempt",
}

// failures are the further reasons for which a record cannot be sent again.
var failures = []string{
	redrive.RecordExpired, redrive.PayloadExpired, redrive.RecordCut, redrive.NotUpstreams, redrive.OtherAccount, redrive.NoTopic, redrive.Refused,
}

// knownReason says whether there are texts for a reason: a newer router may have others.
func knownReason(reason string) bool { return slices.Contains(reasons, reason) }

// failureText is the key of the text of why a record cannot be sent again; empty: there
// is none.
func failureText(reason string) string {
	switch {
	case slices.Contains(failures, reason):
		return "failure." + reason
	case knownReason(reason):
		return "reason." + reason
	}
	return ""
}

// reasonWords say of each reason what it is called, and what it means.
var reasonWords = page.Words{
	"reason.not_json":                  {"Not JSON", "Non è JSON"},
	"reason.not_json.text":             {"The value is no JSON, or no JSON object.", "Il valore non è JSON o non è un oggetto JSON."},
	"reason.invalid_field":             {"Invalid field", "Campo non valido"},
	"reason.invalid_field.text":        {"A field is missing or breaks its rule.", "Un campo manca o non rispetta la sua regola."},
	"reason.unknown_account":           {"Unknown account", "Account sconosciuto"},
	"reason.unknown_account.text":      {"There is no such account, or it was deleted.", "L'account non esiste o è stato eliminato."},
	"reason.breaks_schema":             {"Breaks its schema", "Non rispetta lo schema"},
	"reason.breaks_schema.text":        {"The data of an item is not what the schema of its type demands. Mend the data, or loosen the schema and send the record again.", "I dati di un elemento non sono come richiede lo schema del suo tipo. Correggi i dati, oppure allenta lo schema e invia di nuovo il record."},
	"reason.too_large":                 {"Too large", "Troppo grande"},
	"reason.too_large.text":            {"An event may have at most 900,000 bytes.", "Un evento può avere al massimo 900.000 byte."},
	"reason.tombstone":                 {"No value", "Valore assente"},
	"reason.tombstone.text":            {"The record has no value (a tombstone), so it does not say what changed.", "Il record non ha un valore (tombstone), quindi non dice che cosa è cambiato."},
	"reason.unknown_content_type":      {"Unknown content type", "Content-type sconosciuto"},
	"reason.unknown_content_type.text": {"The header content-type names no form that is understood. Sent with a value in JSON, the record loses this header.", "L'intestazione content-type indica un formato che non è tra quelli previsti. Inviando un valore in JSON, il record perde questa intestazione."},
	"reason.not_protobuf":              {"Not protobuf", "Non è protobuf"},
	"reason.not_protobuf.text":         {"The header content-type says protobuf, but the value is no event in that form.", "L'intestazione content-type indica protobuf, ma il valore non è un evento in quel formato."},
	"reason.not_cloudevents":           {"Not a CloudEvent", "Non è un CloudEvent"},
	"reason.not_cloudevents.text":      {"The envelope is no CloudEvent 1.0, or has no data.", "L'involucro non è un CloudEvent 1.0 o non contiene dati."},
	"reason.unencodable":               {"Could not be encoded", "Impossibile da codificare"},
	"reason.unencodable.text":          {"Staffetta could not pass the event on: a defect of its own. Tell those who run this installation.", "Staffetta non è riuscita a inoltrare l'evento: è un suo difetto. Avvisa chi gestisce questa installazione."},
	"reason.defect":                    {"Failure while sending", "Errore durante l'invio"},
	"reason.defect.text":               {"Staffetta failed at this one delivery: a defect of its own. Sent again, it is delivered anew. If it fails again, tell those who run this installation.", "Staffetta ha fallito questa singola consegna: è un suo difetto. Inviandola di nuovo, viene consegnata da capo. Se fallisce ancora, avvisa chi gestisce questa installazione."},
	"reason.undecodable":               {"Unreadable task", "Attività illeggibile"},
	"reason.undecodable.text":          {"A record in one of Staffetta's own topics cannot be read. It is not your data: somebody else writes there.", "Un record in un topic interno di Staffetta è illeggibile. Non sono dati tuoi: ci scrive qualcun altro."},
	"reason.undecodable_attempt":       {"Unreadable log record", "Record di log illeggibile"},
	"reason.undecodable_attempt.text":  {"A record in the topic of attempts cannot be read. It is not your data: somebody else writes there.", "Un record nel topic dei tentativi è illeggibile. Non sono dati tuoi: ci scrive qualcun altro."},
	"failure.record_expired":           {"Kafka no longer has the record", "Kafka non ha più il record"},
	"failure.payload_expired":          {"Kafka no longer has its event", "Kafka non ha più il suo evento"},
	"failure.record_cut":               {"Too large to have been kept whole", "Troppo grande per essere conservato intero"},
	"failure.not_upstreams":            {"No event, so it cannot be patched", "Non è un evento, quindi non si può correggere"},
	"failure.other_account":            {"With the patch it would be another account's", "Con la correzione sarebbe di un altro account"},
	"failure.no_topic":                 {"Its topic or partition is gone", "Il suo topic o la sua partizione non esiste più"},
	"failure.refused":                  {"Kafka refused it", "Kafka lo ha rifiutato"},
}
