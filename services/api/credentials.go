package api

import (
	"net/url"
	"slices"
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// setCredentials gives a webhook the headers and the auth of a body, once its other
// settings are in place; before is what it was, without a URL if it is new. The error
// may be a hook.FieldError.
func (s *Service) setCredentials(w *hook.Webhook, before hook.Webhook, given settings) error {
	if err := given.sameReceiver(w, before); err != nil {
		return err
	}
	if given.headers != nil {
		if err := s.setHeaders(w, given.headers); err != nil {
			return err
		}
	}
	if given.auth != nil {
		if err := s.setAuth(w, given.auth); err != nil {
			return err
		}
	}
	return credentialsFit(w)
}

// sameReceiver refuses to send what was given for one receiver to another: who may
// change a webhook would learn what is not shown to him. A certificate's key is never
// sent.
func (c settings) sameReceiver(w *hook.Webhook, before hook.Webhook) error {
	if origin(w.URL) == origin(before.URL) {
		return nil
	}
	const rule = "must be given again, with their values: url names another receiver now"
	kept := slices.ContainsFunc(c.headers, func(h hook.Header) bool { return h.Value == masked })
	if len(before.Headers) > 0 && (c.headers == nil || kept) {
		return hook.FieldError{Field: "headers", Rule: rule}
	}
	secret := before.Auth != nil && before.Auth.Type != hook.AuthMTLS
	if secret && (c.auth == nil || c.auth.secret == masked) {
		return hook.FieldError{Field: "auth", Rule: rule}
	}
	return nil
}

// origin is who a URL leads to.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// credentialsFit checks what depends on several settings.
func credentialsFit(w *hook.Webhook) error {
	if w.Auth == nil {
		return nil
	}
	if w.Auth.Type == hook.AuthMTLS {
		if !strings.HasPrefix(strings.ToLower(w.URL), "https:") {
			return hook.FieldError{Field: "auth", Rule: "needs a url of https: a certificate is shown in TLS alone"}
		}
		return nil
	}
	if slices.ContainsFunc(w.Headers, func(h hook.SealedHeader) bool { return h.Name == "Authorization" }) {
		return hook.FieldError{Field: "headers.Authorization", Rule: "must not be set beside auth, which sets it"}
	}
	return nil
}
