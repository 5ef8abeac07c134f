package codec

import (
	"strconv"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
)

// EncodeJSON writes an event in the JSON form, for upstream services. It refuses
// what Decode would refuse, with the same *Reject.
func EncodeJSON(e hook.Event) ([]byte, error) {
	if err := Validate(e); err != nil {
		return nil, err
	}
	dst := AppendJSON(make([]byte, 0, 256+128*len(e.Items)), e)
	if len(dst) > MaxBytes {
		return nil, refuseSize(len(dst))
	}
	return dst, nil
}

// AppendJSON appends an event in the JSON form. What is absent is left out, so
// that an event does not outgrow the text it was read from by more than what
// was filled in since. Source, time and trace are not in it. It checks nothing:
// give it what Decode or Validate let pass.
func AppendJSON(dst []byte, e hook.Event) []byte {
	dst = append(dst, '{')
	if e.ID != "" {
		dst = append(dst, `"id":`...)
		dst = jsontext.AppendString(dst, e.ID)
		dst = append(dst, ',')
	}
	dst = append(dst, `"account":`...)
	dst = jsontext.AppendString(dst, e.Account)
	dst = appendText(dst, `,"store":`, e.Store)
	dst = appendReference(dst, `,"user":`, e.User)
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
	dst = appendText(dst, `,"eventDate":`, e.Date)
	return append(dst, '}')
}

func appendItem(dst []byte, item *hook.Item) []byte {
	dst = append(dst, `{"id":`...)
	dst = jsontext.AppendID(dst, item.ID)
	dst = appendText(dst, `,"ref":`, item.Ref)
	if item.Version != nil {
		dst = append(dst, `,"version":`...)
		dst = strconv.AppendInt(dst, *item.Version, 10)
	}
	if len(item.Data) > 0 {
		dst = append(dst, `,"data":`...)
		dst = append(dst, item.Data...)
	}
	dst = appendReference(dst, `,"parent":`, item.Parent)
	return append(dst, '}')
}

// appendText appends a member, its name as it stands, unless it is empty.
func appendText(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	return jsontext.AppendString(append(dst, name...), text)
}

// appendReference appends a member, its name as it stands, unless it is nil.
func appendReference(dst []byte, name string, r *hook.Reference) []byte {
	if r == nil {
		return dst
	}
	dst = append(dst, name...)
	dst = append(dst, `{"id":`...)
	dst = jsontext.AppendID(dst, r.ID)
	dst = appendText(dst, `,"itemType":`, r.ItemType)
	dst = appendText(dst, `,"ref":`, r.Ref)
	return append(dst, '}')
}
