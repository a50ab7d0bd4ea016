package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// edit removes CAP_SYS_RESOURCE and a negative oomScoreAdj from a runtime spec
// (config.json, with a process) or from a process of its own. Everything else,
// also what this program has never heard of, stays as it was.
func edit(spec []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(spec))
	// Arguments of seccomp rules are 64 bits wide; a float has 53.
	decoder.UseNumber()
	var whole map[string]any
	if err := decoder.Decode(&whole); err != nil {
		return nil, err
	}
	process := whole
	if _, ok := whole["ociVersion"]; ok {
		process, ok = whole["process"].(map[string]any)
		if !ok {
			return nil, errors.New("it has no process")
		}
	}
	changed, err := editProcess(process)
	if err != nil || !changed {
		return spec, err
	}
	return json.Marshal(whole)
}

func editProcess(process map[string]any) (changed bool, err error) {
	sets, _ := process["capabilities"].(map[string]any)
	for name, set := range sets {
		list, ok := set.([]any)
		if !ok {
			continue
		}
		kept := slices.DeleteFunc(slices.Clone(list), func(c any) bool { return c == "CAP_SYS_RESOURCE" })
		if len(kept) != len(list) {
			sets[name], changed = kept, true
		}
	}
	if score, ok := process["oomScoreAdj"].(json.Number); ok {
		value, err := score.Int64()
		if err != nil {
			return false, fmt.Errorf("oomScoreAdj: %w", err)
		}
		if value < 0 {
			delete(process, "oomScoreAdj")
			changed = true
		}
	}
	return changed, nil
}
