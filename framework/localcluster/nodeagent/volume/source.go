package volume

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"github.com/wlif-conformance/wlif-conformance/framework/localcluster/nodeagent/podspec"
)

// RefreshInterval is how often what can change at any time (config maps, secrets,
// labels) is read anew; a kubelet takes up to about a minute and a half.
const RefreshInterval = time.Minute

// Source reads the contents of one pod's volumes. It is for one goroutine.
type Source struct {
	Client kubernetes.Interface
	Clock  clock.PassiveClock
	tokens map[tokenKey]token
}

// Fill writes a volume's files into dir, which must exist, and says when to fill it
// again; the zero time means never.
func (s *Source) Fill(ctx context.Context, pod *corev1.Pod, v *corev1.Volume, dir string) (next time.Time, err error) {
	if v.EmptyDir != nil {
		return time.Time{}, os.Chmod(dir, 0o777) //nolint:gosec // G302: an emptyDir's mode is 0777, as the kubelet has it
	}
	c := contents{Source: s, pod: pod, files: map[string]File{}, next: s.Clock.Now().Add(RefreshInterval)}
	if err := c.add(ctx, v); err != nil {
		return time.Time{}, fmt.Errorf("volume %q: %w", v.Name, err)
	}
	if err := Write(dir, c.files); err != nil {
		return time.Time{}, fmt.Errorf("volume %q: %w", v.Name, err)
	}
	return c.next, nil
}

// contents is a volume being read.
type contents struct {
	*Source
	pod   *corev1.Pod
	files map[string]File
	next  time.Time
}

func (c *contents) add(ctx context.Context, v *corev1.Volume) error {
	switch {
	case v.ConfigMap != nil:
		return c.configMap(ctx, v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.DefaultMode, v.ConfigMap.Optional)
	case v.Secret != nil:
		return c.secret(ctx, v.Secret.SecretName, v.Secret.Items, v.Secret.DefaultMode, v.Secret.Optional)
	case v.DownwardAPI != nil:
		return c.downward(v.DownwardAPI.Items, v.DownwardAPI.DefaultMode)
	case v.Projected != nil:
		for _, p := range v.Projected.Sources {
			if err := c.project(ctx, p, v.Projected.DefaultMode); err != nil {
				return err
			}
		}
		return nil
	}
	return errors.New("its type is not supported")
}

func (c *contents) project(ctx context.Context, p corev1.VolumeProjection, mode *int32) error {
	switch {
	case p.ServiceAccountToken != nil:
		t, err := c.token(ctx, c.pod, p.ServiceAccountToken)
		if err != nil {
			return err
		}
		c.files[p.ServiceAccountToken.Path] = File{Content: []byte(t.value), Mode: fileMode(nil, mode)}
		if t.renew.Before(c.next) {
			c.next = t.renew
		}
		return nil
	case p.ConfigMap != nil:
		return c.configMap(ctx, p.ConfigMap.Name, p.ConfigMap.Items, mode, p.ConfigMap.Optional)
	case p.Secret != nil:
		return c.secret(ctx, p.Secret.Name, p.Secret.Items, mode, p.Secret.Optional)
	case p.DownwardAPI != nil:
		return c.downward(p.DownwardAPI.Items, mode)
	}
	return errors.New("a projected source is of a type that is not supported")
}

func (c *contents) configMap(ctx context.Context, name string, items []corev1.KeyToPath, mode *int32, optional *bool) error {
	got, err := c.Client.CoreV1().ConfigMaps(c.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil && !(isTrue(optional) && apierrors.IsNotFound(err)) {
		return err
	}
	data := map[string][]byte{}
	if err == nil {
		for key, v := range got.Data {
			data[key] = []byte(v)
		}
		for key, v := range got.BinaryData {
			data[key] = v
		}
	}
	return c.keys("config map "+name, data, items, mode, optional)
}

func (c *contents) secret(ctx context.Context, name string, items []corev1.KeyToPath, mode *int32, optional *bool) error {
	got, err := c.Client.CoreV1().Secrets(c.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil && !(isTrue(optional) && apierrors.IsNotFound(err)) {
		return err
	}
	var data map[string][]byte
	if err == nil {
		data = got.Data
	}
	return c.keys("secret "+name, data, items, mode, optional)
}

// keys adds all keys under their names, or those that items names at its paths.
func (c *contents) keys(what string, data map[string][]byte, items []corev1.KeyToPath, mode *int32, optional *bool) error {
	if items == nil {
		for key, v := range data {
			c.files[key] = File{Content: v, Mode: fileMode(nil, mode)}
		}
		return nil
	}
	for _, item := range items {
		v, ok := data[item.Key]
		if !ok && isTrue(optional) {
			continue
		}
		if !ok {
			return fmt.Errorf("the %s has no key %s", what, item.Key)
		}
		c.files[item.Path] = File{Content: v, Mode: fileMode(item.Mode, mode)}
	}
	return nil
}

func (c *contents) downward(items []corev1.DownwardAPIVolumeFile, mode *int32) error {
	for _, item := range items {
		if item.FieldRef == nil {
			return fmt.Errorf("the downward API gives only fields here, not what %s asks for", item.Path)
		}
		v, err := podspec.Field(c.pod, item.FieldRef.FieldPath)
		if err != nil {
			return err
		}
		c.files[item.Path] = File{Content: []byte(v), Mode: fileMode(item.Mode, mode)}
	}
	return nil
}

func isTrue(b *bool) bool { return b != nil && *b }

// fileMode prefers the item's own mode to the volume's; the API's default is 0644.
func fileMode(item, volume *int32) os.FileMode {
	for _, m := range []*int32{item, volume} {
		if m != nil {
			return os.FileMode(*m).Perm() //nolint:gosec // G115: the API server lets 0 to 0777 through
		}
	}
	return 0o644
}
