package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// privateDomains are resolved inside a network only (RFC 6761, 6762, 8375; ICANN
// keeps internal for that), or by whatever a host's own files say.
var privateDomains = []string{"localhost", "localdomain", "local", "internal", "home.arpa", "lan", "intranet", "corp", "private"}

// loopbacks are what the name localhost stands for (RFC 6761, 6.3).
var loopbacks = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// checkName refuses names that lead to no public address, or that one resolver
// takes for an address and another for a name. What a name resolves to is checked
// when it is dialled. host is in its ASCII form.
func (p Policy) checkName(host string) error {
	host = strings.ToLower(host)
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	switch {
	case last == "":
		return errors.New("must name a host without a dot at its end")
	case numeric(last):
		// 127.1, 0177.0.0.1, 0x7f.1 and 2130706433 are 127.0.0.1 to inet_aton, and so
		// to some resolvers (WHATWG's URL standard, "ends in a number").
		return errors.New("must write an IPv4 address as four decimal numbers, such as 192.0.2.7")
	case len(host) > maxName:
		return fmt.Errorf("must name a host by at most %d characters", maxName)
	}
	for _, label := range labels {
		if !validLabel(label) {
			return errors.New("must name a host by letters, digits and hyphens with dots between, such as hooks.example.com")
		}
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		if p.allows(loopbacks[0]) || p.allows(loopbacks[1]) {
			return nil
		}
		return errors.New("must not name this host")
	}
	if len(p.Allow) > 0 {
		return nil // it may resolve into an allowed network
	}
	if len(labels) == 1 {
		return errors.New("must name a host in full, such as hooks.example.com")
	}
	for _, domain := range privateDomains {
		if strings.HasSuffix(host, "."+domain) {
			return fmt.Errorf("must name a public host, not one of the private domain %s", domain)
		}
	}
	return nil
}

const (
	maxName  = 253 // RFC 1035, 2.3.4, without the dot at the end
	maxLabel = 63
)

// validLabel takes underscores too, which some networks' names have.
func validLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// numeric reports whether a label is a number to inet_aton.
func numeric(label string) bool {
	digits, hex := strings.CutPrefix(label, "0x")
	for i := range len(digits) {
		if c := digits[i]; (c < '0' || c > '9') && (!hex || c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
