package config

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/staffetta/staffetta/pkg/bus"
)

// masked stands for a secret in an error.
const masked = "***"

// minAdminKey is the shortest admin key, in characters.
const minAdminKey = 32

// topicName is what Kafka allows.
var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// text is the value under a name without the space around it; an empty one is
// as good as none.
func (r *reader) text(name string) string {
	if value, ok := r.overrides[name]; ok {
		return strings.TrimSpace(value)
	}
	value, _ := r.lookup(name)
	return strings.TrimSpace(value)
}

// list is a comma separated value; empty entries are left out.
func (r *reader) list(name string) []string {
	var entries []string
	for entry := range strings.SplitSeq(r.text(name), ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}

func (r *reader) boolean(name string) bool {
	switch value := r.text(name); value {
	case "", "false":
		return false
	case "true":
		return true
	default:
		r.faults.Add(name, value, "must be true or false")
		return false
	}
}

// duration is a positive duration as Go writes it.
func (r *reader) duration(name string, otherwise time.Duration) time.Duration {
	text := r.text(name)
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		r.faults.Add(name, text, "must be a positive duration such as 90s or 2m")
		return otherwise
	}
	return d
}

// days is a duration of at least so long; whole days may be written as such: 90d.
func (r *reader) days(name string, otherwise, least time.Duration) time.Duration {
	text := r.text(name)
	if text == "" {
		return otherwise
	}
	keep, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		keep = time.Duration(n) * 24 * time.Hour //nolint:gosec // 16 bits
	}
	if err != nil || keep < least {
		days := "days"
		if least == 24*time.Hour {
			days = "day"
		}
		r.faults.Add(name, text, fmt.Sprintf("must be at least %d %s, such as %s or %dh", least/(24*time.Hour), days, inDays(otherwise), otherwise/time.Hour))
		return otherwise
	}
	return keep
}

// inDays writes a duration as days takes it.
func inDays(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}

func readRedisURL(r *reader) string {
	value := r.text(RedisURL)
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Host == "" {
		r.faults.Add(RedisURL, masked, "must have the form redis://HOST:PORT or rediss://HOST:PORT")
		return ""
	}
	return value
}

// readRedisTLS is nil unless a file is named.
func readRedisTLS(r *reader) *tls.Config {
	if !redisFiles.set(r) {
		return nil
	}
	if !strings.HasPrefix(r.text(RedisURL), "rediss:") {
		redisFiles.refuse(r, "rediss:// in "+RedisURL)
		return nil
	}
	return redisFiles.read(r)
}

func readDatabaseURL(r *reader) string {
	value := r.text(DatabaseURL)
	if value == "" {
		return ""
	}
	if path, ok := strings.CutPrefix(value, "sqlite:"); ok && path != "" {
		return value
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		r.faults.Add(DatabaseURL, masked, "must have the form postgres://… or sqlite:PATH")
		return ""
	}
	return value
}

func defaultListen(service string) string {
	if service == "standalone" {
		return "127.0.0.1:8080"
	}
	return ":8080"
}

func readListen(r *reader, otherwise string) string {
	value := r.text(Listen)
	if value == "" {
		return otherwise
	}
	if !hostPort(value) {
		r.faults.Add(Listen, value, "must have the form HOST:PORT or :PORT")
	}
	return value
}

// hostPort reports whether the text is an address with a port from 0 to 65535.
func hostPort(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

func readPublicURL(r *reader) string {
	value := r.text(PublicURL)
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !validPort(u.Port()) {
		shown := value
		if u == nil || u.User != nil { // it may hold a password
			shown = masked
		}
		r.faults.Add(PublicURL, shown, "must be an http: or https: URL without user, query and fragment")
	}
	return strings.TrimRight(value, "/")
}

func readAdminKey(r *reader) string {
	value := r.text(AdminKey)
	if value != "" && len([]rune(value)) < minAdminKey {
		r.faults.Add(AdminKey, masked, "must have 32 characters or more")
	}
	return value
}

func readEncryptionKeys(r *reader) string {
	value := r.text(EncryptionKey)
	for _, key := range r.list(EncryptionKey) {
		if raw, err := base64.StdEncoding.DecodeString(key); err != nil || len(raw) != 32 {
			r.faults.Add(EncryptionKey, masked, "must be base64 of 32 bytes; several, comma separated")
			break
		}
	}
	return value
}

func defaultNetworks(service string) []netip.Prefix {
	if service == "standalone" {
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	return nil
}

func readNetworks(r *reader, name string, otherwise []netip.Prefix) []netip.Prefix {
	entries := r.list(name)
	if len(entries) == 0 {
		return otherwise
	}
	networks := make([]netip.Prefix, 0, len(entries))
	for _, entry := range entries {
		network, err := netip.ParsePrefix(entry)
		if err != nil || network.Addr().Is4In6() { // IPv4 in disguise would match nothing
			r.faults.Add(name, entry, "must be networks such as 10.0.0.0/8, comma separated")
			continue
		}
		networks = append(networks, network.Masked())
	}
	return networks
}

func readProxy(r *reader) *url.URL {
	value := r.text(EgressProxy)
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || !validPort(u.Port()) {
		shown := value
		if strings.Contains(value, "@") { // there may be a password before it
			shown = masked
		}
		r.faults.Add(EgressProxy, shown, "must be an http: or https: URL without path, query and fragment, such as http://proxy:3128")
		return nil
	}
	return u
}

// validPort reports whether a URL's port is one, or is left out.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func readTopics(r *reader) []string {
	topics := r.list(EventTopics)
	for _, topic := range topics {
		if !topicName.MatchString(topic) {
			r.faults.Add(EventTopics, topic, "must be names of Kafka topics, comma separated")
		}
		if bus.Internal(topic) {
			r.faults.Add(EventTopics, topic, "must name none of the topics that Staffetta keeps for itself")
		}
	}
	return topics
}

// defaultLogLevel leaves the terminal of standalone to what it tells people.
func defaultLogLevel(service string) string {
	if service == "standalone" {
		return "warn"
	}
	return "info"
}

func readLogLevel(r *reader, otherwise string) string {
	value := strings.ToLower(r.text(LogLevel))
	if value == "" {
		return otherwise
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, value) {
		r.faults.Add(LogLevel, value, "must be debug, info, warn or error")
	}
	return value
}
