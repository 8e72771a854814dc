package main

import (
	"io"
	"log/slog"

	"headroom/internal/service"
)

// logFlags are the flags of commands that keep running.
type logFlags struct {
	LogFormat string     `default:"text" enum:"text,json" help:"How the log is written: text or json."`
	LogLevel  slog.Level `default:"info" help:"What is logged: debug, info, warn or error."`
}

// logger returns the logger that the flags ask for; a service of Windows writes
// into the event log.
func (f logFlags) logger(w io.Writer) *slog.Logger {
	if h := service.Log(f.LogLevel); h != nil {
		return slog.New(h)
	}
	options := &slog.HandlerOptions{Level: f.LogLevel}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
