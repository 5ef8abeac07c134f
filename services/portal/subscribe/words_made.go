package subscribe

import "github.com/staffetta/staffetta/services/portal/page"

// madeWords are those of the page with the secret.
var madeWords = page.Words{
	"made":             {"Your webhook is ready", "Il tuo webhook è pronto"},
	"made.secret":      {"Its secret", "Il suo segreto"},
	"made.secret.text": {"Your receiver verifies with it that a request comes from here.", "Il tuo ricevente lo usa per verificare che una richiesta venga da qui."},
	"made.secret.once": {"Copy it now: it is not shown again. You can replace it later.", "Copialo adesso: non verrà più mostrato. Potrai sostituirlo in seguito."},
	"made.token":       {"Its token", "Il suo token"},
	"made.token.text":  {"Your receiver verifies with it that a request comes from here.", "Il tuo ricevente lo usa per verificare che una richiesta venga da qui."},
	"made.token.once":  {"Copy it now: it is not shown again. You can replace it later.", "Copialo adesso: non verrà più mostrato. Potrai sostituirlo in seguito."},
	"made.key":         {"Its public key", "La sua chiave pubblica"},
	"made.key.text":    {"Your receiver verifies with it that a request comes from here. It is no secret, and stays at the webhook.", "Il tuo ricevente la usa per verificare che una richiesta venga da qui. Non è segreta, e resta nel webhook."},
	"made.private":     {"The private key, which signs. You need it only to keep a copy: it is not shown again.", "La chiave privata, che firma. Ti serve solo se vuoi conservarne una copia: non verrà più mostrata."},
	"test":             {"Send a test", "Invia una prova"},
	"toList":           {"To the webhooks", "Vai ai webhook"},
	"verify":           {"Receive and verify", "Ricevere e verificare"},
	"verify.text":      {"A whole receiver to begin with. It refuses what does not come from here.", "Un ricevente completo da cui partire. Rifiuta ciò che non viene da qui."},
	"saveAs":           {"Save as", "Salvalo come"},
	"runAs":            {"and start it:", "e avvialo:"},
	"needs":            {"Install first:", "Installa prima:"},
}

// connectWords are those of the page of one field.
var connectWords = page.Words{
	"connect":      {"Connect", "Connetti"},
	"connect.text": {"You give a URL and get a token. Whenever something in your account is added, changed or deleted, the URL is called.", "Indichi un URL e ricevi un token. Ogni volta che qualcosa nel tuo account viene aggiunto, modificato o eliminato, l'URL viene chiamato."},
	"connect.hint": {"The token verifies that a message comes from here.", "Con il token verifichi che un messaggio venga da qui."},
	"connect.do":   {"Save", "Salva"},
	"connect.more": {"Only some changes, or another format?", "Solo alcune modifiche, o un altro formato?"},
	"connect.new":  {"New webhook", "Nuovo webhook"},
}
