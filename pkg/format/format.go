// Package format makes the requests that receivers get: the body, and the
// headers that belong to it. Each format is a file and a row of formats; none
// knows of the others.
package format

import (
	"strconv"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Request is what follows from an event, without what changes by the attempt.
type Request struct {
	Body        []byte
	ContentType string
	// Header is what the format adds by the event; nil in most formats.
	Header []hook.Header
}

// Render makes the request of a delivery for a webhook. The body is appended to
// dst, whose memory may be used again once the request is done. account is the
// account's name. In formats of one delivery per item (hook.Format.PerItem) the
// event has that item alone. The error is a hook.FieldError: of a format that is
// not known, or of an event with other items.
func Render(dst []byte, w *hook.Webhook, account string, e *hook.Event, delivery string) (Request, error) {
	f, err := find(w.Format)
	if err != nil {
		return Request{}, err
	}
	if n := len(e.Items); n != 1 && w.Format.PerItem() {
		return Request{}, hook.FieldError{Field: "items", Value: strconv.Itoa(n) + " items", Rule: "must be one in the format " + string(w.Format)}
	}
	return f.render(dst, subject{webhook: w, account: account, event: e, delivery: delivery}), nil
}

// NewSecret makes a random secret in the text form that the format's receivers
// take. algorithm is that of formats that have a choice of it.
func NewSecret(f hook.Format, algorithm hook.Signature) (string, error) {
	entry, err := find(f)
	if err != nil {
		return "", err
	}
	return entry.newSecret(algorithm), nil
}

// CheckSecret says whether a secret that somebody brings will do for NewSecret's
// choice. The error is a hook.FieldError, without the secret.
func CheckSecret(f hook.Format, algorithm hook.Signature, secret string) error {
	entry, err := find(f)
	if err != nil {
		return err
	}
	return entry.checkSecret(algorithm, secret)
}

// subject is what a request is about.
type subject struct {
	webhook  *hook.Webhook
	account  string
	event    *hook.Event
	delivery string
}

// entry is all that there is to a format.
type entry struct {
	render      func(dst []byte, s subject) Request
	signer      func(secrets []Secret) (headers, error)
	newSecret   func(algorithm hook.Signature) string
	checkSecret func(algorithm hook.Signature, secret string) error
}

var formats = map[hook.Format]entry{
	hook.FormatStandard:     standard,
	hook.FormatRentman:      rentman,
	hook.FormatCassaInCloud: cassaInCloud,
	hook.FormatCloudEvents:  cloudEvents,
}

func find(f hook.Format) (entry, error) {
	if e, ok := formats[f]; ok {
		return e, nil
	}
	return entry{}, hook.FieldError{Field: "format", Value: string(f), Rule: "must be one of the formats"}
}
