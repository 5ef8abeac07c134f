package subscribe

import (
	"slices"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
)

// What the form's template asks for.

// Of are the faults of a field.
func (p formPage) Of(field string) []fault { return faultsOf(p.Faults, field, &p.Form) }

// Rest are the faults of what the form does not show.
func (p formPage) Rest() map[string]string { return rest(p.Faults) }

// Operational: it is told of notices, for its life.
func (p formPage) Operational() bool { return p.Webhook != nil && len(p.Webhook.Notices) > 0 }

// Disabled: saving can enable it again.
func (p formPage) Disabled() bool {
	return p.Webhook != nil && p.Webhook.Status == client.WebhookStatusDisabled
}

// Groups are the item types.
func (p formPage) Groups() []group { return p.known.grouped(p.language, p.Form.Types) }

// Stores are those of the account.
func (p formPage) Stores() []choice { return p.known.storeChoices(p.Form.Stores) }

// Events, and what else can be ticked.
func (p formPage) Events() []choice { return ticks(words(hook.EventTypes), p.Form.Events...) }

// Notices are the kinds of them.
func (p formPage) Notices() []choice {
	return ticks(append([]string{string(hook.AnyNotice)}, words(hook.Notices)...), p.Form.Notices...)
}

// Formats are those that the webhook can have: an operational one has a choice of two,
// and none changes to or from one with a delivery per item.
func (p formPage) Formats() []choice {
	all := slices.Clone(hook.Formats)
	if p.Webhook != nil {
		perItem := hook.Format(p.Webhook.Format).PerItem()
		all = slices.DeleteFunc(all, func(f hook.Format) bool { return f.PerItem() != perItem })
	}
	if p.Operational() {
		all = []hook.Format{hook.FormatStandard, hook.FormatCloudEvents}
	}
	return ticks(words(all), p.Form.Format)
}

// Choices of the other fields.
func (p formPage) Choices(field string) []choice {
	f := &p.Form
	switch field {
	case "language":
		return ticks(words(hook.Languages), f.Language)
	case "payload":
		return ticks(words(hook.Payloads), f.Payload)
	case "cloudevents":
		return ticks(words(hook.CloudEventsModes), f.CloudEvents)
	case "signature":
		return ticks(words(hook.Signatures), f.Signature)
	case "auth":
		return ticks(words(hook.AuthTypes), f.Auth.Type)
	case "ordering":
		return ticks(words(hook.Orderings), f.Ordering)
	case "coalesce":
		return ticks(words(hook.Coalesces), f.Coalesce)
	case "onPause":
		return ticks(words(hook.OnPauses), f.OnPause)
	case "onQuota":
		return ticks(words(hook.OnQuotas), f.OnQuota)
	default:
		return nil
	}
}

// advanced are the fields that most leave as they are.
var advanced = []string{
	"filter", "headers", "auth", "signature", "secret", "retrySchedule", "rateLimit", "concurrency", "timeout", "ordering", "coalesce", "onPause", "onQuota",
}

// Advanced: those fields are to be open, because something is wrong with one, or some are
// not as they come.
func (p formPage) Advanced() bool {
	if slices.ContainsFunc(advanced, func(field string) bool { return len(p.Of(field)) > 0 }) {
		return true
	}
	usual := newForm()
	f := p.Form
	return f.Filter != "" || f.Headers != "" || f.Auth.Type != usual.Auth.Type || f.Signature != usual.Signature || f.Secret != "" ||
		f.Retry != usual.Retry || f.Rate != "" || f.Concurrency != "" || f.Timeout != usual.Timeout ||
		f.Ordering != usual.Ordering || f.Coalesce != usual.Coalesce || f.OnPause != usual.OnPause || f.OnQuota != usual.OnQuota
}

// Keeps: a secret of this kind of auth is there, and stays unless another is written.
func (p formPage) Keeps(auth string) bool {
	return p.Webhook != nil && string(p.Webhook.Auth.Type) == auth
}
