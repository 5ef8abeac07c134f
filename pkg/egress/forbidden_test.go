package egress_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/egress"
)

// What a URL may be written as to reach what it must not, and the rule by which it is
// refused when it is saved. Should one be in the database all the same it is refused
// again when it is dialled, by a resolver too that takes every name for this host.
func TestTricksAreRefusedWhenAURLIsSavedAndWhenItIsDialled(t *testing.T) {
	t.Parallel()
	const (
		numbers = "four decimal numbers"
		full    = "in full"
		host    = "letters, digits and hyphens"
		port    = "must use port"
		domain  = "private domain"
		notURL  = "must be a URL"
	)
	_, server := serveNames(t, map[string][]string{"*": {"127.0.0.1"}})
	client := egress.NewClient(egress.Policy{})
	client.ResolveBy(server)
	for url, rule := range map[string]string{
		// IPv4, as it is written.
		"https://127.0.0.1/":            "127.0.0.0/8 is loopback",
		"https://127.255.255.254:8443/": "127.0.0.0/8 is loopback",
		"https://0.0.0.0/":              "0.0.0.0/8 means this host",
		"https://0.1.2.3/":              "0.0.0.0/8 means this host",
		"https://10.1.2.3/":             "10.0.0.0/8 is private",
		"https://172.16.0.1/":           "172.16.0.0/12 is private",
		"https://172.31.255.255/":       "172.16.0.0/12 is private",
		"https://192.168.1.1/":          "192.168.0.0/16 is private",
		"https://100.64.0.1/":           "CGNAT",
		"https://100.100.100.200/":      "CGNAT", // metadata at Alibaba
		"https://169.254.169.254/":      "metadata",
		"https://168.63.129.16/":        "metadata",
		"https://192.0.0.192/":          "is reserved", // metadata at Oracle
		"https://192.0.2.1/":            "is reserved",
		"https://198.18.0.1/":           "is reserved",
		"https://198.51.100.7/":         "is reserved",
		"https://203.0.113.7/":          "is reserved",
		"https://192.88.99.1/":          "6to4",
		"https://224.0.0.1/":            "multicast",
		"https://240.0.0.1/":            "is reserved",
		"https://255.255.255.255/":      "broadcast",
		// IPv4 in other spellings: octal, hexadecimal, fewer parts, none.
		"https://0177.0.0.1/":                              numbers,
		"https://0177.0000.0000.0001/":                     numbers,
		"https://127.0.0.01/":                              numbers,
		"https://0x7f.0.0.1/":                              numbers,
		"https://0x7f.0x0.0x0.0x1/":                        numbers,
		"https://0X7F000001/":                              numbers,
		"https://0x7f000001/":                              numbers,
		"https://017700000001/":                            numbers,
		"https://2130706433/":                              numbers,
		"https://2852039166/":                              numbers, // 169.254.169.254
		"https://127.1/":                                   numbers,
		"https://127.0.1/":                                 numbers,
		"https://10.1/":                                    numbers,
		"https://0/":                                       numbers,
		"https://256.256.256.256/":                         numbers,
		"https://127.0.0.1.1/":                             numbers,
		"https://4294967297/":                              numbers, // 0.0.0.1 to who counts on
		"https://127.0.0.1./":                              "dot at its end",
		"https://127.0.0.1%2e/":                            notURL,
		"https://127%2e0.0.1/":                             notURL,
		"https://%31%32%37.0.0.1/":                         notURL,
		"https://127\u30020\u30020\u30021/":                "127.0.0.0/8 is loopback",
		"https://127\uff0e0\uff0e0\uff0e1/":                "127.0.0.0/8 is loopback",
		"https://127\uff610\uff610\uff611/":                "127.0.0.0/8 is loopback",
		"https://\uff11\uff12\uff17.0.0.1/":                "127.0.0.0/8 is loopback", // fullwidth
		"https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/": "127.0.0.0/8 is loopback", // circled
		"https://%EF%BC%91%EF%BC%90.1/":                    numbers,                   // 10.1
		// IPv6, and IPv4 within.
		"https://[::1]/":                                  "::1/128 is loopback",
		"https://[0:0:0:0:0:0:0:1]/":                      "::1/128 is loopback",
		"https://[::]/":                                   "means this host",
		"https://[::127.0.0.1]/":                          "compatible",
		"https://[::7f00:1]/":                             "compatible",
		"https://[::ffff:127.0.0.1]/":                     "mapped",
		"https://[::ffff:7f00:1]/":                        "mapped",
		"https://[::ffff:169.254.169.254]/":               "mapped",
		"https://[::ffff:93.184.216.34]/":                 "mapped",
		"https://[0:0:0:0:0:ffff:a00:1]/":                 "mapped",
		"https://[::ffff:0:127.0.0.1]/":                   "translated",
		"https://[64:ff9b::127.0.0.1]/":                   "NAT64",
		"https://[64:ff9b::a9fe:a9fe]/":                   "NAT64",
		"https://[64:ff9b:1::10.0.0.1]/":                  "NAT64",
		"https://[2002:7f00:1::]/":                        "6to4",
		"https://[2002:a9fe:a9fe::1]/":                    "6to4",
		"https://[2001:0:53aa:64c:0:0:80ff:fffe]/":        "Teredo",
		"https://[fc00::1]/":                              "fc00::/7 is private",
		"https://[fd00:ec2::254]/":                        "fc00::/7 is private", // metadata at AWS
		"https://[fe80::1]/":                              "link-local",
		"https://[fe80::1%25lo]/":                         "zone",
		"https://[2606:2800:220:1:248:1893:25c8:1%25lo]/": "zone",
		"https://[fec0::1]/":                              "site-local",
		"https://[ff02::1]/":                              "multicast",
		"https://[100::1]/":                               "is reserved",
		"https://[2001:db8::1]/":                          "is reserved",
		"https://[3fff::1]/":                              "is reserved",
		"https://[5f00::1]/":                              "is reserved",
		// Names.
		"https://localhost/":                            "this host",
		"https://LocalHost:8443/":                       "this host",
		"https://localhost./":                           "dot at its end",
		"https://a.localhost/":                          "this host",
		"https://\uff4cocalhost/":                       "this host", // fullwidth
		"https://localhost.localdomain/":                domain,
		"https://metadata.google.internal/":             domain,
		"https://printer.local/":                        domain,
		"https://nas.home.arpa/":                        domain,
		"https://redis/":                                full,
		"https://kubernetes/":                           full,
		"https://example.com./":                         "dot at its end",
		"https://example.com.../":                       "dot at its end",
		"https://example.com\u3002/":                    "dot at its end",
		"https://.example.com/":                         host,
		"https://exa_mple..com/":                        host,
		"https://-example.com/":                         host,
		"https://example.com,127.0.0.1.nip.io/":         host,
		"https://" + strings.Repeat("a.", 130) + "com/": "at most 253",
		"https://" + strings.Repeat("a", 64) + ".com/":  host,
		// What stands before and after the host.
		"https://example.com@127.0.0.1/":          "user name",
		"https://example.com:443@127.0.0.1/":      "user name",
		"https://@127.0.0.1/":                     "user name",
		"https://127.0.0.1\\@example.com/":        notURL,
		"https://example.com\\.127.0.0.1/":        notURL,
		"https://127.0.0.1:443\\@example.com/":    notURL,
		"https://127.0.0.1%00.example.com/":       notURL,
		"https://exam ple.com/":                   notURL,
		"https://127.0.0.1\t/":                    notURL,
		"https://127.0.0.1#@example.com/":         "fragment",
		"https:///127.0.0.1/":                     "must name a host",
		"https:127.0.0.1/":                        "must name a host",
		"https://[::1/":                           notURL,
		"https://::1/":                            notURL,
		"//127.0.0.1/":                            "https URL",
		"127.0.0.1":                               "https URL",
		"HTTP://example.com/":                     "https URL",
		"http://example.com:443/":                 "https URL",
		"file:///etc/passwd":                      "https URL",
		"gopher://127.0.0.1:6379/_FLUSHALL":       "https URL",
		"unix:///run/docker.sock":                 "https URL",
		"https://example.com:0/":                  "from 1 to 65535",
		"https://example.com:65536/":              "from 1 to 65535",
		"https://example.com:-1/":                 notURL,
		"https://example.com:\u0664\u0664\u0663/": notURL,
		"https://example.com:22/":                 port,
		"https://example.com:25/":                 port,
		"https://example.com:80/":                 port,
		"https://example.com:0022/":               port,
		"https://example.com:5432/":               port,
		"https://example.com:6379/":               port,
		"https://example.com:9092/":               port,
		"https://example.com:11211/":              port,
		"https://93.184.216.34:3306/":             port,
	} {
		require.ErrorContains(t, egress.Policy{}.CheckURL(url), rule, "URL %q", url)
		to, err := egress.NewDestination(url)
		if err != nil {
			continue
		}
		if strings.Contains(to.Address(), "93.184.216.34") || strings.Contains(to.Address(), "2606:") {
			continue // no test leaves this machine
		}
		r := request(t, "https://x")
		r.To = to
		_, err = client.Post(r)
		require.Error(t, err, "URL %q", url)
		var fault *egress.Error
		require.ErrorAs(t, err, &fault, "URL %q", url)
		require.Equal(t, egress.StageConnect, fault.Stage, "URL %q: %v", url, err)
	}
}

