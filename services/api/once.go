package api

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"github.com/staffetta/staffetta/pkg/apiauth"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/problem"
	"github.com/staffetta/staffetta/pkg/telemetry"
)

const (
	// keyHeader makes a request one that is carried out once.
	keyHeader = "Idempotency-Key"
	// againHeader marks an answer that was given before.
	againHeader = "Idempotent-Replayed"
	// keptFor is how long an answer is kept (CONTRACT.md).
	keptFor = 24 * time.Hour
	// claimedFor is how long a request that does more than write to the store may take
	// before its process counts as dead: six times what Kafka may (ackTimeout).
	claimedFor = time.Minute
	// endingTimeout bounds the note of what became of a claim.
	endingTimeout = 5 * time.Second
	maxRequestKey = 255 // characters
)

const requestKeyRule = "must be one line of 1 to 255 visible ASCII characters"

type requestKeyKey struct{}

// claimedRequest is a request with an Idempotency-Key, for its handler.
type claimedRequest struct {
	key   hook.RequestKey
	since time.Time
}

// once is the middleware that carries a request with an Idempotency-Key out once, and
// gives its answer to all that follow. Only what was done uses a key up: after a
// refusal it is free.
func (s *Service) once(rule access) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(c)
		values := r.Header.Values(keyHeader)
		if len(values) == 0 {
			next(c)
			return
		}
		if text := strings.Join(values, ", "); len(values) > 1 || text == "" || len(text) > maxRequestKey || strings.ContainsFunc(text, invisible) {
			var faults faultList
			faults.add(keyHeader, strings.ToValidUTF8(text, "\uFFFD"), requestKeyRule)
			problem.Write(w, http.StatusUnprocessableEntity, "", "", faults.found)
			return
		}
		body, whole := readWhole(c, r, w)
		if !whole { // the operation refuses what there is of it
			next(huma.WithContext(humago.NewContext(c.Operation(), withBody(c.Context(), r, body), w), c.Context()))
			return
		}
		again := repeatable{
			key: hook.RequestKey{
				Owner: owner(r, principal(c.Context())), Account: principal(c.Context()).Account, Key: values[0], Request: fingerprint(r, body.content),
			},
			run: func(ctx context.Context) *heldAnswer {
				held := &heldAnswer{ResponseWriter: w, header: http.Header{}}
				next(humago.NewContext(c.Operation(), withBody(ctx, r, body), held))
				return held
			},
		}
		if rule.beyond {
			s.claim(c.Context(), w, again)
		} else {
			s.transact(c.Context(), w, again)
		}
	}
}

// repeatable is a request that can be run again and again.
type repeatable struct {
	key hook.RequestKey
	run func(context.Context) *heldAnswer
}

// errRefused undoes what a request did that was not answered with success.
var errRefused = errors.New("refused")

// transact runs a request and keeps its answer in one transaction.
func (s *Service) transact(ctx context.Context, w http.ResponseWriter, request repeatable) {
	var held *heldAnswer
	kept, again, err := s.cfg.Store.Once(ctx, request.key, s.now().Add(keptFor), func(ctx context.Context) ([]byte, error) {
		held = request.run(ctx)
		if !held.succeeded() {
			return nil, errRefused
		}
		return s.sealAnswer(request.key, held)
	})
	switch {
	case errors.Is(err, errRefused):
		held.send(w, false)
	case err != nil:
		s.refuseRepeated(ctx, w, err)
	case again:
		s.sendAgain(w, request.key, kept)
	default:
		// What the handler woke it for was not there yet.
		s.publisher.wake()
		held.send(w, false)
	}
}

