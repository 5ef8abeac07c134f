package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/signature"
)

// PreviewWebhook is the body that asks what requests a webhook would get.
type PreviewWebhook struct {
	ItemTypes []string `json:"itemTypes,omitempty" nullable:"false" minItems:"1" maxItems:"100" example:"[\"Contact\"]" doc:"As of a new webhook, and like url required as there; with webhook given nothing is."`
	URL       string   `json:"url,omitempty" format:"uri" maxLength:"2048" example:"https://example.com/hooks"`
	Webhook   string   `json:"webhook,omitempty" example:"wh_06h0c5ancmgc2352lmeebjn7ps" doc:"The webhook that the rest would change, as a PATCH does; by default it would be a new one."`
	ItemType  string   `json:"itemType,omitempty" example:"Contact" doc:"Of the made-up event, in English or Italian: one that the webhook gets. Its first by default."`
	EventType string   `json:"eventType,omitempty" enum:"create,update,delete" doc:"Of the made-up event: one that the webhook gets. Its first by default."`
	WebhookOptions
}

// WebhookPreview is a request that a webhook would get.
type WebhookPreview struct {
	Method    string   `json:"method" example:"POST"`
	URL       string   `json:"url"`
	Headers   []Header `json:"headers" nullable:"false" doc:"In the order of the request. What proves who sends it (auth), and values that were kept, are shown as ***."`
	Body      string   `json:"body" doc:"Byte for byte."`
	EventType string   `json:"eventType" enum:"create,update,delete,notice"`
	ItemType  string   `json:"itemType" doc:"Of a notice its kind, such as webhook.failing."`
	Secret    string   `json:"secret" doc:"What the signature is made with: a placeholder, never the webhook's own."`
	PublicKey string   `json:"publicKey,omitempty" doc:"Of ed25519: that of the placeholder."`
}

type previewAnswer struct {
	Body WebhookPreview
}

func (s *Service) previewRoute() {
	handle(s, huma.Operation{
		OperationID: "preview-webhook", Method: http.MethodPost, Path: "/v1/webhook-previews", Tags: []string{"webhooks"},
		Summary: "Preview a webhook",
		Description: "Checks what a webhook is to be made of, or with webhook given a change of it, as if it were done, and shows the request that a made-up event would lead to. " +
			"Nothing is stored, and nothing sent. The signature is made with a placeholder for the secret.",
		Errors: []int{http.StatusConflict},
	}, access{scope: hook.ScopeWrite}, PreviewWebhook{}, s.previewWebhook)
}

func (s *Service) previewWebhook(ctx context.Context, in *JSONBody) (*previewAnswer, error) {
	d, err := readDocument(in.RawBody)
	if err != nil {
		return nil, err
	}
	_, changes := d.members["webhook"]
	w, err := s.readWebhook(ctx, d, "webhook")
	if err != nil {
		return nil, err
	}
	wanted := readSample(d)
	given := s.settingsOf(d, !changes)
	if err := d.end(notSettable...); err != nil {
		return nil, err
	}
	if changes {
		if w.Status == hook.Revoked {
			return nil, hook.ErrRevoked
		}
		err = s.edit(&w, given)
	} else {
		w, _, err = s.madeOf(ctx, given)
	}
	if err != nil {
		return nil, err
	}
	e, err := s.sampleFor(&w, wanted)
	if err != nil {
		return nil, err
	}
	account, err := s.cfg.Store.Account(ctx, w.Account)
	if err != nil {
		return nil, err
	}
	return s.preview(&w, account.Name, &e, ownHeaderLines(&w, given.headers))
}

// sample is which event somebody wants to see; empty fields: whichever.
type sample struct {
	itemType  string
	eventType hook.EventType
}

func readSample(d *document) (wanted sample) {
	if text, ok := read[string](d, "itemType", "must be the name of an item type"); ok {
		kept, rule := itemType(text)
		if rule == "" && kept == hook.AnyItemType {
			rule = "must be the name of an item type"
		}
		if rule != "" {
			d.fault("itemType", text, rule)
		}
		wanted.itemType = kept
	}
	wanted.eventType, _ = choice(d, "eventType", hook.EventTypes)
	return wanted
}

