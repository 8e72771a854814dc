package hub

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The flag "hg" of a mapping in /proc/self/smaps says that somebody asked for
// large pages there (proc_pid_smaps(5)).
func TestHeapGrowsIntoLargePages(t *testing.T) {
	const bytes = 32 << 20
	if err := largePages(bytes); errors.Is(err, unix.EINVAL) {
		t.Skip("this kernel has no transparent huge pages")
	} else if err != nil {
		t.Fatal(err)
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^VmFlags:.* hg\b`).Match(smaps) {
		t.Errorf("no mapping of this process asks for large pages:\n%s", strings.Join(regexp.MustCompile(`(?m)^VmFlags:.*`).FindAllString(string(smaps), -1), "\n"))
	}
}
