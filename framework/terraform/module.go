package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/hashicorp/terraform-exec/tfexec"
)

// programs are those that run a module, the one that is looked for first first.
var programs = []string{"tofu", "terraform"}

// ErrUnavailable is that there is no program, or that it did not get the provider.
var ErrUnavailable = errors.New("the module cannot be run here")

// Find gives the path of OpenTofu or of Terraform, or an ErrUnavailable.
func Find() (string, error) {
	for _, program := range programs {
		if path, err := exec.LookPath(program); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: neither tofu nor terraform is in PATH; install OpenTofu (https://opentofu.org), or run scripts/terraform", ErrUnavailable)
}

// Module is a root module in a folder of its own, with its state.
type Module struct {
	tf *tfexec.Terraform
}

// planFile is where a plan is kept for looking at it.
const planFile = "plan"

// Open copies a module's files into dir, which is there and empty, with the values of
// its variables, and gets its provider; where there is none it is an ErrUnavailable.
// environ is what the program is started with.
func Open(ctx context.Context, program, dir string, files fs.FS, variables map[string]any, environ map[string]string) (*Module, error) {
	if err := os.CopyFS(dir, files); err != nil {
		return nil, fmt.Errorf("copying the module: %w", err)
	}
	values, err := json.Marshal(variables)
	if err != nil {
		return nil, fmt.Errorf("writing the module's variables: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "run.auto.tfvars.json"), values, 0o600); err != nil {
		return nil, fmt.Errorf("writing the module's variables: %w", err)
	}
	tf, err := tfexec.NewTerraform(dir, program)
	if err != nil {
		return nil, fmt.Errorf("using %s: %w", program, err)
	}
	if err := tf.SetEnv(environ); err != nil {
		return nil, fmt.Errorf("using %s: %w", program, err)
	}
	if err := tf.Init(ctx); err != nil {
		return nil, fmt.Errorf("%w: getting its provider: %w", ErrUnavailable, err)
	}
	return &Module{tf}, nil
}

// Apply makes what the module says.
func (m *Module) Apply(ctx context.Context) error {
	if err := m.tf.Apply(ctx); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	return nil
}

// Changes are what applying the module would do now, as "ADDRESS: ACTIONS".
func (m *Module) Changes(ctx context.Context) ([]string, error) {
	changes, err := m.tf.Plan(ctx, tfexec.Out(planFile))
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if !changes {
		return nil, nil
	}
	plan, err := m.tf.ShowPlanFile(ctx, planFile)
	if err != nil {
		return nil, fmt.Errorf("show: %w", err)
	}
	var found []string
	for _, change := range plan.ResourceChanges {
		if !change.Change.Actions.NoOp() {
			found = append(found, fmt.Sprintf("%s: %v", change.Address, change.Change.Actions))
		}
	}
	for name, change := range plan.OutputChanges {
		if !change.Actions.NoOp() {
			found = append(found, fmt.Sprintf("output %s: %v", name, change.Actions))
		}
	}
	slices.Sort(found)
	return found, nil
}

// Outputs are the module's outputs that are text.
func (m *Module) Outputs(ctx context.Context) (map[string]string, error) {
	all, err := m.tf.Output(ctx)
	if err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	out := map[string]string{}
	for name, output := range all {
		var text string
		if json.Unmarshal(output.Value, &text) == nil {
			out[name] = text
		}
	}
	return out, nil
}

// Destroy deletes what the module made.
func (m *Module) Destroy(ctx context.Context) error {
	if err := m.tf.Destroy(ctx); err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	return nil
}

// Resources are the addresses of what is in the state.
func (m *Module) Resources(ctx context.Context) ([]string, error) {
	state, err := m.tf.Show(ctx)
	if err != nil {
		return nil, fmt.Errorf("show: %w", err)
	}
	if state.Values == nil || state.Values.RootModule == nil {
		return nil, nil
	}
	var out []string
	for _, resource := range state.Values.RootModule.Resources {
		out = append(out, resource.Address)
	}
	return out, nil
}
