//go:build unix

package collect

// DefaultPowerShell is empty: a Citrix License Server's SDK and WMI are Windows'
// own.
func DefaultPowerShell() string { return "" }
