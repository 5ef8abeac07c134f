package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/signature"
)

// maxBody bounds a delivery: an event has at most 900,000 bytes.
const maxBody = 2 << 20

// Delivery is one delivery that arrived and verified.
type Delivery struct {
	// ID of the delivery, the same for every attempt.
	ID string
	// Type is what happened, such as "contact_person.update".
	Type string
	// Refs of the items.
	Refs []string
	// User is the ref of who did it; empty: nobody.
	User string
	// Store is the point of sale; empty: none.
	Store string
	// At is when it arrived.
	At time.Time
	// Took is the time since the change.
	Took time.Duration
}

// String is the delivery on one line.
func (d Delivery) String() string {
	refs := ""
	if len(d.Refs) > 0 {
		refs = d.Refs[0]
	}
	if len(d.Refs) > 1 {
		refs += fmt.Sprintf(" (+%d)", len(d.Refs)-1)
	}
	line := fmt.Sprintf("%s  %-24s %-24s %5d ms", d.At.Format(time.TimeOnly), d.Type, refs, d.Took.Milliseconds())
	if d.User != "" {
		line += "  by " + d.User
	}
	if d.Store != "" {
		line += "  store " + d.Store
	}
	return line
}

// Receiver is the demo's receiver: it answers 204 to what is signed with the
// demo's secret and 401 to everything else.
func (d *Demo) Receiver() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the body did not arrive", http.StatusBadRequest)
			return
		}
		if err := signature.Verify(r.Header, body, d.secret, now, signature.DefaultTolerance); err != nil {
			d.cfg.Log.Warn("demo receiver: not signed for this demo", zap.Error(err))
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		delivery, err := read(body)
		if err != nil {
			http.Error(w, "the body is no delivery", http.StatusBadRequest)
			return
		}
		delivery.ID = r.Header.Get(signature.HeaderID)
		delivery.At, delivery.Took = now, max(now.Sub(delivery.At), 0)
		d.cfg.Delivered(delivery)
		w.WriteHeader(http.StatusNoContent)
	})
}

// read understands a body of the standard format; At is the time of the change.
func read(body []byte) (Delivery, error) {
	var b struct {
		Type      string
		Timestamp time.Time
		Data      struct {
			Store *string
			User  *struct{ Ref string }
			Items []struct{ Ref string }
		}
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return Delivery{}, err
	}
	delivery := Delivery{Type: b.Type, At: b.Timestamp}
	for _, it := range b.Data.Items {
		delivery.Refs = append(delivery.Refs, strings.ToValidUTF8(it.Ref, ""))
	}
	if b.Data.User != nil {
		delivery.User = b.Data.User.Ref
	}
	if b.Data.Store != nil {
		delivery.Store = *b.Data.Store
	}
	return delivery, nil
}
