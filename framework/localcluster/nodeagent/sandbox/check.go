package sandbox

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Check says what this process lacks to run containers, in a sentence for its user.
func Check() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("asking for this process's capabilities: %w", err)
	}
	var missing []string
	for _, c := range []struct {
		bit  uint
		name string
	}{{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}, {unix.CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {unix.CAP_SYS_CHROOT, "CAP_SYS_CHROOT"}, {unix.CAP_SETUID, "CAP_SETUID"}} {
		if data[0].Effective&(1<<c.bit) == 0 {
			missing = append(missing, c.name)
		}
	}
	if os.Geteuid() != 0 || len(missing) > 0 {
		return fmt.Errorf("running pods needs root with CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYS_CHROOT and CAP_SETUID; this process is user %d and lacks [%s]: run it as root (the control plane works without)",
			os.Geteuid(), strings.Join(missing, " "))
	}
	return nil
}
