package podspec

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Unsupported lists, by path, the fields of a pod that the node agent cannot honour
// and that would change what the pod does. Fields that only tune a real node
// (resources, images and how they are pulled, container ports, DNS policy: there is no
// DNS) are not among them.
func Unsupported(pod *corev1.Pod) []string {
	var found []string
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	s := pod.Spec
	refuse(len(s.InitContainers) > 0, "spec.initContainers")
	refuse(len(s.EphemeralContainers) > 0, "spec.ephemeralContainers")
	refuse(s.HostNetwork, "spec.hostNetwork")
	refuse(s.HostPID, "spec.hostPID")
	refuse(s.HostIPC, "spec.hostIPC")
	refuse(s.HostUsers != nil && !*s.HostUsers, "spec.hostUsers")
	refuse(s.ShareProcessNamespace != nil && *s.ShareProcessNamespace, "spec.shareProcessNamespace")
	refuse(s.DNSConfig != nil, "spec.dnsConfig")
	refuse(s.ActiveDeadlineSeconds != nil, "spec.activeDeadlineSeconds")
	refuse(s.RuntimeClassName != nil, "spec.runtimeClassName")
	refuse(len(s.ReadinessGates) > 0, "spec.readinessGates")
	refuse(len(s.ResourceClaims) > 0, "spec.resourceClaims")
	refuse(s.OS != nil && s.OS.Name != corev1.Linux, "spec.os")
	found = append(found, unsupportedPodSecurity(s.SecurityContext)...)
	for _, v := range s.Volumes {
		found = append(found, unsupportedVolume(v)...)
	}
	for _, c := range s.Containers {
		found = append(found, unsupportedContainer(c)...)
	}
	return found
}

func unsupportedPodSecurity(sc *corev1.PodSecurityContext) []string {
	if sc == nil {
		return nil
	}
	var found []string
	for field, bad := range map[string]bool{
		"fsGroup":             sc.FSGroup != nil,
		"supplementalGroups":  len(sc.SupplementalGroups) > 0,
		"sysctls":             len(sc.Sysctls) > 0,
		"seLinuxOptions":      sc.SELinuxOptions != nil,
		"appArmorProfile":     sc.AppArmorProfile != nil && sc.AppArmorProfile.Type == corev1.AppArmorProfileTypeLocalhost,
		"seccompProfile":      sc.SeccompProfile != nil && sc.SeccompProfile.Type == corev1.SeccompProfileTypeLocalhost,
		"windowsOptions":      sc.WindowsOptions != nil,
		"fsGroupChangePolicy": sc.FSGroupChangePolicy != nil,
	} {
		if bad {
			found = append(found, "spec.securityContext."+field)
		}
	}
	slices.Sort(found)
	return found
}

func unsupportedVolume(v corev1.Volume) []string {
	source := v.VolumeSource
	switch {
	case source.EmptyDir != nil, source.ConfigMap != nil, source.Secret != nil, source.DownwardAPI != nil:
		return nil
	case source.Projected != nil:
		var found []string
		for _, p := range source.Projected.Sources {
			if p.ServiceAccountToken == nil && p.ConfigMap == nil && p.Secret == nil && p.DownwardAPI == nil {
				found = append(found, fmt.Sprintf("spec.volumes[%s]: a projected source other than serviceAccountToken, configMap, secret, downwardAPI", v.Name))
			}
		}
		return found
	}
	return []string{fmt.Sprintf("spec.volumes[%s]: a type other than projected, configMap, secret, downwardAPI, emptyDir", v.Name)}
}

func unsupportedContainer(c corev1.Container) []string {
	var found []string
	refuse := func(bad bool, field string) {
		if bad {
			found = append(found, fmt.Sprintf("spec.containers[%s].%s", c.Name, field))
		}
	}
	refuse(c.LivenessProbe != nil, "livenessProbe")
	refuse(c.ReadinessProbe != nil, "readinessProbe")
	refuse(c.StartupProbe != nil, "startupProbe")
	refuse(c.Lifecycle != nil, "lifecycle")
	refuse(c.Stdin, "stdin")
	refuse(c.TTY, "tty")
	refuse(c.RestartPolicy != nil, "restartPolicy")
	refuse(len(c.VolumeDevices) > 0, "volumeDevices")
	for _, m := range c.VolumeMounts {
		refuse(m.SubPath != "" || m.SubPathExpr != "", "volumeMounts.subPath")
		refuse(m.MountPropagation != nil && *m.MountPropagation != corev1.MountPropagationNone, "volumeMounts.mountPropagation")
	}
	for _, p := range c.Ports {
		refuse(p.HostPort != 0, "ports.hostPort")
	}
	for _, e := range c.Env {
		refuse(e.ValueFrom != nil && e.ValueFrom.FieldRef == nil && e.ValueFrom.ConfigMapKeyRef == nil && e.ValueFrom.SecretKeyRef == nil,
			"env["+e.Name+"].valueFrom")
	}
	if sc := c.SecurityContext; sc != nil {
		refuse(sc.Privileged != nil && *sc.Privileged, "securityContext.privileged")
		refuse(sc.ReadOnlyRootFilesystem != nil && *sc.ReadOnlyRootFilesystem, "securityContext.readOnlyRootFilesystem")
		refuse(sc.Capabilities != nil && len(sc.Capabilities.Add) > 0, "securityContext.capabilities.add")
		refuse(sc.Capabilities != nil && len(sc.Capabilities.Drop) > 0 && !DropsAll(sc), "securityContext.capabilities.drop (other than ALL)")
		refuse(sc.SELinuxOptions != nil, "securityContext.seLinuxOptions")
		refuse(sc.SeccompProfile != nil && sc.SeccompProfile.Type == corev1.SeccompProfileTypeLocalhost, "securityContext.seccompProfile")
	}
	return found
}

// DropsAll says whether a container gives up all capabilities.
func DropsAll(sc *corev1.SecurityContext) bool {
	return sc != nil && sc.Capabilities != nil &&
		slices.ContainsFunc(sc.Capabilities.Drop, func(c corev1.Capability) bool { return strings.EqualFold(string(c), "ALL") })
}
