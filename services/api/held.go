package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
)

// heldAnswer is an answer that is not sent yet.
type heldAnswer struct {
	http.ResponseWriter // of the connection, for its deadlines
	header              http.Header
	status              int
	body                bytes.Buffer
}

// Header implements http.ResponseWriter.
func (h *heldAnswer) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

// Write implements http.ResponseWriter.
func (h *heldAnswer) Write(text []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(text)
}

// Unwrap lets http.ResponseController reach the connection.
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *heldAnswer) succeeded() bool { return h.status/100 == 2 }

// send answers with it; again says that it was an answer before.
func (h *heldAnswer) send(w http.ResponseWriter, again bool) {
	maps.Copy(w.Header(), h.header)
	if again {
		w.Header().Set(againHeader, "true")
	}
	w.WriteHeader(h.status)
	// The connection is the client's: if it is gone there is nobody to tell.
	_, _ = w.Write(h.body.Bytes())
}

// keptAnswer is an answer as it is sealed.
type keptAnswer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// sealAnswer encrypts an answer: it may show a secret.
func (s *Service) sealAnswer(k hook.RequestKey, h *heldAnswer) ([]byte, error) {
	text, err := json.Marshal(keptAnswer{Status: h.status, Header: h.header, Body: h.body.Bytes()})
	if err != nil {
		return nil, fmt.Errorf("encode an answer: %w", err)
	}
	sealed, err := s.cfg.Seal.Seal(text, answerContext(k))
	if err != nil {
		return nil, fmt.Errorf("seal an answer: %w", err)
	}
	return sealed, nil
}

// answerContext binds a sealed answer to its request.
func answerContext(k hook.RequestKey) []byte {
	sum := digest("answer", string(k.Owner[:]), k.Key, string(k.Request[:]))
	return sum[:]
}

// sendAgain gives an answer that was given before.
func (s *Service) sendAgain(w http.ResponseWriter, k hook.RequestKey, sealed []byte) {
	var kept keptAnswer
	text, err := s.cfg.Seal.Open(sealed, answerContext(k))
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil {
		s.log.Warn("a kept answer cannot be opened: is the encryption key gone?", zap.Error(err))
		problem.Write(w, http.StatusConflict, "", "this request was carried out before, but its answer can no longer be read", nil)
		return
	}
	h := heldAnswer{header: kept.Header, status: kept.Status}
	h.body.Write(kept.Body)
	h.send(w, true)
}

// readBody is a body that was read, as far as it arrived.
type readBody struct {
	content []byte
	err     error
}

// Read gives the error in the place where it was met.
func (b *readBody) Read(into []byte) (int, error) {
	if len(b.content) == 0 {
		return 0, b.err
	}
	n := copy(into, b.content)
	b.content = b.content[n:]
	return n, nil
}

// readWhole reads a request's body, within the limits of its operation. whole is false
// if it is larger, or did not arrive.
func readWhole(c huma.Context, r *http.Request, w http.ResponseWriter) (body readBody, whole bool) {
	op := c.Operation()
	if op.BodyReadTimeout > 0 {
		// What cannot have one is no connection.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(op.BodyReadTimeout))
	}
	content, err := io.ReadAll(io.LimitReader(r.Body, op.MaxBodyBytes))
	if err == nil {
		err = io.EOF
	}
	return readBody{content: content, err: err}, errors.Is(err, io.EOF) && int64(len(content)) < op.MaxBodyBytes
}

// withBody is the request in another context, with the body from its beginning.
func withBody(ctx context.Context, r *http.Request, body readBody) *http.Request {
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(&body)
	return r
}
