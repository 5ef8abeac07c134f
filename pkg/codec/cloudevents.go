package codec

import (
	"encoding/base64"
	"errors"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
)

// decodeBinary reads the binary mode of the CloudEvents Kafka binding: the
// attributes are headers named ce_…, the value is the event in a plain form.
func decodeBinary(in Input, e *hook.Event, media, contentType string) error {
	if err := checkSpecVersion("ce_specversion", in.header("ce_specversion")); err != nil {
		return err
	}
	in.id, in.date = in.header("ce_id"), in.header("ce_time")
	return decodeData(in, e, media, contentType, in.Value)
}

// checkSpecVersion takes 1.0, the only version that is in use.
func checkSpecVersion(name, version string) error {
	if version != "1.0" {
		return refuse(NotCloudEvents, name, version, "must be 1.0")
	}
	return nil
}

// cloudEvent is what a structured CloudEvent says around its data.
type cloudEvent struct {
	specVersion, id, time string
	contentType           string // of the data
	data                  []byte // nil: none
	base64                string // data_base64
}

func decodeStructured(in Input, e *hook.Event) error {
	r, err := newReader(in.Value)
	if err != nil {
		return refuseAs(NotCloudEvents, err)
	}
	if r.Kind() != jsontext.Object {
		return refuseAs(NotCloudEvents, r.refuseNoObject())
	}
	ce, err := r.cloudEvent()
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return refuseSyntax(NotCloudEvents, err)
	}
	if err := r.faults.reject(); err != nil {
		return refuseAs(NotCloudEvents, err)
	}
	if err := checkSpecVersion("specversion", ce.specVersion); err != nil {
		return err
	}
	data, err := ce.bytes()
	if err != nil {
		return err
	}
	in.id, in.date = ce.id, ce.time
	return decodeData(in, e, mediaType(ce.contentType), ce.contentType, data)
}

// refuseAs gives a refusal another reason.
func refuseAs(reason Reason, err error) error {
	var r *Reject
	if errors.As(err, &r) {
		return &Reject{Reason: reason, Faults: r.Faults}
	}
	return err
}

// bytes are the event itself.
func (c cloudEvent) bytes() ([]byte, error) {
	switch {
	case c.data != nil:
		return c.data, nil
	case c.base64 == "":
		return nil, refuse(NotCloudEvents, "data", "", "must be the event")
	}
	data, err := base64.StdEncoding.DecodeString(c.base64)
	if err != nil {
		return nil, refuse(NotCloudEvents, "data_base64", c.base64, "must be base64")
	}
	return data, nil
}

func (r *reader) cloudEvent() (cloudEvent, error) {
	var (
		c cloudEvent
		s seen
	)
	if err := r.Open(); err != nil {
		return c, err
	}
	for first := true; ; first = false {
		name, more, err := r.Member(first)
		if !more || err != nil {
			return c, err
		}
		at := field(name)
		switch name {
		case "specversion":
			r.once(&s, 0, at)
			c.specVersion, err = r.text(at)
		case "id":
			r.once(&s, 1, at)
			c.id, err = r.text(at)
		case "time":
			r.once(&s, 2, at)
			c.time, err = r.text(at)
		case "datacontenttype":
			r.once(&s, 3, at)
			c.contentType, err = r.text(at)
		case "data":
			r.once(&s, 4, at)
			c.data, err = r.data()
		case "data_base64":
			r.once(&s, 5, at)
			c.base64, err = r.text(at)
		default:
			_, _, err = r.Raw()
		}
		if err != nil {
			return c, err
		}
	}
}
