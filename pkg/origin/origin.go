// Package origin reads events where upstream put them: from the records of the
// event topics. The router does so when they come, and a replay again later: the
// same record is the same event with the same id, whoever reads it.
package origin

import (
	"strings"

	"github.com/staffetta/staffetta/pkg/bus"
	"github.com/staffetta/staffetta/pkg/codec"
	"github.com/staffetta/staffetta/pkg/hook"
)

// Decode reads the event of a record, whose memory it shares. Its error is a
// *codec.Reject.
func Decode(r *bus.Record) (hook.Event, error) { return codec.Decode(input(r)) }

// Account tells whose a record is that may be no event; empty: it does not tell.
func Account(r *bus.Record) string { return codec.AccountOf(input(r)) }

func input(r *bus.Record) codec.Input {
	return codec.Input{
		Header: func(name string) ([]byte, bool) {
			for i := range r.Headers {
				if strings.EqualFold(r.Headers[i].Key, name) {
					return r.Headers[i].Value, true
				}
			}
			return nil, false
		},
		Value: r.Value,
		Key:   r.Key,
		At:    r.At(),
		Time:  r.Time,
	}
}
