package webhooks

import (
	"net/http"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/names"
	"github.com/staffetta/staffetta/services/portal/page"
)

// mostTried is how many item types one test has at most.
const mostTried = 10

// testPage is the form of a test.
type testPage struct {
	row
	// Choices are the webhook's item types; none if it is told of notices.
	Choices []choice
	Most    int
	Faults  *page.Faults
}

func (s *service) askTest(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	return s.showTest(w, r, v, http.StatusOK, nil)
}

func (s *service) showTest(w http.ResponseWriter, r *http.Request, v *page.Visitor, status int, faults *page.Faults) error {
	h, _, err := get(r, v)
	if err != nil {
		return err
	}
	n, err := learn(r.Context(), v, s.kit.Language(r, v), []client.Webhook{*h})
	if err != nil {
		return err
	}
	c := testPage{row: newRow(h, n), Most: mostTried, Faults: faults}
	if c.Gone {
		s.kit.Redirect(w, r, "webhooks/"+h.ID)
		return nil
	}
	c.Choices = triable(h, n)
	picked := r.PostForm["itemTypes"]
	for i := range c.Choices {
		if picked == nil {
			c.Choices[i].Chosen = i == 0
		} else {
			c.Choices[i].Chosen = slices.Contains(picked, c.Choices[i].Value)
		}
	}
	return s.kit.ShowStatus(w, r, v, status, s.attempt, c)
}

// triable are the item types that a webhook can be tried out with.
func triable(h *client.Webhook, n *labels) []choice {
	types := n.types
	if !newRow(h, n).AllTypes {
		types = make([]names.Choice, len(h.ItemTypes))
		for i, name := range n.typeNames(h.ItemTypes) {
			types[i] = names.Choice{ID: h.ItemTypes[i], Name: name}
		}
		slices.SortFunc(types, func(a, b names.Choice) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	}
	return chosen(types, "")
}

func (s *service) doTest(w http.ResponseWriter, r *http.Request, v *page.Visitor) error {
	id, body := r.PathValue("id"), client.TestWebhook{}
	if types := r.PostForm["itemTypes"]; len(types) > 0 {
		body.ItemTypes = &types
	}
	_, err := page.Call(v.API.TestWebhookWithResponse(r.Context(), id, &client.TestWebhookParams{IdempotencyKey: given(r, "once")}, body))
	if faults, refused := page.Refused(err); refused {
		return s.showTest(w, r, v, http.StatusUnprocessableEntity, faults)
	}
	if err != nil {
		return err
	}
	return s.kit.Done(w, r, "log?webhook="+id, "done.tested")
}
