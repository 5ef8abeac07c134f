package notifications

import "github.com/staffetta/staffetta/services/portal/page"

// words are those of the page of notifications.
var words = page.Words{
	"notifications":                {"Notifications", "Notifiche"},
	"onlyOne":                      {"only of", "solo di"},
	"showAll":                      {"show all", "mostra tutte"},
	"kind":                         {"What", "Cosa"},
	"kind.all":                     {"Everything", "Tutto"},
	"show":                         {"Show", "Mostra"},
	"answered":                     {"the last answer was", "l'ultima risposta è stata"},
	"nothingSo":                    {"There is no such notification from the last 90 days.", "Nessuna notifica di questo tipo negli ultimi 90 giorni."},
	"nothingTold":                  {"There is nothing to tell: no webhook has failed for long, and no quota was used up, in the last 90 days.", "Non c'è nulla da segnalare: negli ultimi 90 giorni nessun webhook ha dato errori a lungo e nessuna quota si è esaurita."},
	"told.webhook.failing":         {"A webhook is failing", "Un webhook non funziona"},
	"told.webhook.failing.count":   {"failures in a row", "errori di fila"},
	"told.webhook.disabled":        {"A webhook was disabled", "Un webhook è stato disattivato"},
	"told.webhook.disabled.count":  {"failures in a row", "errori di fila"},
	"told.webhook.recovered":       {"A webhook works again", "Un webhook funziona di nuovo"},
	"told.webhook.recovered.count": {"failures before", "errori prima"},
	"told.quota.exceeded":          {"The quota is used up", "La quota è esaurita"},
	"told.quota.exceeded.count":    {"times", "volte"},
	"told.payloads.expiring":       {"Held deliveries will be lost soon", "Consegne trattenute stanno per andare perse"},
	"told.payloads.expiring.count": {"deliveries", "consegne"},
}
