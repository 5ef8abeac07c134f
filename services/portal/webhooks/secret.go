package webhooks

import (
	"net/http"
	"slices"
	"time"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

// overlaps are how long the present secret can last beside another.
var overlaps = []string{"0s", "1h", "24h", "48h", "168h"}

// defaultOverlap is chosen until another is.
const defaultOverlap = "24h"

// secretPage is the form of another secret, or what it made.
type secretPage struct {
	row
	Version  string
	Overlaps []string
	Overlap  string
	// Until is when the last of those before ends; zero: none is in use.
	Until time.Time
	// Secret is shown this once; empty: none was made yet. Token: it is no key of
	// Standard Webhooks.
	Secret string
	Faults *page.Faults
	Stale  bool
}

func (s *service) askSecret(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.showSecret(w, r, v, http.StatusOK, secretPage{Overlap: defaultOverlap})
}

func (s *service) showSecret(w http.ResponseWriter, r *http.Request, v *page.Visitor, status int, c secretPage) error {
	h, version, err := get(r, v)
	if err != nil {
		return err
	}
	c.row, c.Version, c.Overlaps, c.Until = newRow(h, &labels{stores: &names.Stores{}}), version, overlaps, timeOf(h.OldSecretUntil)
	if c.Gone {
		s.kit.Redirect(w, r, "webhooks/"+h.ID)
		return nil
	}
	return s.kit.ShowStatus(w, r, v, status, s.secret, c)
}

func (s *service) doSecret(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	overlap := r.PostFormValue("overlap")
	if !slices.Contains(overlaps, overlap) {
		overlap = defaultOverlap
	}
	made, err := page.Call(v.API.RotateWebhookSecretWithResponse(r.Context(), r.PathValue("id"),
		&client.RotateWebhookSecretParams{IdempotencyKey: given(r, "once"), IfMatch: given(r, "version")}, client.RotateSecret{Overlap: &overlap}))
	switch faults, refused := page.Refused(err); {
	case stale(err):
		return s.showSecret(w, r, v, http.StatusPreconditionFailed, secretPage{Overlap: overlap, Stale: true})
	case refused:
		return s.showSecret(w, r, v, http.StatusUnprocessableEntity, secretPage{Overlap: overlap, Faults: faults})
	case err != nil:
		return err
	}
	c := secretPage{row: newRow(made.JSON200, &labels{stores: &names.Stores{}}), Until: timeOf(made.JSON200.OldSecretUntil)}
	if made.JSON200.Secret != nil {
		c.Secret = *made.JSON200.Secret
	}
	return s.kit.Show(w, r, v, s.secret, c)
}
