package e2e_test

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spans are what the processes of an installation export over OTLP.
type spans struct {
	*httptest.Server
	mu  sync.Mutex
	all []exported
}

// exported is a span, and the process that it is from.
type exported struct {
	*tracev1.Span
	service string
}

// collectSpans starts an OTLP receiver.
func collectSpans(t *testing.T) *spans {
	t.Helper()
	s := &spans{}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collectorv1.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range request.GetResourceSpans() {
		service := ""
		for _, a := range of.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				s.all = append(s.all, exported{span, service})
			}
		}
	}
}

// of are the spans of a trace, the first in front.
func (s *spans) of(trace string) (found []exported) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, span := range s.all {
		if hex.EncodeToString(span.GetTraceId()) == trace {
			found = append(found, span)
		}
	}
	slices.SortFunc(found, func(a, b exported) int { return cmp.Compare(a.GetStartTimeUnixNano(), b.GetStartTimeUnixNano()) })
	return found
}

// linkedTo are the spans of other traces that link to one of a trace.
func (s *spans) linkedTo(trace string) (found []exported) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, span := range s.all {
		if hex.EncodeToString(span.GetTraceId()) != trace && slices.ContainsFunc(span.GetLinks(), func(l *tracev1.Span_Link) bool {
			return hex.EncodeToString(l.GetTraceId()) == trace
		}) {
			found = append(found, span)
		}
	}
	return found
}

func (e exported) id() string { return hex.EncodeToString(e.GetSpanId()) }

// tree draws spans as lines: how deep, which process, the name, and whether it failed.
func tree(all []exported, parent, indent string) (drawn []string) {
	for _, span := range all {
		if hex.EncodeToString(span.GetParentSpanId()) != parent {
			continue
		}
		line := indent + strings.TrimPrefix(span.service, "staffetta-") + ": " + span.GetName()
		if span.GetStatus().GetCode() == tracev1.Status_STATUS_CODE_ERROR {
			line += " (" + span.GetStatus().GetMessage() + ")"
		}
		drawn = append(append(drawn, line), tree(all, span.id(), indent+"  ")...)
	}
	return drawn
}

func continuesTraces(t *testing.T, in *installation) {
	a := in.newTenant(t)
	r := newReceiver(t, func(n int, _ *http.Request) int {
		if n == 0 {
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	})
	a.webhook(t, object{"itemTypes": []string{"Contact"}, "url": r.URL, "retrySchedule": []string{"1s"}})
	in.awaitLive(t)
	const trace, producer = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	_, value := contact(a.account, nil)
	in.upstream(t).produce(t, record(a.account, value, header("traceparent", "00-"+trace+"-"+producer+"-01")))
	requests := r.await(t, 2)
	d := a.awaitStatus(t, "delivered", 1)[0]
	require.Equal(t, trace, a.api(t, http.MethodGet, "/v1/deliveries/"+d["id"].(string), nil, http.StatusOK)["traceId"])

	// One tree over the processes, from the producer's span to both attempts.
	want := []string{
		"router: process events.contacts",
		"  router: send deliveries",
		"    sender: process deliveries (status)",
		"      sender: POST (status)",
		"      sender: send retry.1s",
		"    sender: process retry.1s",
		"      sender: POST",
	}
	var all []exported
	eventually(t, func() error {
		all = in.spans.of(trace)
		return is(strings.Join(tree(all, producer, ""), "\n"), strings.Join(want, "\n"))
	})
	require.Len(t, all, len(want), "none is apart from the tree")

	byName := map[string]exported{}
	var posts []string
	for _, span := range all {
		byName[span.GetName()] = span
		if span.GetName() == "POST" {
			posts = append(posts, "00-"+trace+"-"+span.id()+"-01")
		}
	}
	require.Equal(t, posts, []string{requests[0].header.Get("traceparent"), requests[1].header.Get("traceparent")},
		"each receiver's traceparent is its attempt's")
	links := byName["process retry.1s"].GetLinks()
	require.Len(t, links, 1, "the second attempt is linked to the first")
	require.Equal(t, byName["send retry.1s"].id(), hex.EncodeToString(links[0].GetSpanId()))
	for name, kind := range map[string]tracev1.Span_SpanKind{
		"process events.contacts": tracev1.Span_SPAN_KIND_CONSUMER, "send deliveries": tracev1.Span_SPAN_KIND_PRODUCER,
		"process deliveries": tracev1.Span_SPAN_KIND_CONSUMER, "POST": tracev1.Span_SPAN_KIND_CLIENT,
	} {
		require.Equal(t, kind, byName[name].GetKind(), name)
	}
	// What was got in batches is linked to the trace.
	eventually(t, func() error {
		polls := map[string]bool{}
		for _, span := range in.spans.linkedTo(trace) {
			polls[span.service+": "+span.GetName()] = true
		}
		for _, poll := range []string{"staffetta-router: poll events.contacts", "staffetta-sender: poll deliveries", "staffetta-sender: poll retry.1s"} {
			if !polls[poll] {
				return fmt.Errorf("no %s among %v", poll, polls)
			}
		}
		return nil
	})
	require.Contains(t, string(in.logOf("sender")), `"traceId":"`+trace+`"`)
}

// logOf is the end of what a service has logged.
func (in *installation) logOf(service string) []byte {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.processes[service].log.bytes()
}
