package day

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/staffetta/staffetta/services/demo/rest"
)

// askers is how many ask at a time.
const askers = 8

// compareStates follows every reference: that of each item answers with its last
// version, or 410 once it is deleted; those of users and parents, too.
func (s *Summary) compareStates(ctx context.Context, client *rest.Client, history map[string][]delivered) error {
	refs := make(map[string]bool)
	for ref, versions := range history {
		refs[ref] = true
		for _, v := range versions {
			refs[v.user], refs[v.parent] = true, true
		}
	}
	delete(refs, "")
	var mu sync.Mutex
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(askers)
	for ref := range refs {
		group.Go(func() error {
			var answer json.RawMessage
			err := client.Send(asking, http.MethodGet, ref, nil, &answer)
			if err != nil && !errors.As(err, new(*rest.Refusal)) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			s.References++
			versions := history[ref]
			switch {
			case len(versions) == 0:
				s.disagree("%s is referred to, and no change of it was delivered", ref)
			case versions[len(versions)-1].event == "delete":
				if !rest.Refused(err, http.StatusGone) {
					s.disagree("%s was deleted, and answers %v", ref, err)
				}
			case err != nil:
				s.disagree("%s does not answer: %v", ref, err)
			case string(answer) != string(versions[len(versions)-1].data):
				s.disagree("%s answers %s, and its last delivery says %s", ref, answer, versions[len(versions)-1].data)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return s.compareLevels(ctx, client, history)
}

// place is where there is a level.
type place struct {
	equipment int64
	store     string
}

// movement is what matters of one.
type movement struct {
	Equipment            int64
	Type, Store, ToStore string
	Quantity             json.Number
}

// levels are what the last versions of movements come to.
func (s *Summary) levels(history map[string][]delivered) map[place]*big.Rat {
	sums := make(map[place]*big.Rat)
	add := func(equipment int64, store string, quantity *big.Rat) {
		at := place{equipment, store}
		if sums[at] == nil {
			sums[at] = new(big.Rat)
		}
		sums[at].Add(sums[at], quantity)
	}
	for ref, versions := range history {
		last := versions[len(versions)-1]
		if !strings.HasPrefix(ref, "/stock-movements/") || last.event == "delete" {
			continue
		}
		var m movement
		quantity := new(big.Rat)
		err := json.Unmarshal(last.data, &m)
		if _, ok := quantity.SetString(m.Quantity.String()); !ok || err != nil {
			s.disagree("%s is no movement: %s", ref, last.data)
			continue
		}
		taken := new(big.Rat).Neg(quantity)
		switch m.Type {
		case "unload":
			add(m.Equipment, m.Store, taken)
		case "transfer":
			add(m.Equipment, m.Store, taken)
			add(m.Equipment, m.ToStore, quantity)
		default:
			add(m.Equipment, m.Store, quantity)
		}
	}
	return sums
}

// compareLevels expects the levels that the delivered movements come to.
func (s *Summary) compareLevels(ctx context.Context, client *rest.Client, history map[string][]delivered) error {
	sums := s.levels(history)
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				Equipment int64
				Store     string
				Quantity  json.Number
			}
			Next *string
		}
		if err := client.Send(ctx, http.MethodGet, "/stock-levels?limit=500&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return err
		}
		for _, l := range page.Items {
			at := place{l.Equipment, l.Store}
			level, ok := new(big.Rat).SetString(l.Quantity.String())
			if want := sums[at]; !ok || want == nil || want.Cmp(level) != 0 {
				s.disagree("the level of /equipment/%d in store %q is %s, and its movements come to %v", l.Equipment, l.Store, l.Quantity, want)
			}
			delete(sums, at)
			s.Levels++
		}
		if page.Next == nil {
			break
		}
		cursor = *page.Next
	}
	for at := range sums {
		s.disagree("there is no level of /equipment/%d in store %q", at.equipment, at.store)
	}
	return nil
}
