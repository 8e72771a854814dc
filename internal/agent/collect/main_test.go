package collect_test

import (
	_ "embed"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// status is what the fake license server says.
//
//go:embed testdata/faketool/status.txt
var status string

// tool is the path of the fake lmutil.
var tool string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "faketool")
	if err != nil {
		log.Panic(err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			log.Print(err)
		}
	}()
	tool = filepath.Join(dir, "lmutil")
	if runtime.GOOS == "windows" {
		tool += ".exe"
	}
	if out, err := exec.Command("go", "build", "-o", tool, "./testdata/faketool").CombinedOutput(); err != nil {
		log.Panicf("build the fake tool: %v\n%s", err, out)
	}
	m.Run()
}
