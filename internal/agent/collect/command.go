package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// Limits of a Command that sets none.
const (
	DefaultTimeout   = time.Minute
	DefaultMaxOutput = 32 << 20
)

// killGrace is how long the pipes of a killed tool may stay open, should a
// child have escaped.
const killGrace = 2 * time.Second

// A Command is a tool and how it is run: directly, with closed standard input
// and an environment of our own making.
type Command struct {
	Path      string   // absolute
	Args      []string // as the tool gets them; nobody else looks at them
	Env       []string // NAME=value, beside what every tool gets
	Timeout   time.Duration
	MaxOutput int64 // bytes of output and error output together
	Apart     bool  // the error output is no part of the text
}

// An Output is what a tool printed, on both of its outputs, in the order of
// printing.
type Output struct {
	Text   []byte
	Errors []byte // the error output, if it was to be kept apart; its beginning
	Exit   int    // many tools of vendors do not mean what it says: decide by the text
}

// maxErrors is how much of an error output that is kept apart is kept.
const maxErrors = 64 << 10

var (
	errTimeout   = errors.New("time limit")
	errTooMuch   = errors.New("output limit")
	errCancelled = errors.New("cancelled")
)

// Run runs the tool to its end and ends whatever it has started. The error
// says in one sentence why there is no output to be trusted: a tool that was
// stopped midway has printed half of the truth.
func (c Command) Run(ctx context.Context) (Output, error) {
	if !filepath.IsAbs(c.Path) {
		return Output{}, fmt.Errorf("%s is no absolute path; name the tool with its folder", c.Path)
	}
	timeout, limit := c.Timeout, c.MaxOutput
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	if limit == 0 {
		limit = DefaultMaxOutput
	}
	runCtx, stop := context.WithCancelCause(ctx)
	defer stop(errCancelled)
	timer := time.AfterFunc(timeout, func() { stop(errTimeout) })
	defer timer.Stop()

	out := &limitedBuffer{left: limit, over: func() { stop(errTooMuch) }}
	cmd := exec.CommandContext(runCtx, c.Path, c.Args...)
	cmd.Env = append(baseEnv(), c.Env...)
	cmd.Dir = filepath.Dir(c.Path)
	errs := &limitedBuffer{left: maxErrors, over: func() {}}
	cmd.Stdout, cmd.Stderr = out, out
	if c.Apart {
		cmd.Stderr = errs
	}
	cmd.WaitDelay = killGrace
	err := runFamily(cmd)

	switch cause := context.Cause(runCtx); {
	case ctx.Err() != nil:
		return Output{}, ctx.Err()
	case errors.Is(cause, errTimeout):
		return Output{}, fmt.Errorf("%s did not end within %v and was stopped", filepath.Base(c.Path), timeout)
	case errors.Is(cause, errTooMuch):
		return Output{}, fmt.Errorf("%s printed more than %d MiB and was stopped", filepath.Base(c.Path), limit>>20)
	}
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok && !errors.Is(err, exec.ErrWaitDelay) {
		return Output{}, fmt.Errorf("%s could not be run: %w", c.Path, err)
	}
	return Output{Text: out.buf.Bytes(), Errors: errs.buf.Bytes(), Exit: cmd.ProcessState.ExitCode()}, nil
}

// A limitedBuffer takes bytes up to a limit and tells when there are more.
type limitedBuffer struct {
	buf  bytes.Buffer
	left int64
	over func()
}

// Write never fails: the tool is stopped instead, with all it started.
func (b *limitedBuffer) Write(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		b.left = 0
		b.over()
		return len(p), nil
	}
	b.left -= int64(len(p))
	return b.buf.Write(p)
}
