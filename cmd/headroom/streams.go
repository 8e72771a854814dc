package main

import "io"

// streams are the standard streams of the process, handed in so that a test
// can run a command.
type streams struct {
	in       io.Reader
	out, err io.Writer
}
