package embedded

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/childproc"
	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/kubebin"
)

const (
	serviceCIDR = "10.96.0.0/16"
	// serviceIP is the first address of serviceCIDR: the service default/kubernetes.
	serviceIP = "10.96.0.1"
	// defaultIssuer is what kubeadm gives a cluster.
	defaultIssuer = "https://kubernetes.default.svc.cluster.local"
)

// seldom: collecting the garbage is a tenth of the work of a control plane that starts.
// Its heap is of some hundred MiB at most.
var seldom = []string{"GOGC=300"}

func (c *Cluster) run(program string, args ...string) (*childproc.Process, error) {
	p, err := childproc.Start(childproc.Spec{
		Name: program,
		Path: c.binaries.Path(program),
		Args: args,
		Env:  seldom,
		Dir:  c.spec.Dir,
		Log:  filepath.Join(c.logDir(), program+".log"),
	})
	if err != nil {
		return nil, err
	}
	c.watch(program, p)
	return p, nil
}

func (c *Cluster) startEtcd() (*childproc.Process, error) {
	client, peer := c.at.url(c.at.etcd), c.at.url(c.at.etcdPeer)
	return c.run(kubebin.Etcd,
		"--name=etcd",
		"--data-dir="+filepath.Join(c.spec.Dir, "etcd"),
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer,
		"--initial-cluster=etcd="+peer,
		// Other users of the machine reach the port too: only certificates of
		// etcd's own authority open it.
		"--client-cert-auth", "--trusted-ca-file="+c.keys.etcdCA.File,
		"--cert-file="+c.keys.path("etcd.crt"), "--key-file="+c.keys.path("etcd.key"),
		"--peer-client-cert-auth", "--peer-trusted-ca-file="+c.keys.etcdCA.File,
		"--peer-cert-file="+c.keys.path("etcd.crt"), "--peer-key-file="+c.keys.path("etcd.key"),
		// A cluster that a power cut ends is made anew.
		"--unsafe-no-fsync",
		"--log-level=warn",
	)
}

func (c *Cluster) startAPIServer() (*childproc.Process, error) {
	args := []string{
		"--bind-address=" + c.at.ip,
		"--advertise-address=" + c.at.ip,
		"--secure-port=" + strconv.Itoa(c.at.api),
		// An Endpoints object may not have a loopback address. Pods reach the
		// service's address by the node agent.
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=" + serviceCIDR,
		"--etcd-servers=" + c.at.url(c.at.etcd),
		"--etcd-cafile=" + c.keys.etcdCA.File,
		"--etcd-certfile=" + c.keys.path("etcd-client.crt"),
		"--etcd-keyfile=" + c.keys.path("etcd-client.key"),
		"--client-ca-file=" + c.keys.ca.File,
		"--tls-cert-file=" + c.keys.path("apiserver.crt"),
		"--tls-private-key-file=" + c.keys.path("apiserver.key"),
		"--kubelet-certificate-authority=" + c.keys.ca.File,
		"--kubelet-client-certificate=" + c.keys.path("kubelet-client.crt"),
		"--kubelet-client-key=" + c.keys.path("kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--service-account-key-file=" + c.keys.path("sa.key"),
		"--service-account-signing-key-file=" + c.keys.path("sa.key"),
		"--audit-log-path=" + filepath.Join(c.logDir(), "audit.log"),
		"--audit-policy-file=" + c.configPath(auditPolicyFile),
		"--profiling=false",
	}
	// --api-audiences is left out: it defaults to all issuers, so that a token
	// made for a former issuer still is one for this server.
	for _, issuer := range c.issuers() {
		args = append(args, "--service-account-issuer="+issuer)
	}
	if c.spec.Authenticator != nil {
		args = append(args,
			"--authentication-token-webhook-config-file="+c.configPath(webhookFile),
			"--authentication-token-webhook-version=v1",
			// Without this a revoked token would live on for two minutes; the
			// API server's own cache of 10 s remains.
			"--authentication-token-webhook-cache-ttl=0s")
	}
	return c.run(kubebin.APIServer, args...)
}

// idleControllers have nothing to do in a cluster without disks, devices, metrics and
// nodes that ask for certificates, or see to kinds that no run makes (quotas, disruption
// budgets, replication controllers): they would only watch, which costs all the same.
var idleControllers = []string{
	"horizontal-pod-autoscaler", "disruption", "resourcequota", "endpointslice-mirroring", "replicationcontroller",
	"certificatesigningrequest-signing", "certificatesigningrequest-approving", "certificatesigningrequest-cleaner",
	"persistentvolume-binder", "persistentvolume-attach-detach", "persistentvolume-expander", "persistentvolume-protection",
	"persistentvolumeclaim-protection", "ephemeral-volume", "resourceclaim", "node-ipam", "ttl",
	"storageversion-garbage-collector", "validatingadmissionpolicy-status", "legacy-serviceaccount-token-cleaner",
}

func (c *Cluster) startControllerManager() (*childproc.Process, error) {
	controllers := "*"
	for _, idle := range idleControllers {
		controllers += ",-" + idle + "-controller"
	}
	return c.run(kubebin.ControllerManager,
		"--controllers="+controllers,
		"--kubeconfig="+c.configPath(kubebin.ControllerManager+".kubeconfig"),
		"--cluster-name="+c.spec.Name,
		"--service-account-private-key-file="+c.keys.path("sa.key"),
		"--root-ca-file="+c.keys.ca.File,
		"--use-service-account-credentials",
		// Each controller makes an account and a token for itself; the default
		// limit of 20 requests a second would make that take seconds.
		"--kube-api-qps=1000", "--kube-api-burst=1000",
		"--leader-elect=false",
		"--secure-port=0",
	)
}

func (c *Cluster) startScheduler() (*childproc.Process, error) {
	return c.run(kubebin.Scheduler,
		"--kubeconfig="+c.configPath(kubebin.Scheduler+".kubeconfig"),
		"--leader-elect=false",
		"--secure-port=0",
	)
}

// watch reports a component that ends by itself.
func (c *Cluster) watch(program string, p *childproc.Process) {
	go func() {
		<-p.Done()
		if err := p.Failure(); err != nil {
			c.failed(err)
			_, _ = fmt.Fprintf(c.log, "%s: %s ended by itself (see %s)\n", c.spec.Name, program, c.logDir())
		}
	}()
}
