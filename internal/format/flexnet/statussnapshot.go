package flexnet

import "headroom/internal/license"

// A ServerState says whether a license server as a whole hands out licenses.
type ServerState string

// The states of a license server. Two of three servers of a triad are enough
// to work: the third one down makes it degraded.
const (
	ServerUpState  ServerState = "up"
	ServerDegraded ServerState = "degraded"
	ServerDown     ServerState = "down"
	ServerUnknown  ServerState = "unknown"
)

// A ServerSnapshot is one section of a status in the words that all license
// managers share.
type ServerSnapshot struct {
	Server   license.Server // without GUID and Name
	State    ServerState
	Servers  []ServerUp
	Daemons  []DaemonUp
	Error    string // of the section; empty if it read well
	Snapshot license.Snapshot
}

// Snapshots turns a status into one snapshot per license server.
func Snapshots(s Status) []ServerSnapshot { return nil }
