package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// OIDC is the provider at which members sign in to the portal.
type OIDC struct {
	// Issuer as its discovery document and its tokens name it, to the letter.
	Issuer       string
	ClientID     string
	ClientSecret string
}

// origin is a source of a Content-Security-Policy that names a site.
var origin = regexp.MustCompile(`^https?://(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)

// readOIDC gives nil where no provider is named.
func readOIDC(r *reader) *OIDC {
	oidc := OIDC{Issuer: r.text(OIDCIssuer), ClientID: r.text(OIDCClientID), ClientSecret: r.text(OIDCClientSecret)}
	if oidc == (OIDC{}) {
		return nil
	}
	for _, setting := range []struct{ name, value string }{
		{OIDCIssuer, oidc.Issuer}, {OIDCClientID, oidc.ClientID}, {OIDCClientSecret, oidc.ClientSecret},
	} {
		if setting.value == "" {
			r.faults.Add(setting.name, "", "is required, as of the three STAFFETTA_OIDC_… all are set or none")
		}
	}
	if oidc.Issuer != "" && !validIssuer(oidc.Issuer) {
		shown := oidc.Issuer
		if strings.Contains(shown, "@") { // there may be a password before it
			shown = masked
		}
		r.faults.Add(OIDCIssuer, shown, "must be an https: URL without user, query and fragment; http: on this machine only")
	}
	if r.text(PublicURL) == "" {
		r.faults.Add(PublicURL, "", "is required with STAFFETTA_OIDC_ISSUER: the provider sends people back to it")
	}
	return &oidc
}

func validIssuer(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !validPort(u.Port()) {
		return false
	}
	address, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && address.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}

func readFrameAncestors(r *reader) []string {
	origins := r.list(FrameAncestors)
	for _, text := range origins {
		if !origin.MatchString(text) {
			r.faults.Add(FrameAncestors, text, "must be origins such as https://app.example.com or https://*.example.com, comma separated")
		}
	}
	if len(origins) > 0 && !strings.HasPrefix(strings.ToLower(r.text(PublicURL)), "https://") {
		r.faults.Add(PublicURL, "", "must begin with https:// if STAFFETTA_FRAME_ANCESTORS is set: browsers take no cookie of an embedded page otherwise")
	}
	return origins
}

// readTraceURL checks the URL as it is with a trace's id in it.
func readTraceURL(r *reader) string {
	text := r.text(TraceURL)
	if text == "" {
		return ""
	}
	before, _, found := strings.Cut(text, "{traceId}")
	u, err := url.Parse(strings.ReplaceAll(text, "{traceId}", "4aac60cbc5081212c6c9f1c10a2e57cb"))
	switch {
	case err == nil && u.User != nil:
		text = masked
	case found && err == nil && u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http") && strings.Contains(before, u.Host) && validPort(u.Port()):
		return text
	}
	r.faults.Add(TraceURL, text, "must be an http: or https: URL without user, with {traceId} behind its host")
	return ""
}