// sampleFor is a made-up event that a webhook gets. The error may be a hook.FieldError.
func (s *Service) sampleFor(w *hook.Webhook, wanted sample) (hook.Event, error) {
	if w.Operational() {
		const rule = "must be left out: the webhook is told of notices"
		if wanted.itemType != "" {
			return hook.Event{}, hook.FieldError{Field: "itemType", Value: wanted.itemType, Rule: rule}
		}
		if wanted.eventType != "" {
			return hook.Event{}, hook.FieldError{Field: "eventType", Value: string(wanted.eventType), Rule: rule}
		}
		return s.samples(w, nil)[0], nil
	}
	if wanted.itemType == "" {
		wanted.itemType = testedTypes(w)[0]
	}
	e := sampleEvent(w, wanted.itemType, s.now())
	if !w.Wants(&e) {
		return hook.Event{}, hook.FieldError{Field: "itemType", Value: wanted.itemType, Rule: "must be one that the webhook gets"}
	}
	if wanted.eventType != "" {
		e.Type = wanted.eventType
	}
	if !w.Wants(&e) {
		return hook.Event{}, hook.FieldError{Field: "eventType", Value: string(wanted.eventType), Rule: "must be one that the webhook gets"}
	}
	return e, nil
}

// preview is the request that the sender would make of an event; own are the webhook's
// own header lines.
func (s *Service) preview(w *hook.Webhook, account string, e *hook.Event, own []hook.Header) (*previewAnswer, error) {
	item := -1
	if w.Format.PerItem() {
		item = 0
	}
	delivery := hook.DeliveryID(e.ID, w.ID, item)
	rendered, err := format.Render(nil, w, account, e, delivery)
	if err != nil {
		return nil, err
	}
	secret := placeholder(w)
	signer, err := format.NewSigner(w.Format, []format.Secret{{Text: secret}})
	if err != nil {
		return nil, err
	}
	to, err := url.Parse(w.URL)
	if err != nil {
		return nil, err
	}
	lines := []hook.Header{
		{Name: "Host", Value: to.Host}, {Name: "Content-Length", Value: strconv.Itoa(len(rendered.Body))},
		{Name: "User-Agent", Value: s.cfg.UserAgent}, {Name: "Traceparent", Value: sampleTrace()},
	}
	lines = append(signer.Append(lines, rendered, delivery, s.now()), own...)
	shown := WebhookPreview{
		Method: http.MethodPost, URL: w.URL, Headers: showHeaders(lines), Body: string(rendered.Body),
		EventType: string(e.Type), ItemType: e.ItemType, Secret: secret,
	}
	if w.Signature == hook.Ed25519 {
		if shown.PublicKey, err = signature.PublicKey(secret); err != nil {
			return nil, err
		}
	}
	return &previewAnswer{Body: shown}, nil
}

// ownHeaderLines are the webhook's own header lines; those that were given now as they
// were given.
func ownHeaderLines(w *hook.Webhook, given []hook.Header) []hook.Header {
	lines := make([]hook.Header, 0, len(w.Headers)+1)
	for _, h := range w.Headers {
		line := hook.Header{Name: h.Name, Value: masked}
		if at := slices.IndexFunc(given, func(g hook.Header) bool { return g.Name == h.Name }); at >= 0 {
			line.Value = given[at].Value
		}
		lines = append(lines, line)
	}
	if w.Auth == nil {
		return lines
	}
	switch w.Auth.Type {
	case hook.AuthBasic:
		lines = append(lines, hook.Header{Name: "Authorization", Value: "Basic " + masked})
	case hook.AuthBearer, hook.AuthOAuth2:
		lines = append(lines, hook.Header{Name: "Authorization", Value: "Bearer " + masked})
	case hook.AuthNone, hook.AuthMTLS: // a certificate is shown before there is a request
	}
	return lines
}

// placeholder stands for a webhook's secret in previews. It is the same for all, so that
// nobody takes it for one.
func placeholder(w *hook.Webhook) string {
	const key = "cGxhY2Vob2xkZXIgZm9yIHRoZSBzZWNyZXQsIDMyIEI=" // "placeholder for the secret, 32 B"
	switch {
	case w.Signature == hook.Ed25519:
		return "whsk_" + key
	case w.Format == hook.FormatStandard || w.Format == hook.FormatCloudEvents:
		return "whsec_" + key
	default:
		return "placeholder-for-the-token"
	}
}

// sampleTrace is a traceparent, such as every request has.
func sampleTrace() string {
	var ids [24]byte
	rand.Read(ids[:]) // never fails: crypto/rand ends the program first
	text := hex.EncodeToString(ids[:])
	return "00-" + text[:32] + "-" + text[32:] + "-01"
}
