package faultmatrix

import (
	"time"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
	"github.com/wlif-conformance/wlif-conformance/framework/report"
)

// Fault is something that goes wrong during a run of the tutorial.
type Fault struct {
	Name, Doc string
	// Inject are the mock's faults.
	Inject []settings.Fault
	// Latency, if not 0, is that of every operation, so that it is asked for.
	Latency time.Duration
	// Args are further arguments of the run.
	Args []string
	// At, if not empty, is a method: when its first call has been executed and waits
	// for its answer, the mock's clock goes on by Advance, or the disk Disk fills up.
	At      string
	Advance time.Duration
	Disk    Disk
	// Want is the exit code. Code 4 is for what the cloud itself does not let go of: the
	// run names what is left, and when the fault is over `wlif sweep` leaves nothing.
	Want int
}

// Disk is what is on a small disk of its own.
type Disk string

// The disks.
const (
	Reports Disk = "reports"
	Ledgers Disk = "ledgers"
)

// Methods of the faults.
const (
	network    = "yandex.cloud.vpc.v1.NetworkService/Create"
	subnet     = "yandex.cloud.vpc.v1.SubnetService/Create"
	account    = "yandex.cloud.iam.v1.ServiceAccountService/Create"
	binding    = "yandex.cloud.resourcemanager.v1.FolderService/UpdateAccessBindings"
	cluster    = "yandex.cloud.k8s.v1.ClusterService/Create"
	federation = "yandex.cloud.iam.v1.workload.oidc.FederationService/Create"
	credential = "yandex.cloud.iam.v1.workload.FederatedCredentialService/Create"
	secret     = "yandex.cloud.lockbox.v1.SecretService/Create"
	gone       = "yandex.cloud.vpc.v1.SubnetService/Delete"
	poll       = "yandex.cloud.operation.OperationService/Get"
	every      = "*"
)

const (
	completes = report.ExitConformant
	isError   = report.ExitEngine
	leaves    = report.ExitLeft
)

// quick are timeouts of what never ends.
var quick = []string{"--timeout-operation=3s", "--timeout-delete=8s", "--timeout-cluster-create=3s"}

