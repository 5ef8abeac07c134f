package page

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"

	"github.com/staffetta/staffetta/pkg/client"
)

const (
	// maxForm bounds the body of a form, in bytes: a quarantined record that was mended is
	// the largest.
	maxForm = 4 << 20
	// TokenField is the field of a form that has its token; htmx sends it as tokenHeader.
	TokenField  = "token"
	tokenHeader = "Staffetta-Form"
)

// token is what the forms of a session have: another site can make a browser send a form,
// but does not know it.
func token(v *Visitor) string {
	mac := hmac.New(sha256.New, []byte(v.Secret))
	mac.Write([]byte("staffetta portal form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// checkForm reads a form; it returns what is wrong with it as a whole.
func checkForm(w http.ResponseWriter, r *http.Request, v *Visitor) *Notice {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	var large *http.MaxBytesError
	switch err := r.ParseForm(); {
	case errors.As(err, &large):
		return &formTooLarge
	case err != nil:
		return &formStale
	}
	sent := r.Header.Get(tokenHeader)
	if sent == "" {
		sent = r.PostForm.Get(TokenField)
	}
	if !hmac.Equal([]byte(sent), []byte(token(v))) {
		return &formStale
	}
	return nil
}

// once is an Idempotency-Key for a form: sent twice, such as by reloading, it makes one
// thing, and the same answer shows it.
func once() string { return rand.Text() }

// Faults are what a form was refused for.
type Faults struct {
	// Fields has the rule that each field breaks, by the field's path in the API, such as
	// "url" or "retrySchedule[0]".
	Fields map[string]string
	// Whole is what is wrong with it as a whole; may be empty.
	Whole string
}

// Refused tells whether the API refused a form for what it contains, or for the state
// that things are in, and why: then the form is to be shown again. Another error is to be
// returned.
func Refused(err error) (*Faults, bool) {
	var p *client.Problem
	if !errors.As(err, &p) {
		return nil, false
	}
	switch p.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
	default:
		return nil, false
	}
	f := &Faults{Fields: map[string]string{}}
	if p.Errors != nil {
		for _, fault := range *p.Errors {
			if f.Fields[fault.Field] == "" {
				f.Fields[fault.Field] = fault.Rule
			}
		}
	}
	if len(f.Fields) == 0 && p.Detail != nil {
		f.Whole = *p.Detail
	}
	if len(f.Fields) == 0 && f.Whole == "" {
		f.Whole = p.Title
	}
	return f, true
}

// Of is the rule that a field breaks, or empty; also of no Faults.
func (f *Faults) Of(field string) string {
	if f == nil {
		return ""
	}
	return f.Fields[field]
}

// Rest are the faults of fields that are not among some, for a form that does not show
// those.
func (f *Faults) Rest(shown ...string) map[string]string {
	if f == nil {
		return nil
	}
	rest := maps.Clone(f.Fields)
	for _, field := range shown {
		delete(rest, field)
	}
	return rest
}
