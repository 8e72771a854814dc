package service

import (
	"context"
	"log/slog"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
)

// Run runs the agent: under the service control manager until that stops it,
// else until ctx is done. The library's own way knows no service that ends by
// itself with an error, for which the manager starts it again.
func Run(ctx context.Context, run func(context.Context) error) error {
	if is, err := svc.IsWindowsService(); err != nil || !is {
		return run(ctx)
	}
	h := &handler{ctx: ctx, run: run}
	if err := svc.Run(Name, h); err != nil {
		return err
	}
	return h.err
}

// A handler is what the manager talks to.
type handler struct {
	ctx context.Context
	run func(context.Context) error
	err error
}

// stopTime is how long the manager is asked to wait, in milliseconds.
const stopTime = 60_000

// Execute answers the manager until the agent has ended.
func (h *handler) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	ctx, stop := context.WithCancel(h.ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- h.run(ctx) }()
	status <- svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	for {
		select {
		case h.err = <-ended:
			if h.err == nil {
				return false, 0
			}
			if log := Log(slog.LevelError); log != nil {
				slog.New(log).Error("the agent has ended", "err", h.err)
			}
			return true, 1
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				status <- r.CurrentStatus
			case svc.Stop, svc.Shutdown:
				status <- svc.Status{State: svc.StopPending, WaitHint: stopTime}
				stop()
			}
		}
	}
}

// Log returns what writes into the event log, if this is a service: nobody
// keeps what it prints. It is nil otherwise.
func Log(level slog.Level) slog.Handler {
	if is, err := svc.IsWindowsService(); err != nil || !is {
		return nil
	}
	log, err := eventlog.Open(Name)
	if err != nil {
		return nil
	}
	return newEventHandler(level, func(level slog.Level, text string) error {
		switch {
		case level >= slog.LevelError:
			return log.Error(3, text)
		case level >= slog.LevelWarn:
			return log.Warning(2, text)
		}
		return log.Info(1, text)
	})
}
