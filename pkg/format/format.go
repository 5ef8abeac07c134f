// Package format makes the requests that receivers get: the body, and the
// headers that belong to it. Each format is a file and a row of formats; none
// knows of the others.
package format

import (
	"github.com/staffetta/staffetta/pkg/hook"
)

// Request is what follows from an event, without what changes by the attempt.
// Webhooks of one account that are alike in format, language and payload get
// the same one.
type Request struct {
	Body        []byte
	ContentType string
}

// AllItems is the item of requests that carry every item of their event.
const AllItems = -1

// Render makes the request of an event for a webhook. The body is appended to
// dst, whose memory may be used again once the request is done. account is the
// account's name. item is the index of the one item that the request is about,
// in formats that send a request per item; else AllItems. The error is a
// hook.FieldError that names a format which is not known.
func Render(dst []byte, w *hook.Webhook, account string, e *hook.Event, item int) (Request, error) {
	f, err := find(w.Format)
	if err != nil {
		return Request{}, err
	}
	return f.render(dst, subject{webhook: w, account: account, event: e, item: item}), nil
}

// NewSecret makes a random secret in the text form that the format's receivers
// take.
func NewSecret(f hook.Format) (string, error) {
	entry, err := find(f)
	if err != nil {
		return "", err
	}
	return entry.newSecret(), nil
}

// CheckSecret says whether a secret that somebody brings will do. The error is
// a hook.FieldError, without the secret.
func CheckSecret(f hook.Format, secret string) error {
	entry, err := find(f)
	if err != nil {
		return err
	}
	return entry.checkSecret(secret)
}

// subject is what a body is about.
type subject struct {
	webhook *hook.Webhook
	account string
	event   *hook.Event
	item    int
}

// entry is all that there is to a format.
type entry struct {
	render      func(dst []byte, s subject) Request
	signer      func(secrets []string) (headers, error)
	newSecret   func() string
	checkSecret func(secret string) error
}

var formats = map[hook.Format]entry{
	hook.FormatStandard: standard,
	hook.FormatRentman:  rentman,
}

func find(f hook.Format) (entry, error) {
	if e, ok := formats[f]; ok {
		return e, nil
	}
	return entry{}, hook.FieldError{Field: "format", Value: string(f), Rule: "must be one of the formats"}
}
