package page

import (
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// rulesInItalian are the rules that the API says a field breaks. A % stands for something
// of the field's own, the same in both.
var rulesInItalian = map[string]string{
	// Of every form.
	"is required":                    "è obbligatorio",
	"is not known":                   "non è conosciuto",
	"is read-only":                   "non si può modificare",
	"is not a known field":           "non è un campo conosciuto",
	"is not a known field: %":        "non è un campo conosciuto",
	"is not a known field; %":        "non è un campo conosciuto",
	"must be there once":             "deve comparire una volta sola",
	"must be there once: %":          "deve comparire una volta sola: nei nomi le maiuscole non contano",
	"must not be %":                  "non può essere %",
	"must not be empty":              "non può essere vuoto",
	"must be a string":               "deve essere un testo",
	"must be true or false":          "deve essere true o false",
	"must be an integer from % to %": "deve essere un numero intero da % a %",
	"must be an integer":             "deve essere un numero intero",

	"must be a string of % to % characters":                            "deve avere da % a % caratteri",
	"must be a string of % to % characters without control characters": "deve avere da % a % caratteri, senza caratteri di controllo",
	"must be a list of 1 to % strings":                                 "scegline almeno uno (al massimo %)",
	"must be a list of % to % strings":                                 "deve avere da % a % voci",
	"must be a duration from % to %":                                   "deve essere una durata da % a %, per esempio 15s",
	"must be a duration of whole seconds from % to %":                  "deve essere una durata di secondi interi da % a %",
	"must have at most % bytes":                                        "può avere al massimo % byte",
	"must have at most % bytes in all":                                 "può avere al massimo % byte in tutto",
	"must have at most % entries":                                      "può avere al massimo % voci",
	"must be a time as in RFC 3339, such as %":                         "deve essere un istante come in RFC 3339, per esempio %",

	// Of the state that things are in.
	"already exists": "esiste già",
	"it is revoked and takes no more changes":                                                          "è revocato e non si può più modificare",
	"it was changed meanwhile: read it again":                                                          "nel frattempo è stato modificato: ricaricalo",
	"the Idempotency-Key was used for another request in the last 24 hours: give each request its own": "questo modulo è già stato inviato con altri valori: invialo di nuovo",
	"a request with this Idempotency-Key is in progress; ask again":                                    "l'invio precedente di questo modulo è ancora in corso: riprova",

	// Of item types, events and stores.
	"must be * alone or names without *":                                   "deve essere solo * oppure nomi senza *",
	"must be 1 to 100 printable characters, such as Contact":               "deve avere da 1 a 100 caratteri stampabili, come Contact",
	"must be create, update or delete":                                     "deve essere create, update o delete",
	"must be the id of a store: 1 to 256 bytes without control characters": "deve essere l'id di un punto vendita: da 1 a 256 byte senza caratteri di controllo",
	"must be at least one, or all of them":                                 "scegline almeno uno, oppure tutti",
	"must be the name of an item type":                                     "deve essere il nome di un tipo",
	"must be the name of an item type: %":                                  "deve essere il nome di un tipo",
	"must be one that the webhook gets":                                    "deve essere uno di quelli che il webhook riceve",
	"must be left out beside notices: %":                                   "non va indicato insieme agli avvisi: un webhook di avvisi non riceve modifiche di elementi",
	"must be left out: the webhook is told of notices":                     "non va indicato: il webhook riceve avvisi",
	"must be standard or cloudevents beside notices":                       "insieme agli avvisi deve essere standard o cloudevents",
	"must not become empty, or cease to be: %":                             "non può cambiare: un webhook riceve per sempre o modifiche o avvisi; creane un altro",
	"must be the id of a webhook":                                          "deve essere l'id di un webhook",
	"must be the id of a webhook of this account":                          "deve essere l'id di un webhook di questo account",

	// Of URLs.
	"must be a URL":                             "deve essere un URL",
	"must be an absolute URL of https":          "deve essere un URL completo che inizia con https://",
	"must be an https URL":                      "deve essere un URL https",
	"must name a host":                          "deve indicare un host",
	"must name a host without a dot at its end": "non può avere un punto alla fine dell'host",
	"must write an IPv4 address as four decimal numbers, such as 192.0.2.7":                        "deve scrivere un indirizzo IPv4 con quattro numeri decimali, come 192.0.2.7",
	"must name a host by letters, digits and hyphens with dots between, such as hooks.example.com": "deve indicare un host con lettere, cifre e trattini separati da punti, come hooks.example.com",
	"must name a host by at most % characters":                                                     "deve indicare un host con al massimo % caratteri",
	"must name a public host, not one of the private domain %":                                     "deve indicare un host pubblico, non uno del dominio privato %",
	"must not name this host":                                                                        "non può indicare questo host",
	"must name a host in full, such as hooks.example.com":                                            "deve indicare il nome completo dell'host, come hooks.example.com",
	"must name a host that can be resolved":                                                          "deve indicare un host che si possa risolvere",
	"must not hold a user name or password":                                                          "non può contenere nome utente o password",
	"must not have a fragment":                                                                       "non può avere una parte dopo #",
	"must have a port from 1 to 65535":                                                               "deve avere una porta da 1 a 65535",
	"must not name a private or reserved address: %":                                                 "non può indicare un indirizzo privato o riservato: %",
	"must not name a private or reserved address: % is private":                                      "non può indicare un indirizzo privato o riservato: % è privato",
	"must not name a private or reserved address: % is loopback":                                     "non può indicare un indirizzo privato o riservato: % è di questo stesso host",
	"must not name a private or reserved address: % means this host":                                 "non può indicare un indirizzo privato o riservato: % è di questo stesso host",
	"must not name a private or reserved address: % is link-local":                                   "non può indicare un indirizzo privato o riservato: % è locale alla rete",
	"must not name a private or reserved address: % is link-local, where clouds keep their metadata": "non può indicare un indirizzo privato o riservato: % è locale alla rete, dove i cloud tengono i loro metadati",
	"must not name a private or reserved address: % is site-local":                                   "non può indicare un indirizzo privato o riservato: % è locale alla sede",
	"must not name a private or reserved address: % is shared by carriers (CGNAT)":                   "non può indicare un indirizzo privato o riservato: % è condiviso dagli operatori (CGNAT)",
	"must not name a private or reserved address: % serves the metadata of a cloud":                  "non può indicare un indirizzo privato o riservato: % serve i metadati di un cloud",
	"must not name a private or reserved address: % is multicast":                                    "non può indicare un indirizzo privato o riservato: % è multicast",
	"must not name a private or reserved address: % is broadcast":                                    "non può indicare un indirizzo privato o riservato: % è broadcast",
	"must not name a private or reserved address: % is 6to4":                                         "non può indicare un indirizzo privato o riservato: % è 6to4",
	"must not name a private or reserved address: % is an IPv4 address in disguise (%)":              "non può indicare un indirizzo privato o riservato: % è un indirizzo IPv4 mascherato (%)",
	"must not name a private or reserved address: % is reserved":                                     "non può indicare un indirizzo privato o riservato: % è riservato",
	"must use port 443 or one from 1024 to 65535 that belongs to no well-known service":              "deve usare la porta 443 oppure una da 1024 a 65535 che non sia di un servizio noto",

	// Of formats, signatures and secrets.
	"must be one of the formats": "deve essere uno dei formati",
	"must not change to or from %, which has a delivery per item: make another webhook":    "non può diventare % né smettere di esserlo, perché ha una consegna per elemento: crea un altro webhook",
	"must be hmac-sha256 in the format %":                                                  "deve essere hmac-sha256 nel formato %",
	"is required: the present one is no secret of the format % with the signature ed25519": "è obbligatorio: quello attuale non va bene per il formato % con la firma ed25519",
	"is required: the present one is no secret of the format %":                            "è obbligatorio: quello attuale non va bene per il formato %",
	"must begin with %":                                                       "deve iniziare con %",
	"must be base64 after %":                                                  "deve essere in base64 dopo %",
	"must be the base64 of 24 to 64 bytes after %":                            "dopo % deve avere il base64 di 24-64 byte",
	"must be the base64 of 32 bytes after %":                                  "dopo % deve avere il base64 di 32 byte",
	"must be the base64 of an ed25519 key of 32 or 64 bytes after %":          "dopo % deve avere il base64 di una chiave ed25519 di 32 o 64 byte",
	"must be an ed25519 key whose second half is the public key of the first": "deve essere una chiave ed25519 la cui seconda metà sia la chiave pubblica della prima",
	"must be 8 to 256 visible ASCII characters":                               "deve avere da 8 a 256 caratteri ASCII visibili",

	// Of headers and auth.
	"must be an object of strings":                                               "deve essere un insieme di testi con un nome",
	"must be an object with a type":                                              "deve avere un tipo",
	"must be named by 1 to 100 letters, digits and hyphens, such as X-Api-Key":   "deve avere un nome di 1-100 lettere, cifre e trattini, come X-Api-Key",
	"must not be set: the sender sets it, or it belongs to the connection":       "non si può impostare: lo imposta chi invia, o riguarda la connessione",
	"must be 1 to 2048 visible ASCII characters, with spaces only between them":  "deve avere da 1 a 2048 caratteri ASCII visibili, con spazi solo in mezzo",
	"must be the value itself: there is none to keep":                            "deve essere il valore stesso: non ce n'è uno da mantenere",
	"must be given again, with their values: url names another receiver now":     "da indicare di nuovo, con i valori: ora l'URL porta a un altro ricevente",
	"must be given again: the one to keep was given for another tokenUrl":        "da indicare di nuovo: quello da mantenere era per un altro URL del token",
	"must not be set beside auth, which sets it":                                 "non si può impostare insieme all'autenticazione, che lo imposta",
	"needs a url of https: a certificate is shown in TLS alone":                  "richiede un URL https: un certificato si presenta solo in TLS",
	"must be 1 to % characters without colons":                                   "deve avere da 1 a % caratteri, senza due punti",
	"must be 1 to % characters without control characters":                       "deve avere da 1 a % caratteri, senza caratteri di controllo",
	"must be 1 to % visible ASCII characters":                                    "deve avere da 1 a % caratteri ASCII visibili",
	"must be 1 to % printable ASCII characters":                                  "deve avere da 1 a % caratteri ASCII stampabili",
	"must be 1 to % ASCII characters of certificates in PEM form":                "deve avere da 1 a % caratteri ASCII di certificati in forma PEM",
	"must be 1 to % ASCII characters of a private key in PEM form":               "deve avere da 1 a % caratteri ASCII di una chiave privata in forma PEM",
	"must be 1 to 256 visible ASCII characters without \" and \\":                "deve avere da 1 a 256 caratteri ASCII visibili, senza \" e \\",
	"must be certificates in PEM form, the client's own first, and nothing else": "deve avere certificati in forma PEM, prima quello del client, e nient'altro",
	"must not have expired: it was valid until %":                                "non può essere scaduto: era valido fino al %",
	"must be valid already: it will be from %":                                   "deve essere già valido: lo sarà dal %",
	"must be one for clients (extended key usage clientAuth)":                    "deve essere un certificato per client (extended key usage clientAuth)",
	"must be the certificate's private key, in PEM form and not encrypted":       "deve essere la chiave privata del certificato, in forma PEM e non cifrata",

	// Of retries and filters. What CEL says stays in English, as its documentation.
	"must be a list of durations, such as 5m": "deve essere un elenco di durate, per esempio 5m",
	"must have at most % delays":              "può avere al massimo % attese",
	"must be at most % in all":                "può arrivare al massimo a % in tutto",
	"must be a CEL expression":                "deve essere un'espressione CEL",
	"must be a CEL expression: %":             "deve essere un'espressione CEL: %",

	// Of words to choose from.
	"must be % or %": "deve essere % o %",

	// Of what is in quarantine.
	"must be 1 to 100 printable characters":                                          "deve avere da 1 a 100 caratteri stampabili",
	"must be 1 to 64 characters of A-Z a-z 0-9 . _ -":                                "deve avere da 1 a 64 caratteri tra A-Z a-z 0-9 . _ -",
	"must be a JSON object":                                                          "deve essere un oggetto JSON",
	"must be a JSON object, the merge patch":                                         "deve essere un oggetto JSON, il merge patch",
	"must be a string or an integer":                                                 "deve essere una stringa o un numero intero",
	"must be an object with an id":                                                   "deve essere un oggetto con un id",
	"must be an object with an id, or null":                                          "deve essere un oggetto con un id, oppure null",
	"must be an array of 1 to 10000 items":                                           "deve essere un array da 1 a 10000 elementi",
	"must be an account of this installation":                                        "deve essere un account di questa installazione",
	"must be there: a tombstone does not say what changed":                           "deve esserci: un tombstone non dice che cosa è cambiato",
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

	// Of settings and keys.
	"must be an email address, such as mario@example.com, of at most 254 bytes":       "deve essere un indirizzo email, per esempio mario@example.com, di al massimo 254 byte",
	"another member of the account has this address":                                  "un altro membro dell'account ha questo indirizzo",
	"it is the last owner, and an account keeps one: make another member owner first": "è l'ultimo titolare, e un account ne deve avere uno: prima rendi titolare un altro membro",
	"must be a string of 1 to 100 characters":                                         "deve avere da 1 a 100 caratteri",
	"must be a string of 1 to 200 characters":                                         "deve avere da 1 a 200 caratteri",
	"must be a string of 0 to 200 characters":                                         "deve avere al massimo 200 caratteri",
	"must be a list of 1 to 4 strings":                                                "scegline almeno uno",
	"must be a time in the future as in RFC 3339, such as 2030-01-31T12:00:00Z":       "deve essere un giorno nel futuro",
	"must be at most 256 bytes":                                                       "deve avere al massimo 256 byte",
	"must not be . or ..":                                                             "non può essere . o ..",
}

// rule is a rule of the API in a language; one that is not known stays as it is.
func rule(lang hook.Language, english string) string {
	if lang != hook.Italian {
		return english
	}
	if italian, ok := rulesInItalian[english]; ok {
		return italian
	}
	best, found := 0, ""
	for pattern, italian := range rulesInItalian {
		// The one that says most itself.
		says := len(pattern) - strings.Count(pattern, "%")
		if own, ok := matched(pattern, english); ok && says > best {
			best, found = says, fill(italian, own)
		}
	}
	if best > 0 {
		return found
	}
	return english
}

// matched are what stands in a text where a pattern has a %.
func matched(pattern, text string) (own []string, ok bool) {
	parts := strings.Split(pattern, "%")
	if len(parts) == 1 || !strings.HasPrefix(text, parts[0]) {
		return nil, false
	}
	text = text[len(parts[0]):]
	for n, part := range parts[1:] {
		at := strings.Index(text, part)
		if n == len(parts)-2 { // the last one ends the text
			at = len(text) - len(part)
			if at < 0 || !strings.HasSuffix(text, part) {
				return nil, false
			}
		}
		if at <= 0 {
			return nil, false
		}
		own, text = append(own, text[:at]), text[at+len(part):]
	}
	return own, true
}

// fill puts them in, in order; what was put in is not looked at again.
func fill(pattern string, own []string) string {
	before, after, more := strings.Cut(pattern, "%")
	if !more || len(own) == 0 {
		return pattern
	}
	return before + own[0] + fill(after, own[1:])
}
