package page

import (
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// rulesInItalian are the rules that the API says a field breaks. Those that end in " %"
// go on with something of the field's own.
var rulesInItalian = map[string]string{
	"is required":   "è obbligatorio",
	"is not known":  "non è conosciuto",
	"must not be %": "non può essere %",

	// Of events in quarantine, and of days and times that filters have.
	"must be create, update or delete":                                               "deve essere create, update o delete",
	"must be 1 to 100 printable characters":                                          "deve avere da 1 a 100 caratteri stampabili",
	"must be 1 to 64 characters of A-Z a-z 0-9 . _ -":                                "deve avere da 1 a 64 caratteri tra A-Z a-z 0-9 . _ -",
	"must be a JSON object":                                                          "deve essere un oggetto JSON",
	"must be a JSON object, the merge patch":                                         "deve essere un oggetto JSON, il merge patch",
	"must be a string":                                                               "deve essere una stringa",
	"must be a string or an integer":                                                 "deve essere una stringa o un numero intero",
	"must be an object with an id":                                                   "deve essere un oggetto con un id",
	"must be an object with an id, or null":                                          "deve essere un oggetto con un id, oppure null",
	"must be an array of 1 to 10000 items":                                           "deve essere un array da 1 a 10000 elementi",
	"must be an account of this installation":                                        "deve essere un account di questa installazione",
	"must be there: a tombstone does not say what changed":                           "deve esserci: un tombstone non dice che cosa è cambiato",
	"must be a time as in RFC 3339, such as %":                                       "deve essere una data e ora secondo RFC 3339, come %",
	"must be JSON: %":                                                                "deve essere JSON: %",
	"must have at most %":                                                            "deve avere al massimo %",
	"must be an integer or a string of 1 to 256 bytes without control characters":    "deve essere un numero intero o una stringa da 1 a 256 byte senza caratteri di controllo",
	"must be an integer from 0 to 9223372036854775807":                               "deve essere un numero intero da 0 a 9223372036854775807",
	"must be at most 2048 bytes without control characters":                          "deve avere al massimo 2048 byte, senza caratteri di controllo",
	"must be at most 256 bytes without control characters":                           "deve avere al massimo 256 byte, senza caratteri di controllo",
	"must be application/json, application/protobuf or application/cloudevents+json": "deve essere application/json, application/protobuf o application/cloudevents+json",
	"must be a staffetta.event.v1.EntityChange: %":                                   "deve essere uno staffetta.event.v1.EntityChange: %",
	"must be 1.0":                      "deve essere 1.0",
	"must be JSON":                     "deve essere JSON",
	"must not occur twice":             "non può comparire due volte",
	"must be base64":                   "deve essere base64",
	"must be the event":                "deve essere l'evento",
	"breaks its schema: %":             "non rispetta il suo schema: %",
	"must be a day":                    "deve essere un giorno",
	"must be a day and a time":         "deve essere un giorno con un'ora",
	"must not be in the future":        "non può essere nel futuro",
	"must not be before the first day": "non può essere prima del primo giorno",
	"must be later than the beginning": "deve essere dopo l'inizio",
	"another redrive of the account is running: wait for its end, or cancel it": "un altro invio dell'account è in corso: aspetta che finisca, oppure annullalo",
	"the record is no longer in Kafka, so it cannot be sent again":              "il record non è più in Kafka, quindi non può essere inviato di nuovo",
	"it was discarded, and cannot be sent again":                                "è stato scartato e non può essere inviato di nuovo",
	"there is nowhere to send it to, or part of it is no longer in Kafka":       "non c'è più dove inviarlo, oppure una sua parte non è più in Kafka",
	"it is none of upstream's records: it can only be sent as it came":          "è un record interno: si può solo inviare com'è",
	"must be an integer from %":                                                 "deve essere un numero intero da %",
}

// rule is a rule of the API in a language; one that is not known stays as it is.
func rule(lang hook.Language, english string) string {
	if lang != hook.Italian {
		return english
	}
	if italian, ok := rulesInItalian[english]; ok {
		return italian
	}
	// The longest says most.
	longest := ""
	for pattern := range rulesInItalian {
		if begin, found := strings.CutSuffix(pattern, "%"); found && strings.HasPrefix(english, begin) && len(pattern) > len(longest) {
			longest = pattern
		}
	}
	if longest == "" {
		return english
	}
	return strings.TrimSuffix(rulesInItalian[longest], "%") + strings.TrimPrefix(english, strings.TrimSuffix(longest, "%"))
}
