package sender

import "github.com/staffetta/staffetta/pkg/egress"

// Client makes one request; egress.NewClient makes one. It follows no redirect
// and repeats nothing that a receiver may have got. It is safe for concurrent
// use, and lets go of the request when it returns. Its errors are *egress.Error
// or wrap egress.ErrHeader.
type Client interface {
	Post(egress.Request) (egress.Answer, error)
}
