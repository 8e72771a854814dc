//go:build unix

package spool_test

import "syscall"

var errNoSpace error = syscall.ENOSPC
