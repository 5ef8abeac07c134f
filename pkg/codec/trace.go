package codec

import (
	"strings"

	"github.com/staffetta/staffetta/pkg/hook"
)

// traceOf takes the trace context out of the headers, if it is valid by W3C
// Trace Context: what is not is left out, as the standard has it, since it goes
// into the headers of every request.
func traceOf(in Input) hook.Trace {
	parent := in.header("traceparent")
	if !validTraceParent(parent) {
		return hook.Trace{}
	}
	state := strings.TrimSpace(in.header("tracestate"))
	if !validTraceState(state) {
		state = ""
	}
	return hook.Trace{Parent: parent, State: state}
}

// validTraceParent takes version-trace-parent-flags in lower-case hexadecimal.
// Versions after 00 may have more behind a dash.
func validTraceParent(text string) bool {
	const size = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(text) < size || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return false
	}
	version, trace, parent, flags := text[:2], text[3:35], text[36:52], text[53:55]
	if version == "00" && len(text) != size || len(text) > size && text[size] != '-' {
		return false
	}
	return hexadecimal(version) && version != "ff" &&
		hexadecimal(trace) && strings.Trim(trace, "0") != "" &&
		hexadecimal(parent) && strings.Trim(parent, "0") != "" &&
		hexadecimal(flags) && visible(text[size:])
}

// validTraceState takes at most 512 bytes and 32 members of key=value. It looks
// no closer: what matters here is that it is safe in a header.
func validTraceState(text string) bool {
	const most, members = 512, 32
	if len(text) > most || strings.Count(text, ",") >= members || !visible(text) {
		return false
	}
	for member := range strings.SplitSeq(text, ",") {
		if member = strings.TrimSpace(member); member != "" && !strings.Contains(member, "=") {
			return false
		}
	}
	return true
}

func hexadecimal(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// visible takes ASCII without control characters.
func visible(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
