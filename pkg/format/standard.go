package format

import (
	"net/http"
	"strconv"

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
	sign:      signStandard,
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
func signStandard(header http.Header, body []byte, s Signing) error {
	var signatures []byte
	for n, secret := range s.Secrets {
		key, err := signature.ParseSecret(secret)
		if err != nil {
			return err
		}
		if n > 0 {
			signatures = append(signatures, ' ')
		}
		signatures = signature.AppendStandard(signatures, key, s.Delivery, s.At, body)
	}
	values := []string{s.Delivery, strconv.FormatInt(s.At.Unix(), 10), string(signatures)}
	header[signature.HeaderID] = values[0:1:1]
	header[signature.HeaderTimestamp] = values[1:2:2]
	header[signature.HeaderSignature] = values[2:3:3]
	return nil
}
