// Command faketool stands for lmutil in tests: it does what its last argument
// says.
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

func main() { os.Exit(run(os.Args[1:])) }

// status is what the fake license server says.
//
//go:embed status.txt
var status string

const refused = `lmstat - Copyright (c) 1989-2019 Flexera. All Rights Reserved.
Flexible License Manager status on Tue 3/3/2026 09:15

Error getting status: Cannot connect to license server (-15,570:111 "Connection refused")
`

const vendorDown = `Flexible License Manager status on Tue 3/3/2026 09:15

License server status: 27000@lic01.example.com
    License file(s) on lic01.example.com: /opt/flexlm/site.lic:

lic01.example.com: license server UP (MASTER) v11.16.2

Vendor daemon status (on lic01.example.com):

    acmed: The desired vendor daemon is down. (-97,121)
`

func second(s string) string { return strings.ReplaceAll(s, "lic01", "lic02") }

// run behaves as its last argument says, beginning before the "@".
func run(args []string) int {
	mode, rest, _ := strings.Cut(args[len(args)-1], "@")
	switch mode {
	case "good":
		fmt.Print(status)
	case "exit1":
		fmt.Print(status)
		return 1
	case "crlf":
		fmt.Print("\ufeff" + strings.ReplaceAll(status, "\n", "\r\n"))
	case "two":
		fmt.Print(status + "----------------------------------------\n" + second(status))
	case "refused":
		fmt.Fprint(os.Stderr, refused)
		return 1
	case "vendordown":
		fmt.Print(vendorDown)
	case "silent":
	case "other":
		fmt.Print("usage: other [options]\n")
		return 2
	case "half":
		fmt.Print(status[:len(status)/2])
		wait()
	case "flood":
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		for {
			if _, err := os.Stdout.Write(chunk); err != nil {
				wait() // does not leave when nobody listens
			}
		}
	case "args":
		fmt.Printf("%q\n", args)
	case "env":
		for _, v := range os.Environ() {
			fmt.Println(v)
		}
	case "stdin":
		text, err := io.ReadAll(os.Stdin)
		fmt.Printf("%d bytes, %v\n", len(text), err)
	case "family", "orphan":
		return parent(mode, rest)
	case "child":
		return child(rest)
	}
	return 0
}

// wait waits for ever, as far as a test is concerned.
func wait() { <-time.After(time.Hour) }

// parent starts a child that keeps the outputs open, waits until the child
// has reported at the address, and then stays or goes.
func parent(mode, address string) int {
	self, err := os.Executable()
	if err != nil {
		return 3
	}
	c := exec.Command(self, "lmstat", "child@"+address)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	pipe, err := c.StdinPipe()
	if err != nil || c.Start() != nil {
		return 3
	}
	// The child closes its input when it has reported.
	for err == nil {
		_, err = pipe.Write([]byte("."))
	}
	if mode == "orphan" {
		fmt.Print(status)
		return 0
	}
	wait()
	return 0
}

// child reports at an address and holds the connection as long as it lives.
func child(address string) int {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 3
	}
	if _, err := conn.Write([]byte("alive")); err != nil {
		return 3
	}
	os.Stdin.Close()
	wait()
	return 0
}
