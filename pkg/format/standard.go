package format

import (
	"strconv"
	"time"

	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
	"github.com/staffetta/staffetta/pkg/signature"
)

// contentTypeJSON has no charset: RFC 8259 knows but UTF-8.
const contentTypeJSON = "application/json"

// standard is the format of Standard Webhooks: thin, with what is needed to
// fetch the items, or full, with their data.
var standard = entry{
	render:    renderStandard,
	signer:    signStandard,
	newSecret: signature.NewSecret,
	checkSecret: func(secret string) error {
		_, err := signature.ParseSecret(secret)
		return err
	},
}

func renderStandard(dst []byte, s subject) Request {
	e := s.event
	dst = append(dst, `{"type":`...)
	dst = jsontext.AppendString(dst, catalogue.Snake(e.ItemType)+"."+string(e.Type))
	dst = append(dst, `,"timestamp":`...)
	dst = jsontext.AppendString(dst, e.Date)
	dst = append(dst, `,"data":{"id":`...)
	dst = jsontext.AppendString(dst, e.ID)
	dst = append(dst, `,"account":`...)
	dst = jsontext.AppendString(dst, e.Account)
	dst = append(dst, `,"store":`...)
	dst = jsontext.AppendStringOrNull(dst, e.Store)
	dst = append(dst, `,"user":`...)
	dst = appendStandardReference(dst, e.User)
	dst = append(dst, `,"items":[`...)
	for n := range e.Items {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = appendStandardItem(dst, &e.Items[n], s.webhook.Payload == hook.Full)
	}
	return Request{Body: append(dst, `]}}`...), ContentType: contentTypeJSON}
}

func appendStandardItem(dst []byte, item *hook.Item, full bool) []byte {
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
	dst = append(dst, `,"parent":`...)
	dst = appendStandardReference(dst, item.Parent)
	if full {
		dst = append(dst, `,"data":`...)
		if len(item.Data) > 0 {
			dst = append(dst, item.Data...) // byte for byte
		} else {
			dst = append(dst, "null"...)
		}
	}
	return append(dst, '}')
}

func appendStandardReference(dst []byte, r *hook.Reference) []byte {
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

// signStandard signs with every secret, so that a receiver may have the new one
// or still the old one.
func signStandard(secrets []string) (headers, error) {
	keys := make([]*signature.StandardKey, len(secrets))
	for n, secret := range secrets {
		key, err := signature.NewStandardKey(secret)
		if err != nil {
			return nil, err
		}
		keys[n] = key
	}
	return func(dst []hook.Header, body []byte, delivery string, at time.Time) []hook.Header {
		var room [128]byte // one signature has 47 bytes
		signatures := room[:0]
		for n, key := range keys {
			if n > 0 {
				signatures = append(signatures, ' ')
			}
			signatures = key.Append(signatures, delivery, at, body)
		}
		return append(dst,
			hook.Header{Name: signature.HeaderID, Value: delivery},
			hook.Header{Name: signature.HeaderSignature, Value: string(signatures)},
			hook.Header{Name: signature.HeaderTimestamp, Value: strconv.FormatInt(at.Unix(), 10)})
	}, nil
}
