package codec

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
	"github.com/staffetta/staffetta/pkg/wire"
)

// outbox is a record of Debezium's outbox event router, which is told by its header id:
// the router puts the row's id there, always and under that name. Its key is the row's
// aggregate id, its value the row's payload as a converter of Kafka Connect wrote it, and
// further columns are headers, or members beside the payload ("placed in the envelope").
//
// The payload is the event, or, with the columns account and eventType, the data of the
// one item that the event is about.
type outbox struct {
	in Input
	// payload is JSON text; empty: the row has none.
	payload string
	// members are those of the payload, if it is an object.
	members map[string]string
	// columns are those in the envelope, by their names in lower case.
	columns map[string]string
}

// outboxTopic is what Debezium's topics begin with, unless they are set otherwise; behind
// it there is the aggregate's type.
const outboxTopic = "outbox.event."

// Rules of an outbox's columns.
const (
	rulePayload     = "must be there: a tombstone does not say what changed, unless the columns account and itemType do"
	ruleOutboxEvent = "must be create, update or delete, or a name that ends so, such as ContactCreated"
	ruleOutboxType  = "must be there: the column itemType or aggregatetype, or a topic " + outboxTopic + "<itemType>"
	ruleOutboxItem  = "must be there: the key, or the column itemId or aggregateid where the key is account/itemType"
)

func (in Input) fromOutbox() bool { return in.header("id") != "" && in.header("ce_specversion") == "" }

func decodeOutbox(in Input, e *hook.Event, media, contentType string) error {
	in.id = connectText(in.header("id"))
	if media != typeJSON && len(in.Value) > 0 {
		return decodeData(in, e, media, contentType, in.Value)
	}
	o := outbox{in: in}
	if err := o.unwrap(wire.Shared(in.Value)); err != nil {
		return err
	}
	e.Account = o.column("account")
	mapped := e.Account != "" || o.eventType() != ""
	switch {
	case o.isEvent() || !mapped && o.payload != "":
		o.in.Account, e.Account = e.Account, ""
		return decodeJSON(o.in, e, []byte(o.payload))
	case !mapped:
		return refuse(Tombstone, "value", "", rulePayload)
	default:
		return o.about(e)
	}
}

// unwrap takes the payload out of what a converter and the envelope put around it.
func (o *outbox) unwrap(value string) error {
	if value = strings.Trim(value, " \t\r\n"); value == "" {
		return nil
	}
	text, err := withoutSchema(value)
	if err != nil {
		return refuseSyntax(NotJSON, err)
	}
	if text, err = o.openEnvelope(text); err != nil {
		return refuseSyntax(NotJSON, err)
	}
	if strings.HasPrefix(text, `"`) {
		s, err := jsontext.NewScanner(text)
		if err == nil {
			text, err = s.String()
		}
		if err != nil {
			return refuseSyntax(NotJSON, err)
		}
	}
	if strings.TrimSpace(text) == "" {
		return nil
	}
	start, end, err := jsontext.Value(text)
	if err == nil {
		o.members, err = membersOf(text)
	}
	if err != nil {
		return refuse(NotJSON, "payload", "", "must be JSON: "+err.Error())
	}
	if text = text[start:end]; text != "null" {
		o.payload = text
	}
	return nil
}

// openEnvelope gives the payload where columns were placed beside it; else what it got.
// An item may have a member of that name too, so one of those columns must be there.
func (o *outbox) openEnvelope(text string) (string, error) {
	members, err := membersOf(text)
	if err != nil {
		return "", err
	}
	columns := make(map[string]string, len(members))
	for name, column := range members {
		columns[strings.ToLower(name)] = connectText(column)
	}
	payload, ok := members["payload"]
	if _, items := members["items"]; !ok || items || columns["account"] == "" && columns["eventtype"] == "" {
		return text, nil
	}
	o.columns = columns
	return payload, nil
}

// isEvent tells an event from an item, which has not all of these.
func (o *outbox) isEvent() bool {
	for _, name := range []string{"eventType", "itemType", "items"} {
		if _, ok := o.members[name]; !ok {
			return false
		}
	}
	return true
}

// column is one of the row's by the first of its names, in lower case, that there is.
func (o *outbox) column(names ...string) string {
	for _, name := range names {
		if text := connectText(o.in.header(name)); text != "" {
			return text
		}
		if text := o.columns[name]; text != "" {
			return text
		}
	}
	return ""
}

func (o *outbox) eventType() string { return o.column("eventtype", "type") }

// about makes the event about the one item whose data the payload is.
func (o *outbox) about(e *hook.Event) error {
	var f faults
	e.Type = o.kind(&f)
	e.ItemType = o.itemType(&f)
	e.Store, e.Date = o.column("store"), o.column("eventdate")
	item := hook.Item{ID: o.column("itemid", "aggregateid"), Ref: o.column("ref"), Version: o.version(&f)}
	// A key for the order of all items of a type names none of them.
	if key := connectText(wire.Shared(o.in.Key)); item.ID == "" && key != e.Account+"/"+e.ItemType {
		item.ID = key
	}
	if item.ID == "" {
		f.add(place{item: 0, field: "id"}, "", ruleOutboxItem)
	}
	if o.payload != "" {
		item.Data = []byte(o.payload)
	}
	e.Items = []hook.Item{item}
	return finish(o.in, e, f)
}

// kind is what happened. Without a payload the item is gone, unless a column says
// something else: so tombstones are meant.
func (o *outbox) kind(f *faults) hook.EventType {
	name := o.eventType()
	if name == "" && o.payload == "" {
		return hook.Delete
	}
	kind := endsAs(name)
	if kind == "" {
		f.add(field("eventType"), name, ruleOutboxEvent)
	}
	return kind
}

func (o *outbox) itemType(f *faults) string {
	if name := o.column("itemtype", "aggregatetype"); name != "" {
		return name
	}
	name, ok := strings.CutPrefix(o.in.At.Topic, outboxTopic)
	if !ok {
		f.add(field("itemType"), "", ruleOutboxType)
		return ""
	}
	return name
}

func (o *outbox) version(f *faults) *int64 {
	text := o.column("version")
	if text == "" {
		return nil
	}
	version, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		f.add(place{item: 0, field: "version"}, text, ruleVersion)
	}
	return &version
}

// endsAs reads create, created, ContactCreated, contact.created or CONTACT_CREATED, and
// the others likewise; empty: it is none of them.
func endsAs(name string) hook.EventType {
	for _, kind := range []hook.EventType{hook.Create, hook.Update, hook.Delete} {
		for _, word := range []string{string(kind), string(kind) + "d"} {
			at := len(name) - len(word)
			if at < 0 || !strings.EqualFold(name[at:], word) {
				continue
			}
			before, _ := utf8.DecodeLastRuneInString(name[:at])
			first := rune(name[at])
			if at == 0 || !unicode.IsLetter(before) && !unicode.IsDigit(before) || unicode.IsUpper(first) && !unicode.IsUpper(before) {
				return kind
			}
		}
	}
	return ""
}
