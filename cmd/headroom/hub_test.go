package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// command runs a command line and returns what it printed.
func command(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	var b bytes.Buffer
	err = run(t.Context(), args, streams{in: strings.NewReader(""), out: &b, err: io.Discard})
	return b.String(), err
}

func TestHubServesUntilItIsTold(t *testing.T) {
	t.Setenv("HEADROOM_STORE", filepath.Join(t.TempDir(), "hub.db"))
	t.Setenv("HEADROOM_ADDR", "192.0.2.1:1") // the flag comes first
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"hub", "run", "--addr", "127.0.0.1:0", "--log-format=json"},
			streams{in: strings.NewReader(""), out: write, err: io.Discard})
		ended <- errors.Join(err, write.Close())
	}()
	line := make([]byte, 512)
	n, err := read.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).Find(line[:n])
	rest := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, read)
		rest <- err
	}()
	resp, err := http.Get(string(url) + "/healthz")
	if err != nil {
		t.Fatalf("the hub said %q: %v", line[:n], err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("/healthz: %d, want %d", resp.StatusCode, http.StatusOK)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("told to end, it ended with: %v", err)
	}
	if err := <-rest; err != nil {
		t.Error(err)
	}
}

func TestHubSaysWhatIsWrongWithItsFlags(t *testing.T) {
	store := filepath.Join(t.TempDir(), "hub.db")
	for _, c := range []struct {
		args  []string
		want  string
		usage bool // the command line itself is wrong
	}{
		{[]string{"hub", "run", "--store", store, "--addr", "0.0.0.0:0"}, "tls-cert", false},
		{[]string{"hub", "run", "--addr", "127.0.0.1:0", "--store", filepath.Join(store, "no", "folder")}, "folder", false},
		{[]string{"hub", "run", "--addr", "127.0.0.1:0", "--store", "postgres://127.0.0.1:1/headroom"}, "--secrets-key", false},
		{[]string{"hub", "run", "--stroe", store}, "did you mean", true},
		{[]string{"hub", "audit", "verify", "--store", store}, store, false},
		{[]string{"hub", "audit", "verify", "--store", store, "--witness", "hub_test.go"}, "hub_test.go", false},
		{[]string{"hub", "run", "--log-format", "xml"}, "log-format", true},
		{[]string{"hub", "run", "--trusted-proxy", "everybody"}, "trusted-proxy", true},
		{[]string{"hbu"}, "did you mean", true},
		{nil, "expected one of", true},
	} {
		_, err := command(t, c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("headroom %q: %v, want an error that names %q", c.args, err, c.want)
			continue
		}
		if _, usage := errors.AsType[*kong.ParseError](err); usage != c.usage {
			t.Errorf("headroom %q: an error of the command line: %v, want %v", c.args, usage, c.usage)
		}
	}
}

func TestHelpNamesEverything(t *testing.T) {
	out, err := command(t, "hub", "run", "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--store", "HEADROOM_STORE", "--public-url", "--tls-cert", "--log-format", "The first start"} {
		if !strings.Contains(out, want) {
			t.Errorf("headroom hub run --help does not name %q:\n%s", want, out)
		}
	}
}

func TestVersionIsPrinted(t *testing.T) {
	if out, err := command(t, "version"); err != nil || out != "headroom dev\n" {
		t.Errorf("headroom version = %q, %v, want %q", out, err, "headroom dev\n")
	}
}
