package collect_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// An answer is what the fake tool of that name does when it is called with
// just these arguments. testdata/answers is the tool.
type answer struct {
	Tool     string
	Args     []string
	Env      []string // that must be there
	Out, Err string
	Exit     int
	Hang     bool
	Endless  bool
}

// answers is the fake tool, built once; it lies beside the fake lmutil.
var answers = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(tool), "answers"+filepath.Ext(tool))
	out, err := exec.Command("go", "build", "-o", path, "./testdata/answers").CombinedOutput()
	return path, errorWith(err, out)
})

func errorWith(err error, out []byte) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: "build the fake tool", Path: string(out), Err: err}
}

// fake puts tools that give these answers into a folder of their own.
func fake(t *testing.T, all ...answer) (folder string) {
	t.Helper()
	program, err := answers()
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "answers.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if _, err := os.Stat(exe(folder, a.Tool)); err == nil {
			continue
		}
		if err := os.Link(program, exe(folder, a.Tool)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// exe is the path of a fake tool.
func exe(folder, name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(folder, name)
}