// Names are judged by what they lead to, when they are dialled.
func TestNamesThatLeadToAForbiddenAddressAreRefused(t *testing.T) {
	t.Parallel()
	answers := map[string][]string{}
	for n, addr := range []string{
		"127.0.0.1", "10.0.0.1", "192.168.0.1", "172.20.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "168.63.129.16", "224.0.0.1", "255.255.255.255",
		"::1", "::", "fe80::1", "fd00::1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "::7f00:1", "::ffff:0:7f00:1", "ff02::1",
		"127.0.0.1 10.0.0.1 ::1", // whichever is tried
	} {
		answers[string(rune('a'+n))+".example.com"] = []string{addr}
	}
	_, server := serveNames(t, answers)
	client := egress.NewClient(egress.Policy{AllowHTTP: true})
	client.ResolveBy(server)
	for name, addr := range answers {
		for _, url := range []string{"https://" + name + "/", "http://" + name + "/"} {
			require.NoError(t, egress.Policy{AllowHTTP: true}.CheckURL(url))
			_, err := client.Post(request(t, url))
			require.ErrorIs(t, err, egress.ErrForbidden, "%s is %s", url, addr)
			var fault *egress.Error
			require.ErrorAs(t, err, &fault)
			require.Equal(t, "connect: dial: egress is forbidden: the address is private or reserved", fault.Shown())
		}
	}
}

