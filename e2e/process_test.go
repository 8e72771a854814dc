package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is the program, running, with all that it prints.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.Writer
	news chan struct{} // something was printed
	done chan struct{} // nothing will be printed any more

	mu   sync.Mutex
	text bytes.Buffer
}

// launch runs a program until its end.
func launch(program string, args ...string) (*process, error) {
	cmd := exec.CommandContext(context.Background(), program, args...)
	p := &process{name: strings.Join(args, " "), cmd: cmd, news: make(chan struct{}, 1), done: make(chan struct{})}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	p.in = in
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		p.listen(bufio.NewReader(out))
	}()
	return p, nil
}

// end ends it as a service manager would.
func (p *process) end() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err == nil {
		<-p.done
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s ended with: %w\n%s", p.name, err, p.printed())
	}
	return nil
}

func (p *process) listen(r *bufio.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		p.mu.Lock()
		p.text.Write(buf[:n])
		p.mu.Unlock()
		select {
		case p.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (p *process) printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// wait waits until the process has printed what matches, and returns the last
// group.
func (p *process) wait(pattern string) (string, error) {
	re := regexp.MustCompile(pattern)
	limit := time.After(2 * time.Minute)
	for {
		if m := re.FindStringSubmatch(p.printed()); m != nil {
			return strings.TrimSpace(m[len(m)-1]), nil
		}
		select {
		case <-p.news:
		case <-limit:
			return "", fmt.Errorf("%s never printed %s, but\n%s", p.name, pattern, p.printed())
		}
	}
}

// A started process is one test's.
type started struct {
	*process
	t *testing.T
}

// start runs a program until the test ends.
func start(t *testing.T, program string, args ...string) started {
	t.Helper()
	p, err := launch(program, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.end(); err != nil {
			t.Error(err)
		}
	})
	return started{p, t}
}

// line is wait, for a test.
func (s started) line(pattern string) string {
	s.t.Helper()
	line, err := s.wait(pattern)
	if err != nil {
		s.t.Fatal(err)
	}
	return line
}

func (s started) say(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, text); err != nil {
		s.t.Fatal(err)
	}
}
