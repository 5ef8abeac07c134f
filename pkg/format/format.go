// Package format makes the requests that receivers get: the body, and the
// headers that belong to it. Each format is a file and a row of formats; none
// knows of the others.
package format

import (
	"net/http"
	"time"

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

// Signing is what changes by the attempt.
type Signing struct {
	// Delivery is the delivery's id, the same for every attempt.
	Delivery string
	// At is the start of the attempt.
	At time.Time
	// Secrets in the clear, in their text form, the current one first. While
	// one rotates there are several; formats with room for one signature use
	// the first.
	Secrets []string
}

// Sign sets the headers by which the receiver knows the request and that it
// came from here. The error is a hook.FieldError: of a format that is not
// known, or of a secret that will not do, without its value.
func Sign(header http.Header, f hook.Format, r Request, s Signing) error {
	entry, err := find(f)
	if err != nil {
		return err
	}
	if len(s.Secrets) == 0 {
		return hook.FieldError{Field: "secret", Rule: "must be there to sign with"}
	}
	header["Content-Type"] = []string{r.ContentType}
	return entry.sign(header, r.Body, s)
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
	sign        func(header http.Header, body []byte, s Signing) error
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
