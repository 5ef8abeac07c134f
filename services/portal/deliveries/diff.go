package deliveries

import (
	"crypto/sha256"
	"encoding/hex"
)

// digest tells two looks at the log apart. It is the id of the event that leads there, so
// that a browser that connects again says what it shows.
func digest(rows []row) string {
	hash := sha256.New()
	for i := range rows {
		hash.Write([]byte(rows[i].Key + " " + rows[i].version() + "\n"))
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// change is rows that htmx puts somewhere.
type change struct {
	// Into is a swap of htmx that takes the rows of a table; empty: each row says itself
	// where it goes.
	Into string
	Rows []row
}

// whole shows all rows anew.
func whole(rows []row) []change {
	return []change{{Into: "innerHTML:#rows", Rows: rows}}
}

// diff is what makes of one look another one, with the rows of both at their places; what
// somebody has the focus in stays. Both looks are sorted alike.
func diff(before, after []row) []change {
	old := make(map[string]string, len(before))
	for i := range before {
		old[before[i].Key] = before[i].version()
	}
	var changes []change
	var fresh []row
	kept := make(map[string]bool, len(after))
	for i := range after {
		r := after[i]
		version, there := old[r.Key]
		if !there {
			fresh = append(fresh, r)
			continue
		}
		kept[r.Key] = true
		if len(fresh) > 0 {
			changes = append(changes, change{Into: "beforebegin:#" + r.Key, Rows: fresh})
			fresh = nil
		}
		if version != r.version() {
			r.Swap = "outerHTML"
			changes = append(changes, change{Rows: []row{r}})
		}
	}
	if len(kept) == 0 {
		return whole(after)
	}
	if len(fresh) > 0 {
		changes = append(changes, change{Into: "beforeend:#rows", Rows: fresh})
	}
	for i := range before {
		if r := before[i]; !kept[r.Key] {
			r.Swap = "delete"
			changes = append(changes, change{Rows: []row{r}})
		}
	}
	return changes
}
