// Command fakecitrix stands for powershell.exe and udadmin.exe in tests, as it
// is called. It prints what files beside it say: talk.txt and nothing else, if
// it is there, else NAME.txt for each source that it is asked. Its arguments are
// added to calls.txt.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	self, err := os.Executable()
	if err != nil {
		return 3
	}
	dir, name := filepath.Split(self)
	name = strings.TrimSuffix(name, ".exe")
	note(dir, name+" "+strings.Join(args, " "))
	if name == "udadmin" {
		show(dir, "udadmin")
		return 0
	}
	script := slices.Index(args, "-File")
	if script < 0 || script+3 >= len(args) || !private(args[script+1]) {
		fmt.Println("no private script among the arguments")
		return 4
	}
	if show(dir, "talk") {
		return 1
	}
	for source := range strings.SplitSeq(args[script+3], ",") {
		show(dir, source)
	}
	return 0
}

// private reports whether the script is there, whole, and nobody else's.
func private(script string) bool {
	text, err := os.ReadFile(script)
	return err == nil && strings.Contains(string(text), "Citrix_GT_License_Pool") && filepath.Base(script) == "citrix.ps1"
}

// show prints a file. "hang" as its content waits for ever.
func show(dir, name string) bool {
	text, err := os.ReadFile(filepath.Join(dir, name+".txt"))
	if err != nil {
		return false
	}
	if strings.TrimSpace(string(text)) == "hang" {
		<-time.After(time.Hour)
	}
	fmt.Print(string(text))
	return true
}

func note(dir, call string) {
	f, err := os.OpenFile(filepath.Join(dir, "calls.txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	fmt.Fprintln(f, call)
	f.Close()
}
