package api

import "errors"

// errCacheUnknown is the state of the cache before it was looked at.
var errCacheUnknown = errors.New("the cache was not compared with the store yet")
