package spooltest

import "golang.org/x/sys/windows"

// ErrNoSpace is what the system says when the disk is full.
var ErrNoSpace error = windows.ERROR_DISK_FULL
