package collect

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// DefaultPowerShell is the path of Windows PowerShell, which every Windows has;
// the licensing SDK is made for it. Empty if it cannot be told.
func DefaultPowerShell() string {
	system, err := windows.GetSystemDirectory()
	if err != nil {
		return ""
	}
	return filepath.Join(system, "WindowsPowerShell", "v1.0", "powershell.exe")
}
