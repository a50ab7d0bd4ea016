package issuer

import (
	. "github.com/onsi/ginkgo/v2"

	"github.com/wlif-conformance/wlif-conformance/framework/check"
	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/suites/run"
)

var _ = Describe("The cluster's issuer", func() {
	timeouts := run.Current().Config.Timeouts
	call, propagation, link := timeouts.Call.D(), timeouts.Propagation.D(), timeouts.Operation.D()

	It("publishes its keys over HTTPS to everybody", check.Decides(conformance.IssuerJWKSHTTPSAnonymous), run.Limit(call), keysForEverybody)
	It("serves the key set as JSON", check.Decides(conformance.IssuerJWKSContentType), run.Limit(call), contentType)
	It("keeps the private keys", check.Decides(conformance.IssuerJWKSNoPrivateMembers), run.Limit(call), noPrivateMembers)
	It("publishes keys that a verifier can choose and use", check.Decides(conformance.IssuerJWKSKeysUsable), run.Limit(call), keysUsable)
	It("is the one of the API server's discovery document", check.Decides(conformance.IssuerDiscoveryConsistent), run.Limit(call, call, call), discoveryConsistent)
	It("may publish a discovery document", check.Decides(conformance.IssuerPublishedDiscovery), run.Limit(call), publishedDiscovery)
	It("may sign with a new key once it is published beside the old", check.Decides(conformance.IssuerKeyRotationOverlap),
		run.Limit(link, link, propagation, propagation, propagation), keyRotation)
	It("may satisfy Kubernetes' own test in a pod", check.Decides(conformance.IssuerUpstreamDiscovery), run.Limit(timeouts.PodRunning.D(), call), upstreamDiscovery)
})

var _ = Describe("A token of the cluster", func() {
	call := run.Current().Config.Timeouts.Call.D()
	limit := run.Limit(call, call, call, call)

	It("names a published key", check.Decides(conformance.IssuerTokenKidPublished), limit, kidPublished)
	It("is signed with that key", check.Decides(conformance.IssuerTokenSignatureVerifies), limit, signatureVerifies)
	It("has the cluster's issuer as iss", check.Decides(conformance.IssuerTokenIssExact), limit, issExact)
	It("has the audiences that were asked for", check.Decides(conformance.IssuerTokenAudAsRequested), limit, audAsRequested)
	It("has the issuer as audience if none was asked for", check.Decides(conformance.IssuerDefaultAudienceIsIssuer), limit, defaultAudience)
	It("has the service account as sub", check.Decides(conformance.IssuerTokenSub), limit, subject)
	It("lives as long as it was granted to", check.Decides(conformance.IssuerTokenLifetime), limit, lifetime)
	It("lives ten minutes at least", check.Decides(conformance.IssuerExpirationMinimum), limit, expirationMinimum)
})

var _ = Describe("A pod's token", func() {
	timeouts := run.Current().Config.Timeouts
	call, exec, gone, propagation, link := timeouts.Call.D(), timeouts.Exec.D(), timeouts.Delete.D(), timeouts.Propagation.D(), timeouts.Operation.D()
	pod := timeouts.PodRunning.D()

	It("is bound to the pod", check.Decides(conformance.IssuerTokenBoundToPod), run.Limit(pod, exec, call, call, gone, propagation, remembered), boundToPod)
	It("may outlive the pod at the cloud", check.Decides(conformance.IssuerDeletedPodToken), run.Limit(link, propagation, call, gone, call), deletedPod)
	It("is there again after a restart of the container", check.Decides(conformance.IssuerContainerRestart),
		run.Limit(link, propagation, pod, exec, exec, pod, exec, call), containerRestart)
	// Serial: everything else that runs on the node ends with it.
	It("is there again after a reboot of the node", Serial, check.Decides(conformance.IssuerNodeReboot),
		run.Limit(link, propagation, pod, exec, call, link, pod, exec, call), nodeReboot)
	It("comes with the image's program", check.Decides(conformance.IssuerImageIsRun), run.Limit(pod, exec), imageIsRun)
	It("is in a file for the pod's user alone", check.Decides(conformance.IssuerTokenFilePermissions), run.Limit(pod, exec, pod, exec, pod, exec, pod, exec), filePermissions)
	It("is renewed before it expires", check.Decides(conformance.IssuerTokenRotates), run.Limit(link, propagation, pod, exec, shortest, call), rotates)
})
