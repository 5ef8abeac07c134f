// Package trial is a receiver to try webhooks out with, for installations on one
// machine: it verifies what arrives, and keeps the newest to be shown in the portal.
package trial

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/signature"
)

const (
	// maxBody is more than any delivery has (an event has at most 900,000 bytes).
	maxBody = 2 << 20
	// keptBody is how much of a body is kept, kept how many deliveries of an account, and
	// keptAccounts of how many accounts: 20 MiB of bodies at the most. keptHeader is how
	// much of a header is: more than any has that a delivery comes with.
	keptBody     = 4 << 10
	keptHeader   = 1 << 10
	kept         = 50
	keptAccounts = 100
)

// Arrival is a delivery that arrived.
type Arrival struct {
	At time.Time
	// Delivery is its id; empty in formats without one.
	Delivery string
	// Verified: the signature is right. Why says what is wrong if it is not.
	Verified bool
	Why      string
	// Header has the lines that prove where it came from, Body its beginning.
	Header []string
	Body   string
}

// Receiver has an address for each account. It is safe for concurrent use.
type Receiver struct {
	key []byte
	now func() time.Time

	mu   sync.Mutex
	base string
	// arrivals are by account, the newest first; order has the accounts, the one that
	// something arrived for last at the end.
	arrivals map[string][]Arrival
	order    []string
}

// New makes one. Its addresses and secrets follow from the key, which should outlast a
// restart, as webhooks do. now is the clock; nil: time.Now.
func New(key string, now func() time.Time) *Receiver {
	if now == nil {
		now = time.Now
	}
	return &Receiver{key: []byte(key), now: now, arrivals: map[string][]Arrival{}}
}

// Found says where the installation's portal is reached from itself, such as
// "http://127.0.0.1:8080"; before that there are no addresses.
func (r *Receiver) Found(base string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.base = base
}

// URL is an account's address; empty as long as it is not known.
func (r *Receiver) URL(account string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.base == "" {
		return ""
	}
	return r.base + "/portal/trial/" + account + "/" + r.proof(account)
}

// Secret is what the webhooks of an account sign with, so that they verify here.
func (r *Receiver) Secret(account string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(r.derive("secret", account))
}

// proof keeps strangers from an address: it cannot be guessed.
func (r *Receiver) proof(account string) string {
	return hex.EncodeToString(r.derive("address", account)[:16])
}

func (r *Receiver) derive(purpose, account string) []byte {
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte("staffetta trial receiver " + purpose + " " + account))
	return mac.Sum(nil)
}

// Arrivals are what arrived for an account, the newest first.
func (r *Receiver) Arrivals(account string) []Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.arrivals[account])
}

// ServeHTTP takes a delivery at /portal/trial/{account}/{proof}. It answers 204 to what it
// trusts, 401 to what it does not.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	account := req.PathValue("account")
	if !hmac.Equal([]byte(req.PathValue("proof")), []byte(r.proof(account))) {
		http.NotFound(w, req)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	err = r.verify(req.Header, body, r.Secret(account))
	a := Arrival{
		At: r.now(), Delivery: start(req.Header.Get(signature.HeaderID), keptHeader), Verified: err == nil, Header: proofs(req.Header),
		Body: start(string(body[:min(len(body), keptBody)]), keptBody),
	}
	status := http.StatusNoContent
	if err != nil {
		a.Why, status = start(err.Error(), keptHeader), http.StatusUnauthorized
	}
	r.keep(account, a)
	w.WriteHeader(status)
}

// verify checks whichever signature a request has.
func (r *Receiver) verify(h http.Header, body []byte, secret string) error {
	switch {
	case h.Get(signature.HeaderDigest) != "":
		return signature.VerifyDigest(h, body, secret)
	case h.Get(signature.HeaderCN) != "":
		return signature.VerifySHA1(h, body, secret)
	case h.Get(signature.HeaderSignature) == "":
		return errors.New("there is no signature")
	default:
		return signature.Verify(h, body, secret, r.now(), signature.DefaultTolerance)
	}
}

// shown are the headers that are kept.
var shown = []string{signature.HeaderID, signature.HeaderTimestamp, signature.HeaderSignature, signature.HeaderDigest, signature.HeaderCN, "X-Cn-Operation", "Staffetta-Test"}

func proofs(h http.Header) (lines []string) {
	for _, name := range shown {
		if value := h.Get(name); value != "" {
			lines = append(lines, name+": "+start(value, keptHeader))
		}
	}
	return lines
}

// start is the beginning of a text, which does not keep the rest of it in memory.
func start(text string, most int) string {
	return strings.ToValidUTF8(strings.Clone(text[:min(len(text), most)]), "\uFFFD")
}

func (r *Receiver) keep(account string, a Arrival) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := append([]Arrival{a}, r.arrivals[account]...)
	r.arrivals[account] = all[:min(len(all), kept)]
	r.order = append(slices.DeleteFunc(r.order, func(other string) bool { return other == account }), account)
	if len(r.order) > keptAccounts {
		delete(r.arrivals, r.order[0])
		r.order = slices.Delete(r.order, 0, 1)
	}
}
