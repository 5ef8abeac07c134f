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
	render:      renderStandard,
	signer:      signStandard,
	newSecret:   newStandardSecret,
	checkSecret: checkStandardSecret,
}

func newStandardSecret(algorithm hook.Signature) string {
	if algorithm == hook.Ed25519 {
		return signature.NewPrivateKey()
	}
	return signature.NewSecret()
}

func checkStandardSecret(algorithm hook.Signature, secret string) (err error) {
	if algorithm == hook.Ed25519 {
		_, err = signature.ParsePrivateKey(secret)
	} else {
		_, err = signature.ParseSecret(secret)
	}
	return err
}

func renderStandard(dst []byte, s subject) Request {
	dst = append(dst, `{"type":`...)
	dst = jsontext.AppendString(dst, standardType(s.event))
	dst = append(dst, `,"timestamp":`...)
	dst = jsontext.AppendString(dst, s.event.Date)
	dst = append(dst, `,"data":`...)
	dst = appendStandardData(dst, s.event, s.webhook.Payload == hook.Full)
	return Request{Body: append(dst, '}'), ContentType: contentTypeJSON}
}

// standardType is such as "contact_person.create", or "webhook.disabled" of a notice.
func standardType(e *hook.Event) string {
	if e.Type == hook.NoticeEvent {
		return e.ItemType
	}
	return catalogue.Snake(e.ItemType) + "." + string(e.Type)
}

func appendStandardData(dst []byte, e *hook.Event, full bool) []byte {
	if e.Type == hook.NoticeEvent && len(e.Items) == 1 {
		return append(dst, e.Items[0].Data...) // see package notice
	}
	dst = append(dst, `{"id":`...)
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
		dst = appendStandardItem(dst, &e.Items[n], full)
	}
	return append(dst, `]}`...)
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

// signStandard signs with every secret that lasts, so that a receiver may have the
// new one or still an old one.
func signStandard(secrets []Secret) (headers, error) {
	keys := make([]*signature.StandardKey, len(secrets))
	for n := range secrets {
		key, err := signature.NewStandardKey(secrets[n].Text)
		if err != nil {
			return nil, err
		}
		keys[n] = key
	}
	return func(dst []hook.Header, body []byte, delivery string, at time.Time) []hook.Header {
		var room [192]byte // one signature has 47 bytes, of ed25519 92
		signatures := keys[0].Append(room[:0], delivery, at, body)
		for n := 1; n < len(keys); n++ {
			if secrets[n].Until.After(at) {
				signatures = keys[n].Append(append(signatures, ' '), delivery, at, body)
			}
		}
		return append(dst,
			hook.Header{Name: signature.HeaderID, Value: delivery},
			hook.Header{Name: signature.HeaderSignature, Value: string(signatures)},
			hook.Header{Name: signature.HeaderTimestamp, Value: strconv.FormatInt(at.Unix(), 10)})
	}, nil
}
