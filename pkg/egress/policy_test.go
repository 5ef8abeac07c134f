package egress_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestURLsAreRefusedWithTheRuleTheyBreak(t *testing.T) {
	t.Parallel()
	for url, rule := range map[string]string{
		"":                               "https",
		"ftp://example.com":              "https",
		"http://example.com/hook":        "https",
		"https://":                       "host",
		"https://user:pw@example.com":    "user name",
		"https://example.com/#part":      "fragment",
		"https://example.com:22/":        "port",
		"https://example.com:6379/":      "port",
		"https://example.com:70000/":     "port",
		"https://127.0.0.1/":             "private",
		"https://10.1.2.3/":              "private",
		"https://169.254.169.254/latest": "private",
		"https://100.64.0.1/":            "private",
		"https://[::1]/":                 "private",
		"https://[::ffff:127.0.0.1]/":    "private",
		"https://[64:ff9b::a00:1]/":      "private",
		"https://[fe80::1]/":             "private",
		"https://0.0.0.0/":               "private",
	} {
		err := egress.Policy{}.CheckURL(url)
		require.ErrorContains(t, err, rule, "URL %q", url)
	}
}

func TestURLsThatArePublicAreAllowed(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://example.com/hook?a=b", "https://example.com:8443/", "https://93.184.216.34/"} {
		require.NoError(t, egress.Policy{}.CheckURL(url), "URL %q", url)
	}
	require.NoError(t, egress.Policy{AllowHTTP: true}.CheckURL("http://example.com/"))
	require.NoError(t, egress.Policy{Allow: loopback}.CheckURL("http://127.0.0.1:9999/"))
	require.Error(t, egress.Policy{Allow: loopback}.CheckURL("http://10.0.0.1/"))
}
