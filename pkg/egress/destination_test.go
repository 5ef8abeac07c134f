package egress_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

func TestAURLIsTakenApartAsTheWireNeedsIt(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]struct{ address, line, host, shown string }{
		"https://example.com":               {"example.com:443", "/", "example.com", "https://example.com"},
		"http://example.com/a":              {"example.com:80", "/a", "example.com", "http://example.com/a"},
		"https://example.com:8443/a%2Fb/":   {"example.com:8443", "/a%2Fb/", "example.com:8443", "https://example.com:8443/a%2Fb/"},
		"https://example.com/?token=x":      {"example.com:443", "/?token=x", "example.com", "https://example.com/"},
		"https://example.com?":              {"example.com:443", "/?", "example.com", "https://example.com"},
		"https://example.com/?a=b c\u00fc":  {"example.com:443", "/?a=b%20c%C3%BC", "example.com", "https://example.com/"},
		"https://example.com/?a=b HTTP/1.1": {"example.com:443", "/?a=b%20HTTP/1.1", "example.com", "https://example.com/"},
		"https://[::1]:9443/":               {"[::1]:9443", "/", "[::1]:9443", "https://[::1]:9443/"},
		"https://[2001:db8::1]/":            {"[2001:db8::1]:443", "/", "[2001:db8::1]", "https://[2001:db8::1]/"},
		"https://Bücher.example/ü":          {"xn--bcher-kva.example:443", "/%C3%BC", "xn--bcher-kva.example", "https://B%C3%BCcher.example/%C3%BC"},
	} {
		d, err := egress.NewDestination(url)
		require.NoError(t, err, url)
		require.Equal(t, want.address, d.Address(), url)
		require.Equal(t, "POST "+want.line+" HTTP/1.1\r\nHost: "+want.host+"\r\n", d.Head(), url)
		require.Equal(t, want.shown, d.Shown, url)
	}
}

func TestAURLThatCannotBePostedToIsAnErrorWithoutIt(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "::hunter2", "ftp://example.com/hunter2", "https:///hunter2", "https://example.com:70000/hunter2",
		"mailto:hunter2@example.com", "https://ex\u0000ample.com/hunter2", "https://\u2001hunter2/",
		"https://[fe80::1%25hunter2%20x]/",
	} {
		_, err := egress.NewDestination(url)
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "hunter2", url)
	}
}
