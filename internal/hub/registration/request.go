package registration

import (
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"headroom/internal/fault"
	"headroom/internal/license"
)

// A Request asks for a code.
type Request struct {
	AgentGUID string
	KeyID     string
	PublicKey []byte
	Host      string
	Platform  string
	Version   string
	Address   string // from which it came
	Servers   []license.Server
}

// Issued is a code that was just made. It is told once and never kept.
type Issued struct {
	ID      string
	Code    string // XXXXX-XXXXX
	Poll    time.Duration
	Expires time.Time
}

// Progress is what the holder of a registration's key may know of it.
type Progress struct {
	State            State
	OrganisationID   string // from approved on
	OrganisationName string
	ApprovedBy       string
	Poll             time.Duration
}

// Polling: how often an agent may ask how its registration stands.
const (
	pollFirst  = 5 * time.Second // in the first minute
	pollLater  = 30 * time.Second
	slowDown   = 5 * time.Second
	pollSlack  = time.Second // for the way and for timers
	firstPolls = time.Minute
)

// Bounds of what an agent says about itself.
const (
	maxServers = 100
	maxHosts   = 8
	maxGUID    = 64  // bytes
	maxText    = 512 // bytes
)

func (q *Request) check() error {
	if len(q.PublicKey) != 32 || q.KeyID == "" {
		return fault.Errorf(fault.Invalid, "the request has no Ed25519 key")
	}
	if err := checkGUID("agent", q.AgentGUID); err != nil {
		return err
	}
	if q.Host == "" {
		return fault.Errorf(fault.Invalid, "the request names no host")
	}
	for _, s := range []string{q.Host, q.Platform, q.Version} {
		if err := checkText("agent", s); err != nil {
			return err
		}
	}
	return CheckServers(q.Servers)
}

// CheckServers says what is wrong with what an agent says about its servers.
func CheckServers(servers []license.Server) error {
	if len(servers) > maxServers {
		return fault.Errorf(fault.TooLarge, "%d license servers; one agent may read %d", len(servers), maxServers)
	}
	seen := map[string]bool{}
	for _, s := range servers {
		if err := checkGUID("license server "+s.Name, s.GUID); err != nil {
			return err
		}
		if seen[s.GUID] {
			return fault.Errorf(fault.Invalid, "license server %s is named twice", s.GUID)
		}
		seen[s.GUID] = true
		if len(s.Hosts) > maxHosts {
			return fault.Errorf(fault.Invalid, "license server %s has %d hosts, more than %d", s.GUID, len(s.Hosts), maxHosts)
		}
		if s.Port < 0 || s.Port > 65535 {
			return fault.Errorf(fault.Invalid, "license server %s has port %d", s.GUID, s.Port)
		}
		for _, text := range append([]string{s.Name, s.HostID, s.Manager, s.Version}, s.Hosts...) {
			if err := checkText("license server "+s.GUID, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkGUID wants what agents make (a UUID), without being strict about which.
func checkGUID(of, s string) error {
	bad := func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-')
	}
	if len(s) < 8 || len(s) > maxGUID || strings.ContainsFunc(s, bad) {
		return fault.Errorf(fault.Invalid, "%.80q: GUID %.80q is not one", of, s)
	}
	return nil
}

func checkText(of, s string) error {
	if len(s) > maxText || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return fault.Errorf(fault.Invalid, "%.80q: %.80q is longer than %d bytes or no plain text", of, s, maxText)
	}
	return nil
}

// network returns what one party can hold many addresses of: an IPv4 address,
// or the /64 of an IPv6 address.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if a = a.Unmap().WithZone(""); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// stateAt returns the record's state at an instant: what is unfinished ends by
// itself.
func (rec *Record) stateAt(now time.Time) State {
	if (rec.State == Waiting || rec.State == Approved) && !now.Before(rec.Expires) {
		return Expired
	}
	return rec.State
}

func (rec *Record) interval(now time.Time) time.Duration {
	if now.Sub(rec.Asked) < firstPolls {
		return pollFirst + rec.Slower
	}
	return pollLater + rec.Slower
}

func (rec *Record) progress(now time.Time) Progress {
	p := Progress{State: rec.stateAt(now), Poll: rec.interval(now)}
	if p.State == Approved || p.State == Confirmed {
		p.OrganisationID, p.OrganisationName, p.ApprovedBy = rec.OrgPublic, rec.OrgName, rec.ApprovedBy
	}
	return p
}
