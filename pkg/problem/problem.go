// Package problem writes errors as RFC 9457 problem details, in the one form
// that every 4xx and 5xx answer of the product has.
package problem

import (
	"encoding/json"
	"net/http"

	"github.com/staffetta/staffetta/pkg/hook"
)

// ContentType of a problem.
const ContentType = "application/problem+json"

// Details is the body of an answer that is an error.
type Details struct {
	// Type is "about:blank": the status says what kind of problem it is.
	Type string `json:"type" doc:"Always about:blank: the status says what kind of problem it is." example:"about:blank"`
	// Title is the status in words.
	Title string `json:"title" doc:"The status in words." example:"Unprocessable Entity"`
	// Status is the answer's status code.
	Status int `json:"status" doc:"The status code." example:"422"`
	// Detail says what went wrong this time; empty if the title says it all.
	Detail string `json:"detail,omitempty" doc:"What went wrong this time."`
	// Errors are the faults of the input, if it was at fault.
	Errors []Fault `json:"errors,omitempty" nullable:"false" doc:"The faults of the input, the first 20 of them."`
}

// Fault is one field that broke a rule.
type Fault struct {
	// Field is its path in the document, such as "items[0].id", or the name of
	// a parameter.
	Field string `json:"field" doc:"Path of the field in the body, or name of the parameter." example:"items[0].id"`
	// Value as it was given, shortened to 64 characters; empty if it was
	// absent, is no single value, or is secret.
	Value string `json:"value,omitempty" doc:"The value as it was given, shortened; left out if absent or secret."`
	// Rule that the value breaks.
	Rule string `json:"rule" doc:"The rule that the value breaks." example:"is required"`
}

// New makes a problem. An empty title is the status in words.
func New(status int, title, detail string, faults hook.Invalid) *Details {
	if title == "" {
		title = http.StatusText(status)
	}
	d := &Details{Type: "about:blank", Title: title, Status: status, Detail: detail}
	for _, f := range faults {
		d.Errors = append(d.Errors, Fault(f))
	}
	return d
}

// Error gives the detail, else the title.
func (d *Details) Error() string {
	if d.Detail == "" {
		return d.Title
	}
	return d.Detail
}

// GetStatus returns the status code; with it a Details is an error to huma.
func (d *Details) GetStatus() int { return d.Status }

// ContentType tells huma the media type.
func (d *Details) ContentType(string) string { return ContentType }

// Write answers with a problem. An empty title is the status in words; an
// empty detail is the faults in words, if there are any.
func Write(w http.ResponseWriter, status int, title, detail string, faults hook.Invalid) {
	if detail == "" && len(faults) > 0 {
		detail = faults.Error()
	}
	body, err := json.Marshal(New(status, title, detail, faults))
	if err != nil { // strings and an int: it cannot
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The connection is the client's: if it is gone there is nobody to tell.
	_, _ = w.Write(append(body, '\n'))
}
