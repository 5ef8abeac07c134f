// Package hook is the domain: what changed (Event), who wants to be told
// (Webhook), and what became of telling them (Attempt). It knows no
// technology; adapters translate to and from it.
package hook

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"
)

// EventType is the kind of a change.
type EventType string

// The kinds of a change.
const (
	Create EventType = "create"
	Update EventType = "update"
	Delete EventType = "delete"
)

// NoticeEvent is the kind of an event that is a notice of ours (see Notice): its item
// type is the notice, and its one item the notification. No upstream publishes one,
// and only operational webhooks get it.
const NoticeEvent EventType = "notice"

// EventTypes lists every EventType of a change, in the order that people see.
var EventTypes = []EventType{Create, Update, Delete}

// AnyItemType in Webhook.ItemTypes matches every item type.
const AnyItemType = "*"

// Event is one entity change: a create, update or delete of one or more items
// of one type. Its strings and Item.Data may share the memory of the Kafka
// record that it was decoded from, so nobody writes to them.
type Event struct {
	// ID is unique per change; derived from Source where upstream gave none.
	ID string
	// Account is the tenant.
	Account string
	// Store is the point of sale; empty: visible to every webhook.
	Store string
	// User is who made the change; nil for automatic changes.
	User *Reference
	// Type is what happened to the items.
	Type EventType
	// ItemType is the type of all the items, such as "Contact".
	ItemType string
	// Items are the changed items, at least one.
	Items []Item
	// Date is when it happened: RFC 3339 as published, its offset kept.
	Date string

	// Source is the upstream record.
	Source Coordinates
	// Published is when Kafka took the upstream record.
	Published time.Time
	// Trace continues the producer's trace.
	Trace Trace
}

// Item is one changed business entity.
type Item struct {
	// ID is unique within the item's type.
	ID string
	// Ref is the path at which the item can be read, such as "/contacts/7".
	Ref string
	// Version rises with each change of the item; nil if upstream has none.
	Version *int64
	// Data is the item as JSON text, byte for byte as published; nil if none.
	Data []byte
	// Parent is the item that this one belongs to, or nil.
	Parent *Reference
}

// Reference names an item of another type.
type Reference struct {
	ID       string
	ItemType string
	Ref      string
}

// Coordinates name one record in Kafka.
type Coordinates struct {
	Topic     string
	Partition int
	Offset    int64
}

// String gives "topic/partition/offset".
func (c Coordinates) String() string {
	return c.Topic + "/" + strconv.Itoa(c.Partition) + "/" + strconv.FormatInt(c.Offset, 10)
}

// Trace is a W3C trace context as it stands in the headers.
type Trace struct {
	Parent string
	State  string
}

// DerivedEventID is the id of an event whose upstream gave none: the same
// record always has the same id.
func DerivedEventID(c Coordinates) string {
	return digest("evt_", []byte(c.String()))
}

// DeliveryID is the id of the delivery of an event to a webhook, derived so
// that a re-run makes the same id. item is the item's index in formats that
// send one request per item, else -1.
func DeliveryID(event, webhook string, item int) string {
	var room [keyRoom]byte
	key := append(append(append(room[:0], event...), 0), webhook...)
	if item >= 0 {
		key = strconv.AppendInt(append(key, 0), int64(item), 10)
	}
	return digest("dlv_", key)
}

// keyRoom is more than the key of an id has, unless ids from elsewhere are long.
const keyRoom = 128

// lowerHex is the alphabet of Base 32 with extended hex (RFC 4648) in lower case.
var lowerHex = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// digest shortens a key to 26 characters behind a prefix: 128 bits of SHA-256, so
// that among 10^12 ids a collision has a probability of about 10^-15.
func digest(prefix string, key []byte) string {
	sum := sha256.Sum256(key)
	var room [32]byte
	return string(lowerHex.AppendEncode(append(room[:0], prefix...), sum[:16]))
}

// WholeNumber reports whether an id is a decimal integer in the form in which
// JSON writes one; such an id is delivered as a number (seed 001 prints 12014,
// not "12014").
func WholeNumber(id string) bool {
	digits := strings.TrimPrefix(id, "-")
	if digits == "" || len(digits) > 1 && digits[0] == '0' || id == "-0" {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}
