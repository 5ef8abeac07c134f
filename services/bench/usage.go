package bench

import (
	"runtime"
	"syscall"
	"time"
)

// usage is what the process has used since its start.
type usage struct {
	cpu  time.Duration // user and system
	peak float64       // resident memory at its most, MiB
}

func used() (usage, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return usage{}, err
	}
	perMiB := 1024.0 // Linux and the BSDs count KiB
	if runtime.GOOS == "darwin" {
		perMiB = 1024 * 1024 // and this one bytes
	}
	return usage{
		cpu:  time.Duration(r.Utime.Nano() + r.Stime.Nano()),
		peak: float64(r.Maxrss) / perMiB,
	}, nil
}
