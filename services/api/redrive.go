package api

import (
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/redrive"
)

// maxRedriveBody is what the largest event may take as a JSON string, in bytes: each
// of its own may be an escape of six.
const maxRedriveBody = 6<<20 + 64<<10

// Redrive is the body that sends a quarantined record again; it may be left out.
type Redrive struct {
	Value       string `json:"value,omitempty" doc:"Instead of the value that it has: an event, in the form that the record's content-type names, or in JSON if that is no form of text."`
	ValueBase64 string `json:"valueBase64,omitempty" doc:"The same in base64, for what is no text."`
}

// mended is the value that takes the place of a record's.
type mended struct {
	value []byte
	field string // where it came from
	text  bool
}

// readRedrive reads the body; nil if the record is to be sent as it came.
func readRedrive(body []byte) (*mended, error) {
	if len(body) == 0 {
		return nil, nil //nolint:nilnil // nothing is mended
	}
	d, err := readDocument(body)
	if err != nil {
		return nil, err
	}
	var m *mended
	if text, ok := read[string](d, "value", "must be a string"); ok {
		m = &mended{value: []byte(text), field: "value", text: true}
	}
	const rule = "must be base64"
	if encoded, ok := read[string](d, "valueBase64", rule); ok {
		raw, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case err != nil:
			d.fault("valueBase64", encoded, rule)
		case m != nil:
			d.fault("valueBase64", "", "must be left out beside value")
		}
		m = &mended{value: raw, field: "valueBase64"}
	}
	return m, d.end()
}

// mend puts the value into a record that is one of upstream's, after a check that it
// is an event, and of the account; empty: of any. The error may be a problem.
func (m *mended) mend(account string, q hook.Quarantined, r hook.Record) (hook.Record, error) {
	if bus.Internal(q.Source.Topic) {
		return r, problem.New(http.StatusConflict, "", "it is none of upstream's records: it can only be sent as it came", nil)
	}
	r = redrive.WithValue(r, m.value, m.text)
	e, err := redrive.Event(&q, &r)
	var faults faultList
	var reject *codec.Reject
	switch {
	case errors.As(err, &reject):
		for _, fault := range reject.Faults {
			faults.add(m.place(fault.Field), fault.Value, fault.Rule)
		}
	case err != nil:
		return r, err
	case account != "" && e.Account != account:
		faults.add(m.place("account"), e.Account, "must be "+account)
	}
	return r, faults.err()
}

// place names a field of the event within the body.
func (m *mended) place(field string) string {
	if field == "value" {
		return m.field
	}
	return m.field + "." + field
}
