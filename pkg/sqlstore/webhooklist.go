package sqlstore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/database"
	"github.com/staffetta/staffetta/pkg/hook"
)

// What lists of webhooks are narrowed and ordered by are columns that the database makes
// of the settings. On SQLite an index for each order has them all: a page is found without
// the rows of the account's other webhooks.

// Webhooks implements hook.Webhooks.
func (s *Store) Webhooks(ctx context.Context, account string, f hook.WebhookFilter, p hook.Page) ([]hook.Webhook, string, error) {
	order := orderOf(f)
	after, more, err := order.parse(p.After)
	if err != nil {
		return nil, "", err
	}
	where := s.webhookConditions(account, f)
	if more {
		where.add(order.after(), after.key, after.id)
	}
	// What is read of the table as a whole is the page alone.
	query := `SELECT ` + webhookColumns + ` FROM webhooks WHERE id IN (SELECT id FROM webhooks WHERE ` + where.text.String() +
		order.by() + ` LIMIT ` + where.arg(p.Limit+1) + `)` + order.by()
	list, err := collect(ctx, s.db, scanWebhook, query, where.args...)
	if err != nil {
		return nil, "", fmt.Errorf("listing webhooks of account %q: %w", account, err)
	}
	if len(list) <= p.Limit {
		return list, "", nil
	}
	list = list[:p.Limit]
	next, err := order.cursor(&list[p.Limit-1])
	return list, next, err
}

func (s *Store) webhookConditions(account string, f hook.WebhookFilter) *conditions {
	where := &conditions{}
	where.add(`account = ?`, account)
	if f.Status != "" {
		where.add(`status = ?`, f.Status)
	} else {
		where.add(`status <> 'revoked'`)
	}
	position := `instr`
	if s.db.Dialect == database.Postgres {
		position = `strpos`
	}
	if f.Search != "" {
		s.addSearch(where, position, f)
	}
	// An operational webhook has no item types, and is told of no changes.
	switch f.ItemType {
	case "":
	case hook.AnyItemType:
		where.add(position+`(types, ?) > 0`, listed(hook.AnyItemType))
	default:
		where.add(`(`+position+`(types, ?) > 0 OR `+position+`(types, ?) > 0)`, listed(f.ItemType), listed(hook.AnyItemType))
	}
	if f.EventType != "" {
		where.add(position+`(events, ?) > 0`, listed(string(f.EventType)))
	}
	if f.Store != "" {
		where.add(`types <> '' AND (stores = '' OR `+position+`(stores, ?) > 0)`, listed(f.Store))
	}
	return where
}

// addSearch looks for a text whatever the case of its letters.
func (s *Store) addSearch(where *conditions, position string, f hook.WebhookFilter) {
	text := storableText(f.Search)
	var ways []string
	var args []any
	if s.db.Dialect == database.Postgres {
		ways, args = []string{`strpos(words, lower(CAST(? AS TEXT) COLLATE "default")) > 0`}, []any{text}
	} else {
		// LIKE folds ASCII alone, but is quicker than GLOB, which has classes of letters.
		ways, args = []string{`words LIKE ? ESCAPE '\'`}, []any{like(text)}
		if strings.ContainsFunc(text, foreign) {
			ways[0], args = `(`+ways[0]+` AND words GLOB ?)`, append(args, glob(text))
		}
	}
	for _, name := range f.SearchTypes {
		ways, args = append(ways, position+`(types, ?) > 0`), append(args, listed(name))
	}
	where.add(`(`+strings.Join(ways, " OR ")+`)`, args...)
}

// listed is what a list in JSON has if it has a name. Within a name a quotation mark
// follows a backslash, and the column begins with a comma.
func listed(name string) string {
	text, _ := json.Marshal(name) // strings always have a JSON form
	return "," + string(text)
}

// foreign are letters that SQLite does not fold.
func foreign(r rune) bool { return r >= utf8.RuneSelf && unicode.SimpleFold(r) != r }

