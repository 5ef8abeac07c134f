//go:build !linux

package chaos

import "syscall"

// orphanless is more than this system can do: services outlive a bench that is
// killed with -9.
func orphanless() *syscall.SysProcAttr { return nil }
