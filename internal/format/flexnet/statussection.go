package flexnet

import (
	"slices"
	"strings"

	"headroom/internal/license"
)

// maxComponents is how many servers, and how many daemons, one section is
// believed to have.
const maxComponents = 100

// A statusZone is the part of a section that a line stands in.
type statusZone int

const (
	zoneNone     statusZone = iota
	zoneFiles               // behind the license file list
	zoneServers             // server lines
	zoneDaemons             // behind "Vendor daemon status"
	zoneFeatures            // behind "Feature usage info"
)

// An openSection is a section while its lines come in.
type openSection struct {
	Section
	zone   statusZone
	listed bool
	torn   bool // a feature line could not be read
	book   *nameBook
	doubts []doubt
	parts  []vendorPart
	partOf []int // per feature, the vendor part it stands in; -1 before the first
}

// A vendorPart is a run of daemon lines and the features below them.
type vendorPart struct{ daemons []string }

// A doubt is a line whose names could not be divided by themselves.
type doubt struct {
	feature, checkout int
	names             string
}

func (s *openSection) fail(text string) { s.Error = joinErrors(s.Error, text) }

// lastFeature returns the feature that lines now belong to, or nil.
func (s *openSection) lastFeature() *Feature {
	if s == nil || s.zone != zoneFeatures || len(s.Features) == 0 {
		return nil
	}
	return &s.Features[len(s.Features)-1]
}

func (s *openSection) addFeature(f Feature) {
	s.zone = zoneFeatures
	s.Features = append(s.Features, f)
	s.partOf = append(s.partOf, len(s.parts)-1)
}

func (s *openSection) openPart() {
	s.zone = zoneDaemons
	s.parts = append(s.parts, vendorPart{})
}

// addServer keeps each server once. Some versions print it again in other
// case; a further line can only make it better. It refuses more than
// maxComponents.
func (s *openSection) addServer(n ServerUp) bool {
	s.zone = max(s.zone, zoneServers)
	for i := range s.Servers {
		old := &s.Servers[i]
		if license.FoldName(old.Host) != license.FoldName(n.Host) {
			continue
		}
		if n.Up && !old.Up {
			n.Master = n.Master || old.Master
			*old = n
		}
		old.Master = old.Master || n.Master
		return true
	}
	if len(s.Servers) >= maxComponents {
		return false
	}
	s.Servers = append(s.Servers, n)
	return true
}

// addDaemon keeps each daemon once. A daemon that is down anywhere is down.
// It refuses more than maxComponents.
func (s *openSection) addDaemon(n DaemonUp) bool {
	if len(s.Daemons) >= maxComponents {
		return false
	}
	if len(s.parts) == 0 || s.zone == zoneFeatures {
		s.openPart() // a daemon without a header of its own
	}
	part := &s.parts[len(s.parts)-1]
	if !slices.Contains(part.daemons, n.Name) {
		part.daemons = append(part.daemons, n.Name)
	}
	s.Daemons = mergeDaemon(s.Daemons, n)
	return true
}

func mergeDaemon(all []DaemonUp, n DaemonUp) []DaemonUp {
	for i := range all {
		if all[i].Name != n.Name {
			continue
		}
		if all[i].Up && !n.Up {
			all[i] = n
		}
		return all
	}
	return append(all, n)
}

// close settles what only the whole section can tell.
func (s *openSection) close() Section {
	for _, d := range s.doubts {
		c := &s.Features[d.feature].Checkouts[d.checkout]
		c.Guessed = !s.book.divide(d.names, c)
	}
	s.nameDaemons()
	s.Features = dropRepeats(s.Features)
	nameByOrder(s.Features, s.Daemons)
	s.Listed = s.listed && !s.torn
	return s.Section
}

// nameDaemons gives each feature its daemon: the vendor of its pool lines,
// else the only daemon that can serve it.
func (s *openSection) nameDaemons() {
	for i := range s.Features {
		s.Features[i].Daemon = s.vendorOf(s.Features[i])
	}
	if s.partsRepeat() {
		return // what stands below a daemon says nothing about who serves it
	}
	for i := range s.Features {
		f, part := &s.Features[i], s.partOf[i]
		switch {
		case f.Daemon != "":
		case len(s.Daemons) == 1:
			f.Daemon = s.Daemons[0].Name
		case part >= 0 && len(s.parts[part].daemons) == 1:
			f.Daemon = s.parts[part].daemons[0]
		}
	}
}

// vendorOf returns the vendor of f's pool lines, spelled as its daemon is.
func (s *openSection) vendorOf(f Feature) string {
	for _, pool := range f.Pools {
		if pool.Vendor == "" {
			continue
		}
		for _, d := range s.Daemons {
			if strings.EqualFold(d.Name, pool.Vendor) {
				return d.Name
			}
		}
		return pool.Vendor
	}
	return ""
}

// partsRepeat reports whether a vendor part prints all features of another
// one again, as some versions do where a section has several daemons.
func (s *openSection) partsRepeat() bool {
	if len(s.parts) < 2 {
		return false
	}
	blocks := make([]map[string]Feature, len(s.parts))
	for i, f := range s.Features {
		part := s.partOf[i]
		if part < 0 {
			return false
		}
		if blocks[part] == nil {
			blocks[part] = map[string]Feature{}
		}
		blocks[part][f.Name] = f
	}
	for later := 1; later < len(blocks); later++ {
		if covers(blocks[later], blocks[later-1]) {
			return true
		}
	}
	return false
}

// covers reports whether each feature of part stands in whole with the same
// numbers.
func covers(whole, part map[string]Feature) bool {
	for name, f := range part {
		g, ok := whole[name]
		if !ok || !sameBlock(f, g) {
			return false
		}
	}
	return len(part) > 0
}
