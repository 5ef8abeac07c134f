// Package listen is a receiver for trying things out: it verifies each request
// and prints it.
package listen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/signature"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

// maxBody is more than any request of ours has.
const maxBody = 16 << 20

// Receiver verifies and prints. It answers 204 to what it trusts, 401 to what
// it does not.
type Receiver struct {
	// Secret of the webhook: whsec_…, or whpk_… of an ed25519 one, for the formats
	// standard and cloudevents, else the token of rentman and cassa-in-cloud. Empty: nothing is verified, and everything trusted.
	Secret string
	// Out is where requests are printed.
	Out io.Writer

	mu sync.Mutex
}

// Handler is the receiver at every path, beside the health of its process: a delivery is a POST,
// so nothing that Staffetta sends is mistaken for a question about health.
func Handler(r *Receiver) http.Handler {
	mux := http.NewServeMux()
	operations := telemetry.Handler(telemetry.NewRegistry(), &telemetry.Health{})
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		mux.Handle("GET "+path, operations)
	}
	mux.Handle("/", r)
	return mux
}

// ServeHTTP takes one request.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	verdict, status := r.verify(req.Header, body)
	r.print(req, verdict, body)
	w.WriteHeader(status)
}

// verify checks the signature that the request carries.
func (r *Receiver) verify(h http.Header, body []byte) (verdict string, status int) {
	if r.Secret == "" {
		return "not verified: no --secret", http.StatusNoContent
	}
	var err error
	switch {
	case h.Get(signature.HeaderDigest) != "":
		err = signature.VerifyDigest(h, body, r.Secret)
	case h.Get(signature.HeaderCN) != "":
		err = signature.VerifySHA1(h, body, r.Secret)
	default:
		err = signature.Verify(h, body, r.Secret, time.Now(), signature.DefaultTolerance)
	}
	switch {
	case err == nil:
		return "verified", http.StatusNoContent
	case errors.Is(err, signature.ErrMismatch):
		return "REFUSED: the signature does not fit the secret", http.StatusUnauthorized
	default:
		return "REFUSED: " + err.Error(), http.StatusUnauthorized
	}
}

func (r *Receiver) print(req *http.Request, verdict string, body []byte) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s  %s %s  %s\n", time.Now().Format(time.TimeOnly), req.Method, req.URL.Path, verdict)
	for _, name := range shown {
		if value := req.Header.Get(name); value != "" {
			fmt.Fprintf(&out, "  %s: %s\n", name, printable(value))
		}
	}
	out.WriteString("  ")
	if json.Indent(&out, body, "  ", "  ") != nil {
		out.WriteString(printable(string(body)))
	}
	out.WriteString("\n\n")
	r.mu.Lock()
	defer r.mu.Unlock()
	// A terminal that is gone is no reason to refuse deliveries.
	_, _ = r.Out.Write(out.Bytes())
}

// shown are the headers that are printed.
var shown = []string{
	"webhook-id", "webhook-timestamp", "webhook-signature", "Digest", "x-cn-operation", "x-cn-signature",
	"ce-id", "ce-type", "ce-source", "ce-time", "traceparent", "Staffetta-Test",
}

// printable keeps control characters from the terminal.
func printable(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
