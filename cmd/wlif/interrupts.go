package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// interrupts counts the signals that ask the run to end. The first lets it tear
// down, the second shortens that, the third ends it at once.
type interrupts struct {
	signals chan os.Signal
	done    chan struct{}

	mu     sync.Mutex
	count  int
	group  int // process group that signals are passed on to; 0: none
	stages [3]chan struct{}
	notice func(count int)
}

func catchInterrupts(notice func(count int)) *interrupts {
	i := &interrupts{signals: make(chan os.Signal, 3), done: make(chan struct{}), notice: notice}
	for n := range i.stages {
		i.stages[n] = make(chan struct{})
	}
	signal.Notify(i.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go i.loop()
	return i
}

func (i *interrupts) loop() {
	for {
		select {
		case <-i.signals:
			i.interrupted()
		case <-i.done:
			return
		}
	}
}

func (i *interrupts) interrupted() {
	i.mu.Lock()
	i.count++
	count, group := i.count, i.group
	if count <= len(i.stages) {
		close(i.stages[count-1])
	}
	i.mu.Unlock()
	i.notice(count)
	if group == 0 {
		return
	}
	// Ginkgo knows SIGINT: once to interrupt, twice to skip what cleans up.
	pass := syscall.SIGINT
	if count >= len(i.stages) {
		pass = syscall.SIGKILL
	}
	_ = syscall.Kill(-group, pass)
}

// passOn sends further signals to a process group; 0 ends that.
func (i *interrupts) passOn(group int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.group = group
}

// times is how many signals came.
func (i *interrupts) times() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count
}

// until makes a context that ends with the nth signal.
func (i *interrupts) until(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-i.stages[n-1]:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// stop gives the signals back to the system.
func (i *interrupts) stop() {
	signal.Stop(i.signals)
	close(i.done)
}
