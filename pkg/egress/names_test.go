package egress_test

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// names is a name server. Each question for addresses is answered by the next entry
// of its name, the last one again and again; a name that it does not know, by those
// of "*".
type names struct {
	mu      sync.Mutex
	answers map[string][]string // such as "127.0.0.1" or "127.0.0.1 10.0.0.1"
	asked   map[string]int      // questions for IPv4 addresses
}

// serveNames starts one and gives its address.
func serveNames(t *testing.T, answers map[string][]string) (*names, string) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	n := &names{answers: answers, asked: map[string]int{}}
	go func() {
		packet := make([]byte, 1500)
		for {
			size, from, err := socket.ReadFrom(packet)
			if err != nil {
				return
			}
			if answer, ok := n.answer(packet[:size]); ok {
				_, _ = socket.WriteTo(answer, from)
			}
		}
	}()
	return n, socket.LocalAddr().String()
}

func (n *names) answer(packet []byte) ([]byte, bool) {
	var m dnsmessage.Message
	if m.Unpack(packet) != nil || len(m.Questions) != 1 {
		return nil, false
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	for _, text := range n.next(strings.TrimSuffix(q.Name.String(), "."), q.Type == dnsmessage.TypeA) {
		addr := netip.MustParseAddr(text)
		header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 0}
		switch {
		case q.Type == dnsmessage.TypeA && addr.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		case q.Type == dnsmessage.TypeAAAA && addr.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		}
	}
	answer, err := m.Pack()
	return answer, err == nil
}

// next gives the addresses of a name, for a question of IPv4 the next ones.
func (n *names) next(name string, v4 bool) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	list, ok := n.answers[name]
	if !ok {
		list = n.answers["*"]
	}
	if len(list) == 0 {
		return nil
	}
	at := min(n.asked[name], len(list)-1)
	if v4 {
		n.asked[name]++
	}
	return strings.Fields(list[at])
}

// forget begins with the first answers again.
func (n *names) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.asked)
}

func (n *names) timesAsked(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[name]
}
