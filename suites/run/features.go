package run

import (
	"os"
	"slices"

	"github.com/wlif-conformance/wlif-conformance/framework/conformance"
	"github.com/wlif-conformance/wlif-conformance/framework/journal"
	"github.com/wlif-conformance/wlif-conformance/framework/terraform"
)

// Features lists every feature of the catalogue with whether the target has it,
// and how that is known. One that cannot be detected is taken as present unless
// the target declares that it lacks it.
func (r *Run) Features() []journal.Feature {
	var out []journal.Feature
	for _, info := range conformance.Features() {
		f := journal.Feature{Name: info.Name, Present: true, Reason: "not declared as lacking"}
		if slices.Contains(r.Info.Lacking, info.Name) {
			f.Present, f.Reason = false, "the target declares that it lacks it"
		} else if detect := detectors[info.Name]; detect != nil {
			f.Present, f.Reason = detect(r)
		}
		out = append(out, f)
	}
	return out
}

// Lacks gives the first of the features that the target does not have.
func (r *Run) Lacks(features []conformance.Feature) (journal.Feature, bool) {
	for _, f := range r.Features() {
		if !f.Present && slices.Contains(features, f.Name) {
			return f, true
		}
	}
	return journal.Feature{}, false
}

// Unasked says why the checks of a requirement are left out although the target may
// have all they need; "" means that they are not.
func (r *Run) Unasked(requirement conformance.Requirement) string {
	if requirement.Slow && !r.Config.Slow {
		return "it is slow, and runs with --slow only"
	}
	return ""
}

// detectors say of a feature whether it is there, and why.
var detectors = map[conformance.Feature]func(*Run) (present bool, reason string){
	conformance.ManagedCluster: func(r *Run) (bool, string) {
		if r.Target.Cluster.ID == "" {
			return false, "the cluster is known by its kubeconfig alone"
		}
		return true, "the cloud lists the cluster " + r.Target.Cluster.ID
	},
	conformance.NodeReboot: func(r *Run) (bool, string) {
		if r.Target.Cluster.NodeGroupID == "" {
			return false, "the nodes are not the run's own"
		}
		return true, "the run made the node group " + r.Target.Cluster.NodeGroupID
	},
	conformance.SecondFolder: func(r *Run) (bool, string) {
		if r.Config.OtherFolderID == "" {
			return false, "other_folder_id names no second folder"
		}
		return true, "other_folder_id is " + r.Config.OtherFolderID
	},
	conformance.SecondCluster: func(r *Run) (bool, string) {
		if !r.Config.SecondCluster {
			return false, "second_cluster does not allow it"
		}
		return true, "second_cluster allows it"
	},
	conformance.OtherCluster: func(r *Run) (bool, string) {
		switch {
		case r.Config.OtherClusterID != "":
			return true, "other_cluster_id is " + r.Config.OtherClusterID
		case r.Config.SecondCluster:
			return true, "second_cluster allows to create one"
		}
		return false, "other_cluster_id names none, and second_cluster does not allow to create one"
	},
	conformance.Terraform: func(*Run) (bool, string) {
		program, err := terraform.Find()
		if err != nil {
			return false, err.Error()
		}
		return true, program + " is used"
	},
	conformance.ExpiredToken: func(r *Run) (bool, string) {
		if r.Config.ExpiredToken.IsZero() {
			return false, "WLIF_EXPIRED_TOKEN has none"
		}
		return true, "an expired token is given"
	},
	conformance.WebHost: func(r *Run) (bool, string) {
		if r.Config.WebHost.Address == "" {
			return false, "web_host.address names no web server that the cloud reaches"
		}
		return true, "web_host.address is " + r.Config.WebHost.Address
	},
	conformance.ObjectStorage: func(r *Run) (bool, string) {
		if r.Config.StorageEndpoint == "" {
			return false, "storage_endpoint is not known"
		}
		return true, "storage_endpoint is " + r.Config.StorageEndpoint
	},
	conformance.AuditLog: func(r *Run) (bool, string) {
		if r.Config.AuditLog != "" {
			return true, "audit_log is " + r.Config.AuditLog
		}
		if _, err := os.Stat(r.Folder.AuditLog()); err != nil {
			return false, "the run has no audit log of the cloud"
		}
		return true, "the cloud writes it into the run's folder"
	},
}
