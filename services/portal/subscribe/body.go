package subscribe

import (
	"strconv"
	"strings"

	"github.com/staffetta/staffetta/pkg/client"
	"github.com/staffetta/staffetta/pkg/hook"
)

// body is the form as the API takes it; before is the webhook that it changes, nil for a
// new one.
func (f *form) body(before *client.Webhook) map[string]any {
	b := map[string]any{
		"description": f.Description, "format": f.Format, "language": f.Language, "cloudevents": f.CloudEvents, "signature": f.signature(),
		"headers": f.headers(), "auth": f.auth(before), "retrySchedule": delays(f.Retry), "timeout": duration(f.Timeout),
		"onPause": f.OnPause, "onQuota": f.OnQuota, "concurrency": count(f.Concurrency, 0), "rateLimit": count(f.Rate, nil),
	}
	if before == nil || before.URL != f.URL || before.Status == client.WebhookStatusDisabled && f.Enable {
		b["url"] = f.URL
	}
	if f.Secret != "" {
		b["secret"] = f.Secret
	}
	if f.What == notices {
		b["notices"] = f.Notices
		if f.Notices == nil {
			b["notices"] = []string{}
		}
		return b
	}
	b["itemTypes"], b["eventTypes"], b["stores"] = f.itemTypes(), append([]string{}, f.Events...), f.stores()
	b["payload"], b["ordering"], b["coalesce"], b["filter"] = f.Payload, f.Ordering, f.Coalesce, nil
	if strings.TrimSpace(f.Filter) != "" {
		b["filter"] = f.Filter
	}
	return b
}

// signature is the chosen one, where there is a choice: elsewhere the form hides it.
func (f *form) signature() string {
	if !hook.Format(f.Format).Takes(hook.Signature(f.Signature)) {
		return string(hook.HMACSHA256)
	}
	return f.Signature
}

// headers are lines of names and values; one without a colon is a name without a value,
// which the API refuses.
func (f *form) headers() map[string]string {
	lines := map[string]string{}
	for line := range strings.Lines(f.Headers) {
		name, value, _ := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); name != "" || strings.TrimSpace(value) != "" {
			lines[name] = strings.TrimSpace(value)
		}
	}
	return lines
}

// auth has the fields of its type. A secret that was left empty stays as it is.
func (f *form) auth(before *client.Webhook) map[string]any {
	a := f.Auth
	secret := func(given string) string {
		if given == "" && before != nil && string(before.Auth.Type) == a.Type {
			return masked
		}
		return given
	}
	switch hook.AuthType(a.Type) {
	case hook.AuthBasic:
		return map[string]any{"type": a.Type, "username": a.Username, "password": secret(a.Password)}
	case hook.AuthBearer:
		return map[string]any{"type": a.Type, "token": secret(a.Token)}
	case hook.AuthOAuth2:
		return map[string]any{
			"type": a.Type, "tokenUrl": a.TokenURL, "clientId": a.ClientID, "clientSecret": secret(a.ClientSecret),
			"scopes": strings.Fields(a.Scopes), "audience": a.Audience,
		}
	case hook.AuthMTLS:
		return map[string]any{"type": a.Type, "certificate": a.Certificate, "key": secret(a.Key)}
	default:
		return map[string]any{"type": a.Type}
	}
}

func delays(text string) []string {
	all := parted(text, ", \n\t")
	for i := range all {
		all[i] = duration(all[i])
	}
	return all
}

// duration takes a bare number for seconds.
func duration(text string) string {
	if _, err := strconv.Atoi(text); err == nil {
		return text + "s"
	}
	return text
}

// count is a number, or what was written in its place, which the API refuses.
func count(text string, none any) any {
	if text == "" {
		return none
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return text
}
