package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a step that takes d of fake time.
func fake(name string, d time.Duration, needs ...string) Step {
	return Step{Name: name, Needs: needs, Kind: "fake", Methods: []string{name}, Do: func(ctx context.Context, _ func(string)) (string, error) {
		select {
		case <-time.After(d):
			return "id-" + name, nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}}
}

// failing is a step that fails after a second.
func failing(name string, err error, needs ...string) Step {
	s := fake(name, time.Second, needs...)
	do := s.Do
	s.Do = func(ctx context.Context, report func(string)) (string, error) {
		if _, stopped := do(ctx, report); stopped != nil {
			return "", stopped
		}
		return "", err
	}
	return s
}

func mustGraph(t *testing.T, steps ...Step) *Graph {
	t.Helper()
	g, err := NewGraph(steps...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestNewGraphRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		steps []Step
		want  string
	}{
		"twice":     {[]Step{fake("a", 0), fake("a", 0)}, `two steps are named "a"`},
		"unknown":   {[]Step{fake("a", 0, "b")}, `"a" needs "b"`},
		"itself":    {[]Step{fake("a", 0, "a")}, "the steps a need"},
		"cycle":     {[]Step{fake("x", 0), fake("a", 0, "c", "x"), fake("b", 0, "a"), fake("c", 0, "b")}, "the steps a, b, c need"},
		"no cycles": {[]Step{fake("b", 0, "a"), fake("a", 0)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewGraph(tc.steps...)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// diamond has the critical path a, c, d of 1+5+1.
func diamond() []Step {
	return []Step{fake("a", time.Second), fake("b", 3*time.Second, "a"), fake("c", 5*time.Second, "a"), fake("d", time.Second, "b", "c"), fake("e", 2*time.Second)}
}

func durations(steps map[string]time.Duration) Durations { return Durations(steps) }

func TestCriticalPathIsComputedFromGivenDurations(t *testing.T) {
	d := durations(map[string]time.Duration{"a": time.Second, "b": 3 * time.Second, "c": 5 * time.Second, "d": time.Second, "*": 2 * time.Second})
	p := mustGraph(t, diamond()...).CriticalPath(d)
	if !slices.Equal(p.Steps, []string{"a", "c", "d"}) || p.Length != 7*time.Second || p.Sum != 12*time.Second {
		t.Errorf("path %v, length %s, sum %s", p.Steps, p.Length, p.Sum)
	}
	p = mustGraph(t, diamond()...).CriticalPath(Durations{"e": time.Minute})
	if !slices.Equal(p.Steps, []string{"e"}) || p.Length != time.Minute {
		t.Errorf("path %v, length %s", p.Steps, p.Length)
	}
	if p := mustGraph(t).CriticalPath(d); p.Length != 0 || p.Steps != nil {
		t.Errorf("the path of nothing is %+v", p)
	}
}

func TestWallTimeIsTheCriticalPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := mustGraph(t, diamond()...)
		began := time.Now()
		spans, err := g.run(t.Context(), runOptions{})
		if err != nil || time.Since(began) != 7*time.Second {
			t.Errorf("took %s, error %v", time.Since(began), err)
		}
		d := newTiming(g, Durations{"a": time.Second, "c": 5 * time.Second, "d": time.Second}, spans)
		if d.Measured != 7*time.Second || d.Ratio != 1 {
			t.Errorf("timing %+v", d)
		}
		for _, s := range spans {
			if s.ID != "id-"+s.Step {
				t.Errorf("span %+v", s)
			}
		}
	})
}

func TestFirstFailureStopsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		g := mustGraph(t, failing("a", broken), fake("slow", time.Hour), fake("after", time.Second, "a"))
		began := time.Now()
		spans, err := g.run(t.Context(), runOptions{})
		if !errors.Is(err, broken) || errors.Is(err, errStopped) {
			t.Errorf("error %v: the first failure only is wanted", err)
		}
		if time.Since(began) != time.Second {
			t.Errorf("took %s: the slow step was waited for", time.Since(began))
		}
		if spans[2].Step != "" {
			t.Error("a step ran although what it needs had failed")
		}
	})
}

// Two failures that have nothing to do with each other are both news.
func TestSimultaneousFailuresAreBothReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := errors.New("one"), errors.New("two")
		stubborn := Step{Name: "b", Do: func(context.Context, func(string)) (string, error) {
			<-time.After(2 * time.Second)
			return "", two
		}}
		_, err := mustGraph(t, failing("a", one), stubborn).run(t.Context(), runOptions{})
		if !errors.Is(err, one) || !errors.Is(err, two) {
			t.Errorf("error %v", err)
		}
	})
}

// An interrupt ends every step that runs, and is told once.
func TestInterruptIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("interrupted")) })
		_, err := mustGraph(t, fake("a", time.Minute), fake("b", time.Minute), fake("c", time.Minute)).run(ctx, runOptions{})
		if err == nil || strings.Count(err.Error(), "interrupted") != 1 {
			t.Errorf("error %v", err)
		}
	})
}

func TestKeepGoingRunsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		g := mustGraph(t, failing("a", broken), fake("after", time.Second, "a"), fake("slow", time.Minute))
		spans, err := g.run(t.Context(), runOptions{keepGoing: true})
		if !errors.Is(err, broken) || spans[1].ID == "" || spans[2].ID == "" || spans[0].Err == "" {
			t.Errorf("error %v, spans %+v", err, spans)
		}
	})
}

func TestCancelledRunSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		interrupt := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(interrupt) })
		_, err := mustGraph(t, fake("a", time.Minute), fake("b", time.Second, "a")).run(ctx, runOptions{})
		if !errors.Is(err, interrupt) {
			t.Errorf("error %v", err)
		}
	})
}

func TestTimeoutNamesStepAndKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fake("cluster", time.Hour)
		s.Timeout, s.TimeoutKey = time.Minute, "timeout.cluster_create"
		_, err := mustGraph(t, s).run(t.Context(), runOptions{})
		var te *TimeoutError
		if !errors.As(err, &te) || te.Step != "cluster" || !strings.Contains(err.Error(), "1m0s") || !strings.Contains(err.Error(), "timeout.cluster_create") {
			t.Errorf("error %v", err)
		}
	})
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []string
		on := func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprintf("%s %s %s %s usually %s %s%v", e.Phase, e.Step, e.Type, e.Elapsed, e.Usual, e.ID, e.Err))
		}
		talk := Step{Name: "a", Methods: []string{"m", "m"}, Do: func(_ context.Context, report func(string)) (string, error) {
			<-time.After(time.Second)
			report("waiting")
			<-time.After(time.Second)
			return "x", nil
		}}
		_, err := mustGraph(t, talk, failing("b", errors.New("no"), "a")).run(t.Context(), runOptions{phase: "p", usual: Durations{"m": time.Second}, on: on})
		if err == nil {
			t.Error("no error")
		}
		want := []string{"p a started 0s usually 2s <nil>", "p a waiting 1s usually 2s <nil>", "p a done 2s usually 2s x<nil>",
			"p b started 0s usually 0s <nil>", "p b failed 1s usually 0s no"}
		if !slices.Equal(got, want) {
			t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}
