package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts of testdata/script run the program as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"headroom": main})
}

func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
