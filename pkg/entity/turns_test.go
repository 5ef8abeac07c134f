package entity_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/staffetta/staffetta/pkg/entity"
)

// More writers of one account than a process has connections: one of them is slow, the
// others wait for it, and another account shall notice nothing.
func TestAnAccountThatWaitsForItselfLeavesConnectionsToOthers(t *testing.T) {
	const writers = 40
	slow, release := make(chan struct{}), make(chan struct{})
	var first sync.Once
	domain := entity.Domain{Collections: []entity.Collection{{
		Path: "things", ItemType: "Thing",
		Rules: func(context.Context, *entity.Tx, *entity.Change) error {
			first.Do(func() {
				close(slow)
				<-release
			})
			return nil
		},
	}}}
	backendsOf(t, domain, func(t *testing.T, r *rig) {
		codes := make(chan int, writers)
		var begun, ended sync.WaitGroup
		begun.Add(writers - 1)
		write := func() { codes <- r.do("POST", "/things", `{}`).Code }
		ended.Go(write)
		<-slow
		for range writers - 1 {
			ended.Go(func() {
				begun.Done()
				write()
			})
		}
		begun.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		for range writers { // by then those that have begun wait
			request := httptest.NewRequestWithContext(ctx, "GET", "/things", nil)
			request.Header.Set("Authorization", "Bearer sk_other")
			w := httptest.NewRecorder()
			r.handler.ServeHTTP(w, request)
			if w.Body.Len() == 0 {
				t.Error("the other account got no connection")
				break
			}
		}
		cancel()
		close(release)
		ended.Wait()
		for range writers {
			require.Equal(t, http.StatusCreated, <-codes)
		}
		require.Contains(t, r.do("GET", "/things?limit=1", "").Body.String(), `"id":`+strconv.Itoa(writers)+`,`)
	})
}
