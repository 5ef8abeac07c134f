package portal

import "github.com/staffetta/staffetta/services/portal/page"

// homeWords are those of the first page.
var homeWords = page.Words{
	"welcome":           {"Welcome", "Ti diamo il benvenuto"},
	"guest":             {"Welcome", "Ti diamo il benvenuto"},
	"guestText":         {"You came by a link from an application that you use.", "Sei qui con un link di un'applicazione che usi."},
	"account":           {"Account", "Account"},
	"role":              {"Role", "Ruolo"},
	"person":            {"Signed in as", "Accesso come"},
	"byLink":            {"Guest, by a portal link", "Ospite, con un link al portale"},
	"until":             {"Session", "Sessione"},
	"untilText":         {"two hours without use, or at the latest", "due ore senza attività, o al massimo"},
	"accounts":          {"Your accounts", "I tuoi account"},
	"accountsText":      {"You work in one account at a time.", "Lavori in un account alla volta."},
	"choose":            {"Choose an account", "Scegli un account"},
	"chooseText":        {"Only the account that you choose is told that you came.", "Solo l'account che scegli viene a sapere del tuo accesso."},
	"current":           {"In use", "In uso"},
	"switch":            {"Switch", "Passa"},
	"role.owner.can":    {"everything, publishing events included", "tutto, compresa la pubblicazione di eventi"},
	"role.settings.can": {"sees and changes webhooks, members and keys", "vede e modifica webhook, membri e chiavi"},
	"role.viewer.can":   {"sees everything, changes nothing", "vede tutto, non modifica nulla"},
	"out":               {"See what your webhooks do", "Guarda cosa fanno i tuoi webhook"},
	"outText":           {"Subscriptions, deliveries and failures of your account, in one place.", "Sottoscrizioni, consegne ed errori del tuo account, in un solo posto."},
	"outOIDC":           {"Sign in with the account of your organisation. You need to be a member: an owner of your Staffetta account adds your email address.", "Accedi con l'utenza della tua organizzazione. Devi essere un membro: il titolare del tuo account Staffetta aggiunge il tuo indirizzo email."},
	"outOther":          {"Other ways in", "Altri modi per entrare"},
	"outLink":           {"From an application", "Da un'applicazione"},
	"outLinkText":       {"Open the webhook settings there: it brings you here by a link, without a password.", "Apri lì le impostazioni dei webhook: ti porta qui con un link, senza password."},
	"outAPI":            {"For developers", "Per chi sviluppa"},
	"outAPIText":        {"Everything here can be done by the API as well.", "Tutto ciò che si fa qui si può fare anche con l'API."},
	"outAPILink":        {"OpenAPI document", "Documento OpenAPI"},
}
