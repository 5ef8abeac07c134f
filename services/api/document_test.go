package api_test

import "testing"

// What is no UTF-8 must not be kept as something else: a password would not fit any more.
func TestABodyIsUTF8(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.acme().put("/v1/stores/7", "{\"name\": \"caff\xe8\"}").requires(400).faults()
	b.acme().patch("/v1/webhooks/"+b.webhook(), "{\"auth\": {\"type\": \"basic\", \"username\": \"u\", \"password\": \"p\xe8\"}}").requires(400).faults()
	b.acme().put("/v1/stores/7", `{"name": "caffè"}`).requires(200)
}
