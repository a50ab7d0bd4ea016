package mk8s_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	pb "github.com/yandex-cloud/go-genproto/yandex/cloud/k8s/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/bugs"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/settings"
)

// behaviour is something that a bug changes: what look sees without it, and with it.
type behaviour struct {
	look          func(*cloud) string
	strict, buggy string
}

const ownIssuer = "https://kubernetes.default.svc.cluster.local"

// behaviours are what the bugs of clusters change. ISSUER stands for the public
// issuer and ID for the cluster.
var behaviours = map[string]behaviour{
	"IssuerGetsSlash":        {reportedIssuer, "ISSUER", "ISSUER/"},
	"IssuerIsHTTP":           {reportedIssuer, "ISSUER", "http://storage.yandexcloud.net/mk8s-oidc/v1/clusters/ID"},
	"FederationIsNotServed":  {signsAs, "ISSUER", ""},
	"JWKSURLIsWrong":         {reportedKeys, "ISSUER/jwks.json", "ISSUER/jwks"},
	"JWKSNotPublished":       {published, `kid ID`, "nothing"},
	"JWKSPrivate":            {published, `kid ID`, "withheld"},
	"JWKSServedAsHTML":       {contentType, "application/json", "text/html"},
	"JWKSWithoutKid":         {published, "kid ID", "no kid"},
	"JWKSWithoutUse":         {members, "alg kid kty use", "alg kid kty"},
	"JWKSWithoutAlg":         {members, "alg kid kty use", "kid kty use"},
	"JWKSUnderOtherKid":      {published, "kid ID", "another kid"},
	"JWKSOfOtherKey":         {members, "alg kid kty use", "alg e kid kty n use"},
	"JWKSHasPrivateMember":   {privateMembers, "", "d"},
	"NodesHaveNoEgress":      {egress, "a way out", "no way out"},
	"EnablingIsReportedOnly": {enabled, "true ISSUER " + ownIssuer, "true"},
	"DisablingDoesNothing":   {disabled, "false " + ownIssuer + " ISSUER", "true ISSUER"},
	"RestartForgetsIssuer":   {restarted, "ISSUER", ""},
	"UpgradeForgetsIssuer":   {upgraded, "ISSUER", ""},
	"NodeGroupFlagLost":      {groupFlag, "true true", "false false"},
}

// TestBugsOfClusters: each changes what it names, in its folder and in no other.
func TestBugsOfClusters(t *testing.T) {
	for _, b := range bugs.All() {
		if b.Area != "cluster" {
			continue
		}
		t.Run(b.Name, func(t *testing.T) {
			x, ok := behaviours[b.Name]
			if !ok {
				t.Fatal("nothing is known of what it changes")
			}
			for folder, want := range map[string]string{"": x.strict, "other": x.strict, "own": x.buggy} {
				c := start(t, true)
				c.K.Settings.Change(func(s *settings.Settings) {
					s.Bugs = map[string][]string{map[string]string{"own": c.Folder, "other": c.OtherFolder}[folder]: {b.Name}}
				})
				got := x.look(c)
				id := c.onlyCluster()
				issuer := "https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/" + id
				if got = strings.ReplaceAll(strings.ReplaceAll(got, issuer, "ISSUER"), id, "ID"); got != want {
					t.Errorf("with the bug in folder %q: %q, want %q", folder, got, want)
				}
			}
		})
	}
}

// TestBugsOfClustersComeAndGo: those that need no new cluster act when federation is
// enabled once more, and their traces are gone when it is so without them.
func TestBugsOfClustersComeAndGo(t *testing.T) {
	for _, b := range bugs.All() {
		if b.Area != "cluster" || !b.OwnCluster || b.FromBirth {
			continue
		}
		t.Run(b.Name, func(t *testing.T) {
			c, x := start(t, true), behaviours[b.Name]
			id := c.create(nil).Id
			issuer := "https://storage.yandexcloud.net/mk8s-oidc/v1/clusters/" + id
			for _, state := range []struct {
				bugs []string
				want string
			}{{[]string{b.Name}, x.buggy}, {nil, x.strict}} {
				c.K.Settings.Change(func(s *settings.Settings) { s.Bugs = map[string][]string{c.Folder: state.bugs} })
				switched(c, id, true)
				if got := strings.ReplaceAll(strings.ReplaceAll(x.look(c), issuer, "ISSUER"), id, "ID"); got != state.want {
					t.Errorf("with %v: %q, want %q", state.bugs, got, state.want)
				}
			}
		})
	}
}

