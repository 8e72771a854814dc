package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The benchmark runs itself to ask Headroom: in a test that is the test.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "-ask" {
		if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestRunPrintsTheTable(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "table.md")
	args := []string{
		"-servers", "4", "-pools", "2", "-days", "3", "-samples", "24", "-clients", "2",
		"-rounds", "3", "-sql-rounds", "2", "-sql", "sqlite", "-dir", dir, "-out", out,
	}
	for _, want := range []string{"Loading 576 points", "The estate was loaded before"} {
		var text, log bytes.Buffer
		if err := run(t.Context(), args, &text, &log); err != nil {
			t.Fatalf("%v\n%s%s", err, text.String(), log.String())
		}
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log is %q, want %q in it", log.String(), want)
		}
		markdown, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]string{"text": text.String(), "Markdown": string(markdown)} {
			for _, want := range []string{"peak, 3 days", "equal (3)", "SQLite 3.", "kept, bytes/point"} {
				if !strings.Contains(got, want) {
					t.Errorf("%s without %q:\n%s", name, want, got)
				}
			}
		}
	}
}

func TestCommandLineSaysWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"-servers", "0"}, {"-rounds", "0"}, {"-sql", "oracle"}, {"small"}} {
		var text, log bytes.Buffer
		if err := run(t.Context(), args, &text, &log); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
