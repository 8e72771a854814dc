package service

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// An eventHandler writes each line of a log as an event of its own.
type eventHandler struct {
	slog.Handler
	shared *eventText
}

type eventText struct {
	mu     sync.Mutex
	line   bytes.Buffer
	report func(level slog.Level, text string) error
}

func newEventHandler(level slog.Level, report func(slog.Level, string) error) slog.Handler {
	shared := &eventText{report: report}
	return eventHandler{slog.NewTextHandler(&shared.line, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutTime}), shared}
}

// withoutTime leaves out what an event says by itself.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return slog.Attr{}
	}
	return a
}

// Handle reports a record.
func (h eventHandler) Handle(ctx context.Context, r slog.Record) error {
	h.shared.mu.Lock()
	defer h.shared.mu.Unlock()
	h.shared.line.Reset()
	if err := h.Handler.Handle(ctx, r); err != nil {
		return err
	}
	return h.shared.report(r.Level, strings.TrimSuffix(h.shared.line.String(), "\n"))
}

// WithAttrs is that of slog.Handler.
func (h eventHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return eventHandler{h.Handler.WithAttrs(attrs), h.shared}
}

// WithGroup is that of slog.Handler.
func (h eventHandler) WithGroup(name string) slog.Handler {
	return eventHandler{h.Handler.WithGroup(name), h.shared}
}
