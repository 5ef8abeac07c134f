package chaos

import "syscall"

// orphanless makes services end with this process, however that ends.
func orphanless() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