// anyCluster is the one that there is, or a new one.
func anyCluster(c *cloud) *pb.Cluster {
	listed, err := c.clusters.List(c.admin, &pb.ListClustersRequest{FolderId: c.Folder})
	if err != nil {
		c.t.Fatal(err)
	}
	if len(listed.Clusters) == 0 {
		return c.create(nil)
	}
	return c.get(listed.Clusters[0].Id)
}

func reportedIssuer(c *cloud) string { return anyCluster(c).WorkloadIdentityFederation.Issuer }

func reportedKeys(c *cloud) string { return anyCluster(c).WorkloadIdentityFederation.JwksUri }

func signsAs(c *cloud) string {
	return strings.Join(c.engine.cluster(c.create(nil).Id).spec.Issuers, " ")
}

func keySet(c *cloud) (file string, keys []map[string]any) {
	file = c.files.get("mk8s-oidc/v1/clusters/" + anyCluster(c).Id + "/jwks.json")
	var set struct{ Keys []map[string]any }
	if json.Unmarshal([]byte(file), &set) != nil {
		return file, nil
	}
	return file, set.Keys
}

func published(c *cloud) string {
	file, keys := keySet(c)
	switch {
	case file == "":
		return "nothing"
	case len(keys) == 0:
		return file
	case keys[0]["kid"] == nil:
		return "no kid"
	case keys[0]["kid"] != c.onlyCluster():
		return "another kid"
	}
	return fmt.Sprint("kid ", keys[0]["kid"])
}

func contentType(c *cloud) string {
	keySet(c)
	return c.files.typeOf("mk8s-oidc/v1/clusters/" + c.onlyCluster() + "/jwks.json")
}

func members(c *cloud) string {
	_, keys := keySet(c)
	var names []string
	for name := range keys[0] {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func privateMembers(c *cloud) string {
	_, keys := keySet(c)
	for _, key := range keys {
		if key["d"] != nil && key["kid"] != c.onlyCluster() {
			return "d"
		}
	}
	return ""
}

func restarted(c *cloud) string {
	id := c.create(nil).Id
	op, err := c.clusters.Stop(c.admin, &pb.StopClusterRequest{ClusterId: id})
	done[*pb.Cluster](c, op, err)
	op, err = c.clusters.Start(c.admin, &pb.StartClusterRequest{ClusterId: id})
	done[*pb.Cluster](c, op, err)
	return strings.Join(c.engine.cluster(id).issuers, " ")
}

func upgraded(c *cloud) string {
	id := c.create(func(r *pb.CreateClusterRequest) { r.MasterSpec.Version = "1.35" }).Id
	op, err := c.clusters.Update(c.admin, &pb.UpdateClusterRequest{ClusterId: id, MasterSpec: &pb.MasterUpdateSpec{
		Version: &pb.UpdateVersionSpec{Specifier: &pb.UpdateVersionSpec_Version{Version: "1.36"}}}})
	done[*pb.Cluster](c, op, err)
	return strings.Join(c.engine.cluster(id).issuers, " ")
}

func group(c *cloud) (cluster string, g *pb.NodeGroup) {
	cluster = c.create(nil).Id
	op, err := c.groups.Create(c.admin, c.nodes(cluster))
	return cluster, done[*pb.NodeGroup](c, op, err)
}

// groupFlag is that of a group that was made with federation, and set to it again.
func groupFlag(c *cloud) string {
	_, made := group(c)
	op, err := c.groups.Update(c.admin, &pb.UpdateNodeGroupRequest{NodeGroupId: made.Id, WorkloadIdentityFederation: &pb.NodeGroupWorkloadIdentityFederation{Enabled: true}})
	set := done[*pb.NodeGroup](c, op, err)
	return fmt.Sprint(made.WorkloadIdentityFederation.GetEnabled(), " ", set.WorkloadIdentityFederation.GetEnabled())
}

func egress(c *cloud) string {
	cluster, _ := group(c)
	for _, n := range c.engine.cluster(cluster).nodes {
		if n.Egress != nil {
			return "a way out"
		}
	}
	return "no way out"
}

func enabled(c *cloud) string {
	row := c.create(func(r *pb.CreateClusterRequest) { r.WorkloadIdentityFederation = nil })
	return switched(c, row.Id, true)
}

func disabled(c *cloud) string { return switched(c, c.create(nil).Id, false) }

func switched(c *cloud, id string, on bool) string {
	op, err := c.clusters.Update(c.admin, federate(id, on))
	row := done[*pb.Cluster](c, op, err)
	return strings.TrimSpace(fmt.Sprint(row.WorkloadIdentityFederation.GetEnabled(), " ", strings.Join(c.engine.cluster(id).issuers, " ")))
}
