package sandbox

// initName is argv[0] of a process that is to become a container.
const initName = "localcluster-container-init"

// pauseName is argv[0] of a container without a command.
const pauseName = "localcluster-pause"

// Descriptors that the parent hands to such a process.
const (
	configFD = 3
	statusFD = 4
)

// Root describes what a container finds on its file system beside the host's system.
type Root struct {
	// Hostname is the pod's.
	Hostname string
	// Mounts are folders of the host's.
	Mounts []Mount
	// Files replace or add files, by absolute path.
	Files map[string]File
	// Hide are folders of the host that must not be seen, wherever they are.
	Hide []string
}

// Mount binds a folder of the host to a path in the container.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}

// File is a file's content and permissions.
type File struct {
	Content []byte
	Mode    uint32
}

// Process is what runs in a container.
type Process struct {
	// Args is the command; PATH of Env finds it. In Container.Start none means a
	// process that waits and reaps orphans.
	Args []string
	// Env is the whole environment, KEY=value.
	Env []string
	// Dir is the working directory, by default /.
	Dir string
	// User and Group are ids in the host's user namespace.
	User, Group uint32
	// NoNewPrivileges and NoCapabilities restrict further what root may do.
	NoNewPrivileges, NoCapabilities bool
}

// initConfig is what the parent sends, over a pipe: it has secrets in it.
type initConfig struct {
	Root    Root
	Process Process
	// Scratch is an empty folder of the host to build the root in. What is mounted
	// there is seen in the container's namespace only.
	Scratch string
}