// one is the only address that may be reached here: it stands for the public ones,
// and the rest of loopback for the private ones.
var one = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

// both listens on 127.0.0.1 and, at the same port, on 127.0.0.2, where nobody may
// come.
func both(t *testing.T, handler http.HandlerFunc) (port string, trespassers *atomic.Int32) {
	t.Helper()
	allowed := httptest.NewServer(handler)
	t.Cleanup(allowed.Close)
	port = strings.TrimPrefix(allowed.URL, "http://127.0.0.1:")
	trespassers = &atomic.Int32{}
	forbidden := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { trespassers.Add(1) }))
	_ = forbidden.Listener.Close()
	forbidden.Listener = listenAt(t, "127.0.0.2:"+port)
	forbidden.Start()
	t.Cleanup(forbidden.Close)
	return port, trespassers
}

func TestANameThatIsAnotherAddressTheSecondTimeGainsNothing(t *testing.T) {
	t.Parallel()
	port, trespassers := both(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // so that the name is asked for again
	})
	known, server := serveNames(t, map[string][]string{"rebinds.example.com": {"127.0.0.1", "127.0.0.2"}})
	policy := egress.Policy{Allow: one}
	client := egress.NewClient(policy)
	client.ResolveBy(server)
	url := "http://rebinds.example.com:" + port + "/"
	require.NoError(t, policy.CheckURL(url))
	answer, err := client.Post(request(t, url))
	require.NoError(t, err)
	require.Equal(t, 200, answer.Status)
	require.Equal(t, 1, known.timesAsked("rebinds.example.com"), "what is checked is what is dialled, not a second answer")

	_, err = client.Post(request(t, url))
	require.ErrorIs(t, err, egress.ErrForbidden)
	require.Zero(t, trespassers.Load())
}

