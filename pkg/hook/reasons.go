package hook

// Reasons lists every Reason but ReasonNone: those of answers first, then those
// of requests that had none, then those of tasks that were not tried.
var Reasons = []Reason{
	ReasonStatus, ReasonRedirect, ReasonGone, ReasonThrottled,
	ReasonTimeout, ReasonDNS, ReasonConnect, ReasonReset, ReasonTLS, ReasonProtocol, ReasonForbidden,
	ReasonCertificate, ReasonOwnCertificate, ReasonTokenRefused, ReasonTokenFailed, ReasonTokenUnreachable,
	ReasonProxyRefused, ReasonProxyUnreachable,
	ReasonBusy, ReasonCircuitOpen, ReasonPaused, ReasonDisabled, ReasonResuming, ReasonRevoked,
	ReasonPayloadGone, ReasonUnrenderable, ReasonQuota, ReasonNewerRun, ReasonNewerChange, ReasonDefect,
	ReasonDiscarded,
}
