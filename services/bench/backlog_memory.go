package bench

import (
	"context"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

// memoryEvery is how often memory is looked at. It stops nothing, unlike a
// collection.
const memoryEvery = time.Second

const mebibyte = 1 << 20

// liveHeap is what is alive after a collection, in MiB.
func liveHeap() float64 {
	// What the first lets go of, pools and what has a cleanup, the second
	// collects.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / mebibyte
}

// memoryWatch notes memory as time passes.
type memoryWatch struct {
	// stop ends it and puts what was noted into series: heap_mib, objects that
	// are alive or not yet collected; and held_mib, all that Go's runtime holds of
	// the system.
	stop func(series map[string][]float64)
}

func watchMemory(ctx context.Context) memoryWatch {
	var (
		heap, held []float64
		watching   sync.WaitGroup
	)
	ctx, end := context.WithCancel(ctx)
	watching.Go(func() {
		tick := time.NewTicker(memoryEvery)
		defer tick.Stop()
		for {
			h, all := memoryNow()
			heap, held = append(heap, h), append(held, all)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return memoryWatch{stop: func(series map[string][]float64) {
		end()
		watching.Wait()
		series["heap_mib"], series["held_mib"] = heap, held
	}}
}

// memoryNow is what objects on the heap take, and what the runtime holds, MiB.
func memoryNow() (heap, held float64) {
	read := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(read)
	mib := func(i int) float64 { return float64(read[i].Value.Uint64()) / mebibyte }
	return mib(0), mib(1) - mib(2)
}
