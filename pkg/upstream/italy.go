package upstream

import (
	"time"
	_ "time/tzdata" // images have no time zones
)

// italy is where the stores are whose documents these services keep: what "today" is
// where a request does not say.
var italy = func() *time.Location {
	location, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // it is built in
	}
	return location
}()

// Italy is the time zone of days that no request names.
func Italy() *time.Location { return italy }
