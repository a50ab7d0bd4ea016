package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/wlif-conformance/wlif-conformance/framework/pause"
	"github.com/wlif-conformance/wlif-conformance/framework/provision"
)

// keyboard is a terminal that somebody can press Enter at.
func keyboard(file *os.File) (*bufio.Reader, error) {
	if !term.IsTerminal(int(file.Fd())) {
		return nil, &exitError{code: 2, err: errors.New("--pause-on-failure waits for Enter, and standard input is no terminal: nobody could let the run go on"),
			hint: "leave it out; --keep leaves everything in place after the run"}
	}
	return bufio.NewReader(file), nil
}

// lookAround shows a failure and how to look at what it left, and returns when
// somebody has pressed Enter.
func (l *launch) lookAround(f pause.Failure) {
	l.console.say("%s", l.lookAroundText(f))
	_, _ = l.keyboard.ReadString('\n') // a terminal that is gone lets go, too
	l.console.say("going on")
	_ = os.Remove(l.kubeconfigFile()) // of no use without the run; there may be none
}

func (l *launch) lookAroundText(f pause.Failure) string {
	text := fmt.Sprintf("\nPaused: %s [%s] failed at %s: %s\n", f.Requirement, f.Spec, f.Location, f.Message)
	target, err := l.folder.LoadTarget()
	var path string
	if err == nil {
		path, err = l.kubeconfig(target)
	}
	if err != nil {
		text += fmt.Sprintf("No kubeconfig could be written: %v\n", err)
	} else {
		text += "Nothing of it has been deleted yet.\n" + lookText(target, path)
		text += fmt.Sprintf("\nEvery namespace of the run, the check's own among them:\n  kubectl get namespaces --selector %s=%s\nFederation %s, federated credential %s\n",
			provision.LabelRun, l.id, target.FederationID, target.CredentialID)
	}
	return text + fmt.Sprintf("What was called is in %s. `wlif sweep` of others leaves the run alone until %s.\n\nPress Enter to let the check clean up and the run go on.",
		l.folder, l.started.Add(l.cfg.RunTTL.D()).Format(time.TimeOnly))
}