// like is a pattern of LIKE for what contains a text, in which foreign letters may stand
// for any.
func like(text string) string {
	var b strings.Builder
	b.WriteByte('%')
	for _, r := range text {
		switch {
		case foreign(r):
			b.WriteByte('_')
			continue
		case r == '%' || r == '_' || r == '\\':
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('%')
	return b.String()
}

// glob is a pattern of GLOB for what contains a text, each letter in every case.
func glob(text string) string {
	var b strings.Builder
	b.WriteByte('*')
	for _, r := range text {
		if !unicode.IsLetter(r) {
			if strings.ContainsRune("*?[", r) {
				b.WriteString("[" + string(r) + "]")
			} else {
				b.WriteRune(r)
			}
			continue
		}
		b.WriteByte('[')
		b.WriteRune(r)
		for fold := unicode.SimpleFold(r); fold != r; fold = unicode.SimpleFold(fold) {
			b.WriteRune(fold)
		}
		b.WriteByte(']')
	}
	b.WriteByte('*')
	return b.String()
}

// webhookOrder is an order of a list of webhooks: by an expression, then by id.
type webhookOrder struct {
	// name is as the API has it, with a minus if it is reversed.
	name string
	key  string
	down bool
	// of is the value of key; a number or a text.
	of func(w *hook.Webhook) any
}

// never is the time of what has none, where the earliest is first.
const never = int64(1) << 62

func orderOf(f hook.WebhookFilter) webhookOrder {
	o := webhookOrder{name: string(f.Sort)}
	if f.Sort == "" {
		o.name = string(hook.ByCreation)
	}
	time := func(column string, micros func(w *hook.Webhook) int64) {
		o.key, o.down = column, !f.Reverse
		o.of = func(w *hook.Webhook) any { return micros(w) }
		if f.Reverse {
			o.key = `CASE ` + column + ` WHEN 0 THEN ` + strconv.FormatInt(never, 10) + ` ELSE ` + column + ` END`
			o.of = func(w *hook.Webhook) any {
				if at := micros(w); at != 0 {
					return at
				}
				return never
			}
		}
	}
	text := func(column string, of func(w *hook.Webhook) string) {
		o.key, o.down = column, f.Reverse
		o.of = func(w *hook.Webhook) any { return of(w) }
	}
	switch f.Sort {
	case hook.ByDescription:
		text(`described`, func(w *hook.Webhook) string { return lowerASCII(w.Description) })
	case hook.ByURL:
		text(`url`, func(w *hook.Webhook) string { return lowerASCII(w.URL) })
	case hook.ByStatus:
		text(`status`, func(w *hook.Webhook) string { return string(w.Status) })
	case hook.BySuspension:
		time(`suspended_at`, func(w *hook.Webhook) int64 { return database.Micros(w.SuspendedAt) })
	case hook.ByRevocation:
		time(`revoked_at`, func(w *hook.Webhook) int64 { return database.Micros(w.RevokedAt) })
	default: // every webhook has one
		o.key, o.down = `created_at`, !f.Reverse
		o.of = func(w *hook.Webhook) any { return database.Micros(w.CreatedAt) }
	}
	if f.Reverse {
		o.name = "-" + o.name
	}
	return o
}

// lowerASCII is what the databases make of texts for their order.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func (o webhookOrder) by() string {
	if o.down {
		return ` ORDER BY ` + o.key + ` DESC, id DESC`
	}
	return ` ORDER BY ` + o.key + `, id`
}

func (o webhookOrder) after() string {
	if o.down {
		return `(` + o.key + `, id) < (?, ?)`
	}
	return `(` + o.key + `, id) > (?, ?)`
}

// webhookMark is the place after which the next page begins.
type webhookMark struct {
	key any
	id  string
}

// plain is the order of which cursors are those of every other list, as they were when
// there was no other.
func (o webhookOrder) plain() bool { return o.name == string(hook.ByCreation) }

func (o webhookOrder) cursor(last *hook.Webhook) (string, error) {
	if o.plain() {
		return mark{at: database.Micros(last.CreatedAt), id: last.ID}.cursor(), nil
	}
	text, err := json.Marshal([]any{o.name, o.of(last), last.ID})
	if err != nil {
		return "", fmt.Errorf("cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}

// parse reads a cursor of this order: one of another does not say where to go on. more
// is false for the first page.
func (o webhookOrder) parse(cursor string) (after webhookMark, more bool, err error) {
	if o.plain() || cursor == "" {
		m, more, err := parseMark(cursor)
		return webhookMark{key: m.at, id: m.id}, more, err
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	var name string
	var parts []json.RawMessage
	if err == nil {
		err = json.Unmarshal(text, &parts)
	}
	if err != nil || len(parts) != 3 || json.Unmarshal(parts[0], &name) != nil || name != o.name || json.Unmarshal(parts[2], &after.id) != nil {
		return webhookMark{}, false, badCursor(cursor)
	}
	switch o.of(&hook.Webhook{}).(type) {
	case int64:
		var n int64
		err = json.Unmarshal(parts[1], &n)
		after.key = n
	default:
		var s string
		err = json.Unmarshal(parts[1], &s)
		after.key = s
		if !readable(s) {
			return webhookMark{}, false, badCursor(cursor)
		}
	}
	if err != nil || !readable(after.id) || slices.ContainsFunc(parts, func(p json.RawMessage) bool { return string(p) == "null" }) {
		return webhookMark{}, false, badCursor(cursor)
	}
	return after, true, nil
}
