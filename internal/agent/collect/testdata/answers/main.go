// Command answers stands for any tool in tests. The file answers.json in the
// folder of its program says what it prints and does for which arguments.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// An answer is what one call gets.
type answer struct {
	Tool    string // the name of the program
	Args    []string
	Env     []string // that must be there
	Out     string
	Err     string
	Exit    int
	Hang    bool // does not end
	Endless bool // prints for ever
}

func main() { os.Exit(run()) }

func run() int {
	self, err := os.Executable()
	if err != nil {
		return 3
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(self), "answers.json"))
	if err != nil {
		fmt.Println(err)
		return 3
	}
	var answers []answer
	if err := json.Unmarshal(text, &answers); err != nil {
		fmt.Println(err)
		return 3
	}
	name := strings.TrimSuffix(filepath.Base(self), ".exe")
	for _, a := range answers {
		if a.Tool == name && slices.Equal(a.Args, os.Args[1:]) {
			return a.give()
		}
	}
	fmt.Printf("nobody expected %s %q\n", name, os.Args[1:])
	return 3
}

func (a answer) give() int {
	for _, e := range a.Env {
		if !slices.Contains(os.Environ(), e) {
			fmt.Printf("%s is missing in %q\n", e, os.Environ())
			return 3
		}
	}
	fmt.Fprint(os.Stderr, a.Err)
	fmt.Print(a.Out)
	for a.Endless {
		if _, err := os.Stdout.WriteString(strings.Repeat("x", 64<<10)); err != nil {
			break
		}
	}
	if a.Hang || a.Endless {
		<-time.After(time.Hour)
	}
	return a.Exit
}
