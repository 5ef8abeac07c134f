package format

import (
	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
	"github.com/staffetta/staffetta/pkg/signature"
)

// rentman is the format of Rentman's public webhooks, in English or Italian.
// Fields stand in the order of the document's examples.
var rentman = entry{
	render:      renderRentman,
	signer:      signRentman,
	newSecret:   newToken,
	checkSecret: checkToken,
}

// words are the words of a language, keys with their quotes and colon.
type words struct {
	account, user, eventType, itemType, items, id, ref, parent, date string

	eventTypes map[hook.EventType]string
	itemTypeOf func(name string) string
}

var (
	englishWords = words{
		account: `"account":`, user: `"user":`, eventType: `"eventType":`, itemType: `"itemType":`,
		items: `"items":`, id: `"id":`, ref: `"ref":`, parent: `"parent":`, date: `"eventDate":`,
		eventTypes: map[hook.EventType]string{hook.Create: "create", hook.Update: "update", hook.Delete: "delete"},
		itemTypeOf: func(name string) string { return name },
	}
	italianWords = words{
		account: `"account":`, user: `"utente":`, eventType: `"tipoEvento":`, itemType: `"tipoElemento":`,
		items: `"elementi":`, id: `"id":`, ref: `"ref":`, parent: `"genitore":`, date: `"dataEvento":`,
		eventTypes: map[hook.EventType]string{hook.Create: "crea", hook.Update: "aggiorna", hook.Delete: "elimina"},
		itemTypeOf: catalogue.Italian,
	}
)

func renderRentman(dst []byte, s subject) Request {
	e, w := s.event, &englishWords
	if s.webhook.Language == hook.Italian {
		w = &italianWords
	}
	dst = append(append(dst, '{'), w.account...)
	dst = jsontext.AppendString(dst, s.account)
	dst = append(append(dst, ','), w.user...)
	dst = w.appendUser(dst, e.User)
	dst = append(append(dst, ','), w.eventType...)
	dst = jsontext.AppendString(dst, w.eventTypes[e.Type])
	dst = append(append(dst, ','), w.itemType...)
	dst = w.appendItemType(dst, e.ItemType)
	dst = append(append(dst, ','), w.items...)
	dst = w.appendItems(dst, e)
	dst = append(append(dst, ','), w.date...)
	dst = jsontext.AppendString(dst, e.Date)
	return Request{Body: append(dst, '}'), ContentType: contentTypeJSON}
}

// appendItems writes an object per item; of deleted ones, which cannot be
// fetched any more, only the ids.
func (w *words) appendItems(dst []byte, e *hook.Event) []byte {
	dst = append(dst, '[')
	for n := range e.Items {
		if n > 0 {
			dst = append(dst, ',')
		}
		item := &e.Items[n]
		if e.Type == hook.Delete {
			dst = jsontext.AppendID(dst, item.ID)
			continue
		}
		dst = append(dst, '{')
		dst = w.appendIDAnd(dst, item.ID)
		dst = w.appendRef(dst, item.Ref)
		dst = append(append(dst, ','), w.parent...)
		dst = w.appendParent(dst, item.Parent)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendUser writes type, id, ref: the order that a user has in the examples.
func (w *words) appendUser(dst []byte, r *hook.Reference) []byte {
	if r == nil {
		return append(dst, "null"...)
	}
	dst = append(append(dst, '{'), w.itemType...)
	dst = w.appendItemType(dst, r.ItemType)
	dst = append(dst, ',')
	dst = w.appendIDAnd(dst, r.ID)
	dst = w.appendRef(dst, r.Ref)
	return append(dst, '}')
}

// appendParent writes id, type, ref: the order that a parent has.
func (w *words) appendParent(dst []byte, r *hook.Reference) []byte {
	if r == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	dst = w.appendIDAnd(dst, r.ID)
	dst = append(dst, w.itemType...)
	dst = w.appendItemType(dst, r.ItemType)
	dst = append(dst, ',')
	dst = w.appendRef(dst, r.Ref)
	return append(dst, '}')
}

// appendIDAnd writes an id and the comma after it: it is never the last.
func (w *words) appendIDAnd(dst []byte, id string) []byte {
	return append(jsontext.AppendID(append(dst, w.id...), id), ',')
}

func (w *words) appendRef(dst []byte, ref string) []byte {
	return jsontext.AppendStringOrNull(append(dst, w.ref...), ref)
}

func (w *words) appendItemType(dst []byte, name string) []byte {
	return jsontext.AppendStringOrNull(dst, w.itemTypeOf(name))
}

func signRentman(secrets []Secret) (headers, error) {
	return signOnce(signature.HeaderDigest, secrets, signature.NewDigestKey), nil
}
