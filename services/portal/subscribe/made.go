package subscribe

import (
	"net/http"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/services/portal/page"
)

// madePage shows a webhook's secret, once.
type madePage struct {
	Webhook *client.Webhook
	// Secret is what the receiver verifies with: of ed25519 the public key.
	Secret string
	// Private is the private key of ed25519; empty otherwise.
	Private string
	// Kind is what the secret is called: "secret", "token" or "key".
	Kind      string
	Receivers []Receiver
}

func (s *service) showMade(w http.ResponseWriter, r *http.Request, v *page.Visitor, made *client.Webhook) error {
	p := madePage{Webhook: made, Secret: text(made.Secret), Kind: "secret"}
	if made.Signature == client.WebhookSignatureEd25519 {
		p.Private, p.Secret, p.Kind = p.Secret, text(made.PublicKey), "key"
	}
	if made.Format == client.WebhookFormatRentman || made.Format == client.WebhookFormatCassaInCloud {
		p.Kind = "token"
	}
	var err error
	if p.Receivers, err = Receivers(made.Format, made.Signature); err != nil {
		return err
	}
	return s.kit.ShowStatus(w, r, v, http.StatusCreated, s.made, p)
}
