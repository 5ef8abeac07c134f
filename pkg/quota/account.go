package quota

import "time"

// account is what is known of one account.
type account struct {
	// periods by their start, in Unix milliseconds.
	periods map[int64]*holding
	cursor  cursor
}

// known is the holding of a period, or nil.
func (l *Ledger) known(id string, from time.Time) *holding {
	a := l.accounts[id]
	if a == nil {
		return nil
	}
	return a.periods[from.UnixMilli()]
}

// holding is that of a period, made if it is new.
func (l *Ledger) holding(id string, from, to time.Time) *holding {
	a := l.account(id)
	h := a.periods[from.UnixMilli()]
	if h == nil {
		h = &holding{account: id, start: from, end: to, touched: l.now()}
		a.periods[from.UnixMilli()] = h
		l.holdings++
	}
	if to.After(h.end) {
		// The quota's period is longer now.
		h.end = to
	}
	return h
}

func (l *Ledger) account(id string) *account {
	a := l.accounts[id]
	if a == nil {
		a = &account{periods: map[int64]*holding{}}
		l.accounts[id] = a
	}
	return a
}