// claim runs a request that does what no transaction undoes. If the process dies in the
// middle, the same request is carried out again when it is sent again.
func (s *Service) claim(ctx context.Context, w http.ResponseWriter, request repeatable) {
	claim, kept, again, err := s.cfg.Store.Claim(ctx, request.key, claimedFor, s.now().Add(keptFor))
	switch {
	case err != nil:
		s.refuseRepeated(ctx, w, err)
		return
	case again:
		s.sendAgain(w, request.key, kept)
		return
	}
	held := request.run(context.WithValue(ctx, requestKeyKey{}, claimedRequest{key: request.key, since: claim.Since}))
	// Also if the client has gone: it will ask again.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endingTimeout)
	defer cancel()
	if held.succeeded() {
		var sealed []byte
		if sealed, err = s.sealAnswer(request.key, held); err == nil {
			err = s.cfg.Store.Keep(ending, request.key, claim, sealed)
		}
	} else {
		// After a failure, as against a refusal, something may have been done.
		err = s.cfg.Store.Release(ending, request.key, claim, held.status < http.StatusInternalServerError)
	}
	if err != nil {
		s.log.Warn("what became of a request with an Idempotency-Key is not noted: sent again it is carried out again, after a minute",
			zap.Error(err), telemetry.TraceOf(ctx))
	}
	held.send(w, false)
}

// refuseRepeated answers a request of which nothing was carried out.
func (s *Service) refuseRepeated(ctx context.Context, w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, hook.ErrConflict):
		problem.Write(w, http.StatusConflict, "", "the "+keyHeader+" was used for another request in the last 24 hours: give each request its own", nil)
	case errors.Is(err, hook.ErrUnderWay):
		w.Header().Set("Retry-After", "1")
		problem.Write(w, http.StatusConflict, "", "a request with this "+keyHeader+" is in progress; ask again", nil)
	case ctx.Err() != nil: // nobody reads this
		problem.Write(w, http.StatusServiceUnavailable, "", "the request was ended", nil)
	default:
		s.log.Error("a request with an Idempotency-Key failed", zap.Error(err), telemetry.TraceOf(ctx))
		problem.Write(w, http.StatusInternalServerError, "", "an internal error; the log of the service says more", nil)
	}
}

// owner is who chose a key: an API key, or the operator for an account; without either,
// as in the portal, whoever acts. A key of one API key stands for nothing with another
// one, which may do less.
func owner(r *http.Request, p apiauth.Principal) [32]byte {
	token := strings.Fields(r.Header.Get("Authorization"))
	if len(token) == 0 {
		return digest(p.Account, string(p.Actor.Kind), p.Actor.ID)
	}
	return digest(p.Account, token[len(token)-1])
}

// fingerprint is the same for the same request.
func fingerprint(r *http.Request, body []byte) [32]byte {
	return digest(r.Method, r.URL.EscapedPath(), r.URL.RawQuery, strings.Join(r.Header.Values("If-Match"), ", "), string(body))
}

// digest is a hash of texts; where one ends counts.
func digest(texts ...string) [32]byte {
	h := sha256.New()
	for _, text := range texts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		h.Write(length[:])
		h.Write([]byte(text))
	}
	return [32]byte(h.Sum(nil))
}

// derivedID is an id that is the same whenever the claimed request is carried out, or a
// new one without a claim.
func derivedID(ctx context.Context, prefix string, n int, now time.Time) string {
	claimed, ok := ctx.Value(requestKeyKey{}).(claimedRequest)
	if !ok {
		return newID(prefix, now)
	}
	sum := digest(string(claimed.key.Owner[:]), claimed.key.Key, string(claimed.key.Request[:]), fmt.Sprint(n))
	return formatID(prefix, claimed.since, [10]byte(sum[:]))
}

// forgetInterval is how often old answers are dropped.
const forgetInterval = time.Minute

// forgetAnswers works until ctx ends; every member does it.
func (s *Service) forgetAnswers(ctx context.Context) {
	ticker := time.NewTicker(forgetInterval)
	defer ticker.Stop()
	for {
		if err := s.cfg.Store.ForgetAnswers(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("old answers are not dropped; trying again", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
