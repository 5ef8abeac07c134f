package entity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// Item is one item at one version. Rules read it by its fields' names and set what is
// derived; everything else is the kit's.
type Item struct {
	collection *Collection
	id         int64
	version    int64
	fields     object
	createdAt  time.Time
	updatedAt  time.Time
	deleted    bool
}

// ID is the item's id within its collection; a new item has it before its rule runs.
func (it *Item) ID() int64 { return it.id }

// Ref is the path at which the item answers, such as "/orders/7".
func (it *Item) Ref() string { return it.collection.ref(it.id) }

// Store is the item's point of sale, empty if it has none.
func (it *Item) Store() string { return storeOf(it.fields) }

// Parent is the id of the item's parent, 0 if it has none.
func (it *Item) Parent() int64 { return it.collection.parent(it.fields) }

// CreatedAt is when the item was created, in UTC.
func (it *Item) CreatedAt() time.Time { return it.createdAt }

// Value is a field as JSON text, numbers digit by digit; nil if it is absent or null.
func (it *Item) Value(field string) json.RawMessage {
	value, ok := it.fields.get(field)
	if !ok || isNull(value) {
		return nil
	}
	return value
}

// Has reports whether a field is there and not null.
func (it *Item) Has(field string) bool { return it.Value(field) != nil }

// Text is a field's string, empty if it is no string.
func (it *Item) Text(field string) string {
	var text string
	if json.Unmarshal(it.Value(field), &text) != nil {
		return ""
	}
	return text
}

// Int is a field's integer, 0 if it is none.
func (it *Item) Int(field string) int64 {
	n, err := strconv.ParseInt(string(it.Value(field)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Decimal is a field's number, exactly; 0 if it is none. The field keeps the rule
// entity.Decimal: exponents let few digits stand for numbers that fill the memory.
func (it *Item) Decimal(field string) decimal.Decimal { return ParseDecimal(it.Value(field)) }

// ParseDecimal is the number that JSON text is, exactly; 0 if it is none.
func ParseDecimal(text json.RawMessage) decimal.Decimal {
	d, err := decimal.NewFromString(string(text))
	if err != nil {
		return decimal.Zero
	}
	return d
}

// Objects are the objects of a JSON array, each by the names of its fields; nil if it is
// no array of objects. encoding/json would fill a struct's Price from "PRICE" too, which
// no rule of "price" has judged.
func Objects(array json.RawMessage) []map[string]json.RawMessage {
	var objects []map[string]json.RawMessage
	if json.Unmarshal(array, &objects) != nil {
		return nil
	}
	return objects
}

// Money is an amount as JSON writes it: a number with two decimals.
func Money(d decimal.Decimal) json.Number { return json.Number(d.StringFixed(2)) }

// Set sets a field to what json.Marshal makes of a value, in its place or at the end;
// nil removes it. A value that cannot be marshalled is a fault of the program.
func (it *Item) Set(field string, value any) {
	if value == nil {
		it.fields = it.fields.without(field)
		return
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic(fmt.Sprintf("entity: %s.%s: %v", it.collection.ItemType, field, err))
	}
	it.fields = it.fields.with(field, bytes.TrimSpace(text.Bytes()))
}

// clone is a copy whose fields can be set without changing the other's.
func (it *Item) clone() *Item {
	twin := *it
	twin.fields = slices.Clone(it.fields)
	return &twin
}

// same reports whether two versions of an item have the same fields.
func (it *Item) same(other *Item) bool {
	return slices.Equal(it.fields.appendTo(nil), other.fields.appendTo(nil))
}

// document is the item as the API gives it, and as its events carry it: id, ref
// and version, then its own fields in their order, then its times.
func (c *Collection) document(it *Item) []byte {
	dst := make([]byte, 0, 256)
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendInt(dst, it.id, 10)
	dst = append(dst, `,"ref":`...)
	dst = appendString(dst, c.ref(it.id))
	dst = append(dst, `,"version":`...)
	dst = strconv.AppendInt(dst, it.version, 10)
	for _, m := range it.fields {
		dst = append(dst, ',')
		dst = appendString(dst, m.name)
		dst = append(dst, ':')
		dst = append(dst, m.value...)
	}
	dst = append(dst, `,"createdAt":`...)
	dst = appendString(dst, it.createdAt.Format(time.RFC3339Nano))
	dst = append(dst, `,"updatedAt":`...)
	dst = appendString(dst, it.updatedAt.Format(time.RFC3339Nano))
	return append(dst, '}')
}

// etag is the item's version as an entity tag.
func (it *Item) etag() string { return `"` + strconv.FormatInt(it.version, 10) + `"` }