// Faults lists them. Those that move the mock's clock are last: it does not go back.
func Faults() []Fault {
	const text = "injected"
	once := func(method, code string) []settings.Fault {
		return []settings.Fault{{Method: method, Code: code, Message: text, Calls: 1}}
	}
	always := func(method, code string) []settings.Fault {
		return []settings.Fault{{Method: method, Code: code, Message: text}}
	}
	lost := func(method, code string) []settings.Fault {
		return []settings.Fault{{Method: method, Code: code, Message: text, After: true}}
	}
	ends := func(method, how string) []settings.Fault {
		f := settings.Fault{Method: method, Operation: how}
		if how == settings.OperationFails {
			f.Code, f.Message = "INTERNAL", text
		}
		return []settings.Fault{f}
	}
	const second = settings.Duration(time.Second)
	return []Fault{
		{Name: "unavailable-for-a-while", Doc: "a subnet is answered UNAVAILABLE three times", Inject: []settings.Fault{{Method: subnet, Code: "UNAVAILABLE", Message: text, Calls: 3}}, Want: completes},
		{Name: "nothing-answers", Doc: "every call is answered UNAVAILABLE", Inject: always(every, "UNAVAILABLE"), Want: isError},
		{Name: "unavailable", Doc: "subnets cannot be created: UNAVAILABLE", Inject: always(subnet, "UNAVAILABLE"), Want: isError},
		{Name: "deadline", Doc: "subnets cannot be created: DEADLINE_EXCEEDED", Inject: always(subnet, "DEADLINE_EXCEEDED"), Want: isError},
		{Name: "deadline-after-it-was-made", Doc: "a network is made, and the answer is DEADLINE_EXCEEDED", Inject: lost(network, "DEADLINE_EXCEEDED"), Want: isError},
		{Name: "exhausted-for-a-while", Doc: "a secret is answered RESOURCE_EXHAUSTED once, with the time after which to try again",
			Inject: []settings.Fault{{Method: secret, Code: "RESOURCE_EXHAUSTED", Message: text, Calls: 1, RetryAfter: second}}, Want: completes},
		{Name: "exhausted", Doc: "secrets cannot be created: RESOURCE_EXHAUSTED, with the time after which to try again",
			Inject: []settings.Fault{{Method: secret, Code: "RESOURCE_EXHAUSTED", Message: text, RetryAfter: second}}, Want: isError},
		{Name: "quota", Doc: "a secret is refused for a quota: RESOURCE_EXHAUSTED without a time", Inject: once(secret, "RESOURCE_EXHAUSTED"), Want: isError},
		{Name: "internal-network-made", Doc: "a network is made, and the answer is INTERNAL", Inject: lost(network, "INTERNAL"), Want: isError},
		{Name: "internal-account-made", Doc: "service accounts are made, and the answers are INTERNAL", Inject: lost(account, "INTERNAL"), Want: isError},
		{Name: "internal-role-granted", Doc: "roles are granted, and the answers are INTERNAL", Inject: lost(binding, "INTERNAL"), Want: isError},
		{Name: "internal-cluster-made", Doc: "a cluster is made, and the answer is INTERNAL", Inject: lost(cluster, "INTERNAL"), Want: isError},
		{Name: "internal-federation-made", Doc: "a federation is made, and the answer is INTERNAL", Inject: lost(federation, "INTERNAL"), Want: isError},
		{Name: "internal-credential-made", Doc: "a federated credential is made, and the answer is INTERNAL", Inject: lost(credential, "INTERNAL"), Want: isError},
		{Name: "internal-secret-made", Doc: "a secret is made, and the answer is INTERNAL", Inject: lost(secret, "INTERNAL"), Want: isError},
		{Name: "operation-fails-subnet", Doc: "the operation that makes a subnet fails at its end, and the subnet is there", Inject: ends(subnet, settings.OperationFails), Want: isError},
		{Name: "operation-fails-cluster", Doc: "the operation that makes a cluster fails at its end, and the cluster is there", Inject: ends(cluster, settings.OperationFails), Want: isError},
		{Name: "operation-fails-delete", Doc: "the operation that deletes a subnet fails at its end, once", Inject: []settings.Fault{{Method: gone, Code: "INTERNAL", Message: text, Operation: settings.OperationFails, Calls: 1}}, Want: completes},
		{Name: "operation-never-ends", Doc: "the operation that makes a secret never ends", Inject: ends(secret, settings.OperationNever), Args: quick, Want: isError},
		{Name: "operation-never-ends-subnet", Doc: "the operation that makes a subnet never ends, and until it does the cloud deletes neither the subnet nor what it hangs on",
			Inject: ends(subnet, settings.OperationNever), Args: quick, Want: leaves},
		{Name: "operation-not-found", Doc: "operations are not found when they are asked for the first times", Latency: 200 * time.Millisecond,
			Inject: []settings.Fault{{Method: poll, Code: "NOT_FOUND", Message: text, Calls: 3}}, Want: completes},
		{Name: "reset", Doc: "the connection is reset in the middle of the answer about a network", Inject: []settings.Fault{{Method: network, Reset: true, Calls: 1}}, Want: completes},
		{Name: "resets", Doc: "every connection is reset in the middle of an answer about a secret", Inject: []settings.Fault{{Method: secret, Reset: true}}, Want: isError},
		{Name: "disk-of-reports-full", Doc: "the disk of the reports is full while the cluster is made", At: cluster, Disk: Reports, Want: isError},
		{Name: "disk-of-ledgers-full", Doc: "the disk of the ledgers is full while the cluster is made", At: cluster, Disk: Ledgers, Want: isError},
		{Name: "clock-jumps", Doc: "the cloud's clock jumps two hours ahead while the cluster is made", At: cluster, Advance: 2 * time.Hour, Want: completes},
		{Name: "tokens-expire", Doc: "every IAM token expires while the cluster is made: the cloud's clock jumps 13 hours ahead", At: cluster, Advance: 13 * time.Hour, Want: completes},
	}
}
