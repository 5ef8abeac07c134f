// Package egress decides which addresses deliveries may reach, and posts to them.
//
// What is decided from a URL alone is decided when a webhook is saved
// (Policy.CheckURL); what counts is decided when a connection is made, on the
// address that is really dialled, so that a name which resolves to something else
// the second time gains nothing.
//
// Client is not net/http's: a Transport runs two goroutines per connection and
// hands each request from one to the next, which with its timers and header maps
// was most of what a delivery cost. Here whoever posts writes and reads by itself;
// only a body that may not fit between here and the receiver has a goroutine.
// What is hard stays the standard library's: net.Dialer connects, crypto/tls
// secures, http.ReadResponse parses what is not plain. Measured with a lean receiver in another
// process, 64 requests at a time, in µs of CPU per request (and allocations):
//
//	net/http as it was            31   (68)
//	net/http, RoundTrip tuned     28   (59)
//	valyala/fasthttp 1.77         11   (0)
//	this                          12   (10), with http.ReadResponse for every answer
//
// fasthttp does as well, but keeps a pool and a goroutine for each host, bounds
// idle connections per host alone, looks at none before it is used, and parses
// answers by itself.
//
// What is lost is HTTP/2. It shares one connection among many requests to one
// origin; webhooks go to many origins, few at a time, and every receiver speaks
// HTTP/1.1. With it one connection that stalls would stall all of a receiver's
// requests, and what a lane has learned of it.
//
// A Policy may name a proxy, which makes connections when asked (CONNECT); it is on no
// other path than its own.
//
// There are no redirects, cookies, proxies of the environment, compression or
// retries of what may have been received. A connection is looked at before it is
// used again: a receiver that closed it costs no failed request, and what a
// receiver said unasked is not taken for the answer to the next one. Without TLS
// the look, the request and the waiting for its answer are one operation on the
// socket.
//
// A client certificate is part of the origin (who shares a connection).
package egress
