package format

import (
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
)

const (
	cloudEventsVersion     = "1.0"
	contentTypeCloudEvents = "application/cloudevents+json"
)

// cloudEvents is CloudEvents 1.0 over HTTP (cloudevents.io, "HTTP Protocol
// Binding"), structured or binary, with data, signatures and secrets as those of
// the standard format.
var cloudEvents = entry{
	render:      renderCloudEvents,
	signer:      signStandard,
	newSecret:   newStandardSecret,
	checkSecret: checkStandardSecret,
}

func renderCloudEvents(dst []byte, s subject) Request {
	e, full := s.event, s.webhook.Payload == hook.Full
	source := "/accounts/" + e.Account
	if s.webhook.CloudEvents == hook.Binary {
		return Request{Body: appendStandardData(dst, e, full), ContentType: contentTypeJSON, Header: []hook.Header{
			{Name: "Ce-Id", Value: s.delivery},
			{Name: "Ce-Source", Value: headerText(source)},
			{Name: "Ce-Specversion", Value: cloudEventsVersion},
			{Name: "Ce-Time", Value: e.Date},
			{Name: "Ce-Type", Value: headerText(standardType(e))},
		}}
	}
	dst = append(dst, `{"specversion":"`+cloudEventsVersion+`","id":`...)
	dst = jsontext.AppendString(dst, s.delivery)
	dst = append(dst, `,"source":`...)
	dst = jsontext.AppendString(dst, source)
	dst = append(dst, `,"type":`...)
	dst = jsontext.AppendString(dst, standardType(e))
	dst = append(dst, `,"time":`...)
	dst = jsontext.AppendString(dst, e.Date)
	dst = append(dst, `,"datacontenttype":"`+contentTypeJSON+`","data":`...)
	return Request{Body: append(appendStandardData(dst, e, full), '}'), ContentType: contentTypeCloudEvents}
}
