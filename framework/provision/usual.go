package provision

import "time"

// usual is how long methods take on the real cloud, as far as anybody wrote it
// down: the documentation's samples of yc output ("done (2s)" for a service
// account, "done (1s)" for a secret); the others are guesses, replaced by the
// configuration's key `usual` and one day by recorded runs. It bounds nothing.
var usual = Durations{
	"yandex.cloud.k8s.v1.ClusterService/Create":        7 * time.Minute,
	"yandex.cloud.k8s.v1.ClusterService/Delete":        4 * time.Minute,
	"yandex.cloud.k8s.v1.NodeGroupService/Create":      4 * time.Minute,
	"yandex.cloud.k8s.v1.NodeGroupService/Delete":      2 * time.Minute,
	"yandex.cloud.iam.v1.ServiceAccountService/Create": 2 * time.Second,
	"yandex.cloud.lockbox.v1.SecretService/Create":     time.Second,
	"yandex.cloud.vpc.v1.NetworkService/Create":        2 * time.Second,
	"yandex.cloud.vpc.v1.SecurityGroupService/Create":  2 * time.Second,
	"*": time.Second,
}
