package codec

import (
	"strconv"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
)

// EncodeJSON writes an event in the JSON form, for upstream services. What is
// absent is null, but an empty id and date are left out. It refuses what
// Decode would refuse, with the same *Reject; source, time and trace are not
// in the value.
func EncodeJSON(e hook.Event) ([]byte, error) {
	if err := Validate(e); err != nil {
		return nil, err
	}
	dst := appendEvent(make([]byte, 0, 256+128*len(e.Items)), &e)
	if len(dst) > MaxBytes {
		return nil, refuseSize(len(dst))
	}
	return dst, nil
}

func appendEvent(dst []byte, e *hook.Event) []byte {
	dst = append(dst, '{')
	if e.ID != "" {
		dst = append(dst, `"id":`...)
		dst = jsontext.AppendString(dst, e.ID)
		dst = append(dst, ',')
	}
	dst = append(dst, `"account":`...)
	dst = jsontext.AppendString(dst, e.Account)
	dst = append(dst, `,"store":`...)
	dst = jsontext.AppendStringOrNull(dst, e.Store)
	dst = append(dst, `,"user":`...)
	dst = appendReference(dst, e.User)
	dst = append(dst, `,"eventType":`...)
	dst = jsontext.AppendString(dst, string(e.Type))
	dst = append(dst, `,"itemType":`...)
	dst = jsontext.AppendString(dst, e.ItemType)
	dst = append(dst, `,"items":[`...)
	for n := range e.Items {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = appendItem(dst, &e.Items[n])
	}
	dst = append(dst, ']')
	if e.Date != "" {
		dst = append(dst, `,"eventDate":`...)
		dst = jsontext.AppendString(dst, e.Date)
	}
	return append(dst, '}')
}

func appendItem(dst []byte, item *hook.Item) []byte {
	dst = append(dst, `{"id":`...)
	dst = jsontext.AppendID(dst, item.ID)
	dst = append(dst, `,"ref":`...)
	dst = jsontext.AppendStringOrNull(dst, item.Ref)
	dst = append(dst, `,"version":`...)
	if item.Version != nil {
		dst = strconv.AppendInt(dst, *item.Version, 10)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"data":`...)
	if len(item.Data) > 0 {
		dst = append(dst, item.Data...)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"parent":`...)
	dst = appendReference(dst, item.Parent)
	return append(dst, '}')
}

func appendReference(dst []byte, r *hook.Reference) []byte {
	if r == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, `{"id":`...)
	dst = jsontext.AppendID(dst, r.ID)
	dst = append(dst, `,"itemType":`...)
	dst = jsontext.AppendStringOrNull(dst, r.ItemType)
	dst = append(dst, `,"ref":`...)
	dst = jsontext.AppendStringOrNull(dst, r.Ref)
	return append(dst, '}')
}
