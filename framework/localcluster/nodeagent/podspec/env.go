package podspec

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// DefaultPath is PATH where neither the pod nor an image sets one.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Command is what a container runs.
type Command struct {
	// Args is empty when the container says nothing: its image would.
	Args []string
	// Env is the whole environment, sorted.
	Env []string
	Dir string
}

// ReadCommand works out a container's command and environment. base has what every
// container of the node gets; what the container says wins. The pod's addresses are
// taken from its status.
func ReadCommand(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, c *corev1.Container, base map[string]string) (Command, error) {
	env := maps.Clone(base)
	for _, from := range c.EnvFrom {
		if err := addAll(ctx, client, pod, from, env); err != nil {
			return Command{}, err
		}
	}
	value := func(name string) (string, bool) {
		v, known := env[name]
		return v, known
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			env[e.Name] = Expand(e.Value, value)
			continue
		}
		v, given, err := readSource(ctx, client, pod, e.ValueFrom)
		if err != nil {
			return Command{}, fmt.Errorf("environment variable %s: %w", e.Name, err)
		}
		if given {
			env[e.Name] = v
		}
	}
	command := Command{Dir: c.WorkingDir}
	for _, arg := range slices.Concat(c.Command, c.Args) {
		command.Args = append(command.Args, Expand(arg, value))
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		command.Env = append(command.Env, name+"="+env[name])
	}
	return command, nil
}

func addAll(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, from corev1.EnvFromSource, env map[string]string) error {
	switch {
	case from.ConfigMapRef != nil:
		cm, err := client.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, from.ConfigMapRef.Name, metav1.GetOptions{})
		if err != nil {
			return unlessOptional(err, from.ConfigMapRef.Optional)
		}
		for key, v := range cm.Data {
			env[from.Prefix+key] = v
		}
	case from.SecretRef != nil:
		secret, err := client.CoreV1().Secrets(pod.Namespace).Get(ctx, from.SecretRef.Name, metav1.GetOptions{})
		if err != nil {
			return unlessOptional(err, from.SecretRef.Optional)
		}
		for key, v := range secret.Data {
			env[from.Prefix+key] = string(v)
		}
	}
	return nil
}

// readSource reads a value; given is false where an optional one is not there.
func readSource(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, from *corev1.EnvVarSource) (v string, given bool, err error) {
	switch {
	case from.FieldRef != nil:
		v, err = Field(pod, from.FieldRef.FieldPath)
		return v, err == nil, err
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		cm, err := client.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			return "", false, unlessOptional(err, ref.Optional)
		}
		v, given = cm.Data[ref.Key]
		return v, given, missingKey(given, "config map", ref.Name, ref.Key, ref.Optional)
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		secret, err := client.CoreV1().Secrets(pod.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			return "", false, unlessOptional(err, ref.Optional)
		}
		raw, given := secret.Data[ref.Key]
		return string(raw), given, missingKey(given, "secret", ref.Name, ref.Key, ref.Optional)
	}
	return "", false, fmt.Errorf("its source is none that the node agent reads (fieldRef, configMapKeyRef, secretKeyRef)")
}

func missingKey(given bool, kind, name, key string, optional *bool) error {
	if given || (optional != nil && *optional) {
		return nil
	}
	return fmt.Errorf("the %s %s has no key %s", kind, name, key)
}

func unlessOptional(err error, optional *bool) error {
	if optional != nil && *optional && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
