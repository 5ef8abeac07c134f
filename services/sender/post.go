package sender

import (
	"bytes"
	"errors"
	"sync"
	"time"

	"github.com/staffetta/staffetta/pkg/egress"
	"github.com/staffetta/staffetta/pkg/format"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/sent"
)

// paper is what a request is written on.
type paper struct {
	body   []byte
	header []hook.Header
	// sent is the header as the log keeps it.
	sent []byte
	veil veil
}

var papers = sync.Pool{New: func() any { return new(paper) }}

// maxPaper keeps a rare large body from living on in the pool.
const maxPaper = 64 << 10

// post makes one request. Its outcome always has a time: it was an attempt.
func (o *owner) post(t *task, w *target) (out outcome) {
	out.at = time.Now()
	defer func() { out.duration = time.Since(out.at) }()
	ready, err := w.prepare(o.service)
	if err != nil {
		out.reason, out.detail = hook.ReasonUnrenderable, err.Error()
		return out
	}
	out.url = ready.to.Shown
	trail := o.follow(t, ready)
	defer trail.end(&out)
	out.traceID, out.sampled = trail.id, trail.sampled()

	p, ok := papers.Get().(*paper)
	if !ok { // nothing else is put there
		p = new(paper)
	}
	rendered, err := format.Render(p.body[:0], &w.Webhook, w.account, t.told(), t.delivery)
	if err != nil {
		out.reason, out.detail = hook.ReasonUnrenderable, err.Error()
		return out
	}
	p.body = rendered.Body
	p.header = append(p.header[:0], hook.Header{Name: "User-Agent", Value: o.service.UserAgent})
	p.header = trail.append(p.header)
	p.header = ready.signer.Append(p.header, rendered, t.delivery, out.at)
	common := len(p.header)
	p.header = append(p.header, ready.headers...)
	if t.test {
		p.header = append(p.header, testHeader)
	}
	answer, err := o.service.send(ready, p, out.at.Add(w.Timeout))
	p.veil.cover(ready.mask, p.header)
	out.timing = answer.Timing
	if wasSent(err) {
		out.request = p.kept(common, ready, sent.About{Delivery: t.delivery, TraceID: out.traceID, At: out.at})
	}
	if err != nil {
		out.fail(err, &p.veil)
	} else {
		out.keep(answer, &p.veil)
	}
	if cap(p.body) <= maxPaper {
		papers.Put(p)
	}
	return out
}

// kept is the header as the log keeps it: what is common to all requests of a format
// proves only that this one came from here, and is shown; the webhook's own headers
// behind that are shown as far as they are no secrets.
func (p *paper) kept(common int, ready *prepared, about sent.About) []byte {
	p.sent = sent.AppendLength(p.sent[:0], len(p.body))
	for i := range common {
		p.sent = sent.Append(p.sent, p.header[i], about)
	}
	for i := range ready.shown {
		p.sent = sent.Append(p.sent, ready.shown[i], about)
	}
	for _, line := range p.header[common+len(ready.headers):] { // a test's, and a token's
		if line.Name == authorization {
			line.Value = masked
		}
		p.sent = sent.Append(p.sent, line, about)
	}
	return bytes.Clone(p.sent)
}

// wasSent reports whether something of the request left for its receiver.
func wasSent(err error) bool {
	if err == nil {
		return true // most are: what follows takes memory
	}
	var (
		fault *egress.Error
		token *tokenError
	)
	switch {
	case errors.As(err, &token) || !errors.As(err, &fault):
		return false
	default:
		return fault.Stage == egress.StageSend || fault.Stage == egress.StageAnswer || fault.Stage == egress.StageBody
	}
}

// send posts what is on paper.
func (s *Service) send(ready *prepared, p *paper, deadline time.Time) (egress.Answer, error) {
	if ready.auth != nil {
		return ready.auth.post(s.Client, ready.to, p, deadline)
	}
	return s.Client.Post(p.request(ready.to, deadline))
}

func (p *paper) request(to *egress.Destination, deadline time.Time) egress.Request {
	return egress.Request{To: to, Header: p.header, Body: p.body, Deadline: deadline}
}

// told is the event as the receiver is told of it.
func (t *task) told() *hook.Event {
	p := t.passage
	if p == nil || p.tells == "" || p.tells == t.event.Type {
		return t.event
	}
	e := *t.event
	e.Type = p.tells
	return &e
}
