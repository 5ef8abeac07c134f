package webhooks

import "github.com/staffetta/staffetta/services/portal/page"

var words = page.Words{
	"column.types":       {"Webhook", "Webhook"},
	"column.description": {"Description", "Descrizione"},
	"column.url":         {"URL", "URL"},
}
