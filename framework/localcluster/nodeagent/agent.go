package nodeagent

import (
	"context"
	"errors"
)

// Agent is a running node.
type Agent struct{}

// Start refuses.
func Start(context.Context, Config) (*Agent, error) {
	return nil, errors.New("this build has no node agent")
}

// Stop ends nothing.
func (*Agent) Stop(context.Context) error { return nil }