func TestOfTheAddressesOfANameOnlyThoseThatAreAllowedAreTried(t *testing.T) {
	t.Parallel()
	port, trespassers := both(t, func(http.ResponseWriter, *http.Request) {})
	_, server := serveNames(t, map[string][]string{"mixed.example.com": {"127.0.0.2 127.0.0.1"}})
	client := egress.NewClient(egress.Policy{Allow: one})
	client.ResolveBy(server)
	answer, err := client.Post(request(t, "http://mixed.example.com:"+port+"/"))
	require.NoError(t, err)
	require.Equal(t, 200, answer.Status)
	require.Zero(t, trespassers.Load())
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		port, trespassers := both(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://127.0.0.2:"+strings.TrimPrefix(r.Host, "127.0.0.1:")+"/")
			w.Header().Set("Refresh", "0; url=http://127.0.0.2/")
			w.WriteHeader(status)
		})
		client := egress.NewClient(egress.Policy{Allow: loopback})
		answer, err := client.Post(request(t, "http://127.0.0.1:"+port+"/"))
		require.NoError(t, err)
		require.Equal(t, status, answer.Status)
		require.Zero(t, trespassers.Load())
	}
}

func TestWhatAnInstallationAllows(t *testing.T) {
	t.Parallel()
	private := egress.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	for _, url := range []string{
		"https://10.0.0.1/", "http://10.0.0.1:22/", "http://[fd00::1]/", "http://[::ffff:10.0.0.1]/", "http://redis:6379/", "http://printer.local/",
	} {
		require.NoError(t, private.CheckURL(url), url)
	}
	for url, rule := range map[string]string{
		"https://127.0.0.1/":           "loopback",
		"https://192.168.0.1/":         "private",
		"https://[fe80::1]/":           "link-local",
		"https://[::ffff:127.0.0.1]/":  "mapped",
		"https://[64:ff9b::10.0.0.1]/": "NAT64",
		"https://localhost/":           "this host",
		"https://10.1/":                "four decimal numbers",
		"http://93.184.216.34/":        "https",
	} {
		require.ErrorContains(t, private.CheckURL(url), rule, url)
	}
	require.NoError(t, egress.Policy{Allow: loopback}.CheckURL("http://localhost:9000/"))
	for to, allowed := range map[string]bool{
		"10.0.0.1:22": true, "[::ffff:10.0.0.1]:22": true, "[fd00::1]:22": true, "93.184.216.34:443": true,
		"93.184.216.34:22": false, "93.184.216.34:80": false, "127.0.0.1:443": false, "[64:ff9b::a00:1]:443": false, "[fd00::1%lo]:443": false,
	} {
		err := private.Check(netip.MustParseAddrPort(to), false)
		require.Equal(t, allowed, err == nil, "%s: %v", to, err)
	}
	require.ErrorContains(t, private.Check(netip.MustParseAddrPort("93.184.216.34:443"), true), "http is not allowed")
}
