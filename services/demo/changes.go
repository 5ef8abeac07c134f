package demo

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/staffetta/staffetta/services/demo/rest"
)

const (
	// fewItems of a kind are made before any is changed.
	fewItems = 3
	// manyItems of a kind are the most that live at a time.
	manyItems = 20
	// oneInMoves: about every fifth change makes an item or deletes the oldest,
	// as a coin decides, so that about a tenth of the changes are deletions.
	oneInMoves = 5
	// maxPause is the longest pause while the services are away.
	maxPause = 5 * time.Second
)

// shop makes changes, one kind of item after the other.
type shop struct {
	client *rest.Client
	log    *zap.Logger
	random *rand.Rand
	turn   int
	// tell is called with how the last change went.
	tell func(error)
	// live are the ids of the items that are there, oldest first.
	live map[string][]int64
	// stocked is what there is to sell, and spare the movements that can be deleted,
	// oldest first, as of the last countStock.
	stocked []place
	spare   []int64
	// till and credit are as of the last survey of receipts and of credit notes.
	till   till
	credit credit
}

func newShop(c *rest.Client, log *zap.Logger, tell func(error)) *shop {
	return &shop{
		client: c, log: log, tell: tell, live: make(map[string][]int64),
		random: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)),
	}
}

// run makes one change per interval until ctx ends. While the services are away
// it tries more and more seldom.
func (s *shop) run(ctx context.Context, interval time.Duration) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	pause, failing := interval, false
	for {
		err := s.step(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.tell(err)
		if err == nil {
			if failing {
				s.log.Info("demo goes on")
			}
			pause, failing = interval, false
		} else {
			if !failing {
				s.log.Warn("demo waits", zap.Error(err))
			}
			failing = true
			pause = min(2*pause, maxPause)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// step makes the next change. The turn passes on also after an error, so that a
// service that is away does not stop the others.
func (s *shop) step(ctx context.Context) error {
	k := kinds[s.turn%len(kinds)]
	s.turn++
	if _, known := s.live[k.path]; !known {
		if err := s.look(ctx, k.path); err != nil {
			return err
		}
	}
	err := s.change(ctx, k)
	if rest.Refused(err, http.StatusNotFound, http.StatusGone, http.StatusConflict, http.StatusUnprocessableEntity) {
		// Somebody else deleted the item or its parent, or sold the last one: look again.
		delete(s.live, k.path)
		delete(s.live, k.parent)
		s.log.Debug("demo change refused", zap.Error(err))
		return nil
	}
	return err
}

// look reads which items of a kind are there.
func (s *shop) look(ctx context.Context, path string) error {
	var page struct{ Items []struct{ ID int64 } }
	if err := s.client.Send(ctx, http.MethodGet, path+"?limit=500", nil, &page); err != nil {
		return err
	}
	ids := make([]int64, len(page.Items))
	for i, it := range page.Items { // newest first
		ids[len(ids)-1-i] = it.ID
	}
	s.live[path] = ids
	return nil
}

func (s *shop) change(ctx context.Context, k kind) error {
	ids := s.live[k.path]
	can := choices{edit: ids, delete: ids}
	if k.survey != nil {
		var err error
		if can, err = k.survey(ctx, s); err != nil {
			return err
		}
	}
	moves, coin := s.random.IntN(oneInMoves) == 0, s.random.IntN(2) == 0
	switch {
	case !can.full && (len(ids) < fewItems || moves && coin && len(ids) < manyItems || len(can.edit) == 0):
		return s.create(ctx, k, can)
	case moves && len(ids) > fewItems && len(can.delete) > 0:
		old := can.delete[0]
		if err := s.client.Send(ctx, http.MethodDelete, k.path+"/"+strconv.FormatInt(old, 10), nil, nil, s.user()...); err != nil {
			return err
		}
		s.live[k.path] = slices.DeleteFunc(ids, func(id int64) bool { return id == old })
		return nil
	case len(can.edit) == 0:
		return nil
	}
	id := can.edit[s.random.IntN(len(can.edit))]
	return s.client.Send(ctx, http.MethodPatch, k.path+"/"+strconv.FormatInt(id, 10), k.edit(s), nil, s.user()...)
}

func (s *shop) create(ctx context.Context, k kind, can choices) error {
	path, item := k.path, fields{}
	// The first of a kind is made by itself: so each kind has its turn.
	if can.source != "" && len(s.live[k.path]) > 0 && s.random.IntN(2) == 0 {
		path = can.source
	} else {
		item = k.make(s)
		if parents := s.live[k.parent]; len(parents) > 0 && item[k.field] == nil {
			item[k.field] = parents[s.random.IntN(len(parents))]
		}
	}
	var made struct{ ID int64 }
	if err := s.client.Send(ctx, http.MethodPost, path, item, &made, s.user()...); err != nil {
		return err
	}
	s.live[k.path] = append(s.live[k.path], made.ID)
	return nil
}

// user is the header that says who acts: somebody of the crew, once there is one.
func (s *shop) user() []string {
	crew := s.live["/crew"]
	if len(crew) == 0 {
		return nil
	}
	return []string{"Staffetta-User", strconv.FormatInt(crew[s.random.IntN(len(crew))], 10)}
}
