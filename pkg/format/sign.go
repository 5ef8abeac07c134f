package format

import (
	"net/http"
	"time"

	"github.com/staffetta/staffetta/pkg/hook"
)

// Signer signs the requests of one webhook; its secrets are parsed once. It is
// safe for concurrent use.
type Signer struct{ headers headers }

// headers appends what belongs to a body and an attempt, beside the content type.
type headers func(dst []hook.Header, body []byte, delivery string, at time.Time) []hook.Header

// Secret is one of a webhook's, in the clear.
type Secret struct {
	// Text is its text form.
	Text string
	// Until is when it ends, if it is not the current one.
	Until time.Time
}

// NewSigner takes a webhook's secrets, the current one first. While one rotates
// there are several: a request is signed with each that lasts at its time, or in
// formats with room for one signature with the oldest of these. The error is a
// hook.FieldError: of a format that is not known, or of a secret that will not do,
// without its value.
func NewSigner(f hook.Format, secrets []Secret) (*Signer, error) {
	entry, err := find(f)
	if err != nil {
		return nil, err
	}
	if len(secrets) == 0 {
		return nil, hook.FieldError{Field: "secret", Rule: "must be there to sign with"}
	}
	headers, err := entry.signer(secrets)
	if err != nil {
		return nil, err
	}
	return &Signer{headers: headers}, nil
}

// Append appends the headers by which the receiver knows the request and that it
// came from here. delivery is the delivery's id, the same for every attempt; at
// is the start of the attempt.
func (s *Signer) Append(dst []hook.Header, r Request, delivery string, at time.Time) []hook.Header {
	dst = append(dst, hook.Header{Name: "Content-Type", Value: r.ContentType})
	dst = append(dst, r.Header...)
	return s.headers(dst, r.Body, delivery, at)
}

// Signing is what Sign needs beside the request.
type Signing struct {
	// Delivery is the delivery's id, the same for every attempt.
	Delivery string
	// At is the start of the attempt.
	At time.Time
	// Secrets as NewSigner takes them.
	Secrets []Secret
}

// Sign sets the headers of a single request; see NewSigner and Signer.Append.
func Sign(header http.Header, f hook.Format, r Request, s Signing) error {
	signer, err := NewSigner(f, s.Secrets)
	if err != nil {
		return err
	}
	for _, h := range signer.Append(nil, r, s.Delivery, s.At) {
		header[h.Name] = []string{h.Value}
	}
	return nil
}
