//go:build unix

package spooltest

import "syscall"

// ErrNoSpace is what the system says when the disk is full.
var ErrNoSpace error = syscall.ENOSPC
