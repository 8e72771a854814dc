package flexnet

import (
	"slices"
	"strings"
)

const (
	// logKept is how many parsed subjects a daemon keeps; beyond it all are
	// dropped and learnt again. Some daemons put a handle into every checkout.
	logKept = 1 << 15
	// logMaxWriters and logMaxNames bound what a hostile log can make us keep.
	logMaxWriters = 1000
	logMaxNames   = 1 << 17
)

// A logWriter is a name in parentheses at the front of lines: that of lmgrd, of
// a vendor daemon, or of one of the numbered copies that a daemon forks when it
// has too many clients ("saltd_1"). Copies hand out the same licenses, so they
// are one process here.
type logWriter struct {
	printed string
	fork    bool
	*logProcess
}

// A logProcess is lmgrd or a vendor daemon.
type logProcess struct {
	name  string
	lmgrd bool

	events  map[string]*logSubject // of OUT, IN, QUEUED and DEQUEUED
	refused map[string]*logSubject
	unknown map[string]*logSubject // of UNSUPPORTED

	served  logNames
	packs   []*logPackage
	byPack  map[string]*logPackage
	inside  *logPackage // whose members are being listed
	listing bool        // a list of features is being printed
	listed  int32       // the time of day of that list

	books *logBooks // of the totals that read the log, if any
}

// A logPackage is a package with its members.
type logPackage struct {
	name    string
	members logNames
}

// logNames is a list of different names.
type logNames struct {
	list []string
	has  map[string]bool
}

func (n *logNames) add(name string) {
	if n.has[name] || len(n.list) >= logMaxNames {
		return
	}
	if n.has == nil {
		n.has = map[string]bool{}
	}
	n.has[name] = true
	n.list = append(n.list, name)
}

// logWriters are all who write into one log.
type logWriters struct {
	byName  map[string]*logWriter
	daemons []*logProcess
}

func newLogWriters() *logWriters { return &logWriters{byName: map[string]*logWriter{}} }

// get returns the writer of that name; nil if there are too many.
func (ws *logWriters) get(printed []byte) *logWriter {
	if w := ws.byName[string(printed)]; w != nil {
		return w
	}
	if len(ws.byName) >= logMaxWriters {
		return nil
	}
	w := &logWriter{printed: logName(string(printed), nil)}
	if name, ok := logForkOf(w.printed); ok {
		parent := ws.get([]byte(name))
		if parent == nil {
			return nil
		}
		w.fork, w.logProcess = true, parent.logProcess
	} else {
		w.logProcess = &logProcess{name: w.printed, lmgrd: w.printed == "lmgrd", byPack: map[string]*logPackage{}}
		w.forget()
		if !w.lmgrd {
			ws.daemons = append(ws.daemons, w.logProcess)
		}
	}
	ws.byName[string(printed)] = w
	return w
}

// logForkOf cuts the number of a forked daemon off its name.
func logForkOf(printed string) (name string, fork bool) {
	i := strings.LastIndexByte(printed, '_')
	if i <= 0 {
		return printed, false
	}
	n, ok := logNumber(printed[i+1:])
	return printed[:i], ok && n < 1000
}

// all returns what the start blocks of the daemons say, sorted by name.
func (ws *logWriters) all() []LogDaemon {
	var all []LogDaemon
	for _, p := range ws.daemons {
		d := LogDaemon{Name: p.name, Features: slices.Clone(p.served.list)}
		for _, k := range p.packs {
			d.Packages = append(d.Packages, LogPackage{Name: k.name, Members: slices.Clone(k.members.list)})
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b LogDaemon) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// forget drops the subjects.
func (p *logProcess) forget() {
	p.events, p.refused, p.unknown = map[string]*logSubject{}, map[string]*logSubject{}, map[string]*logSubject{}
}

// subjects returns the subjects of events of that kind.
func (p *logProcess) subjects(kind LogKind) map[string]*logSubject {
	switch kind {
	case LogDenied:
		return p.refused
	case LogUnsupported:
		return p.unknown
	}
	return p.events
}

// keep remembers a subject under its text.
func (p *logProcess) keep(kind LogKind, line string, s *logSubject) {
	if len(p.events)+len(p.refused)+len(p.unknown) >= logKept {
		p.forget()
		if p.books != nil {
			p.books.sweep()
		}
	}
	p.subjects(kind)[line] = s
}

// pack begins the list of a package's members.
func (p *logProcess) pack(name string) {
	p.served.add(name)
	if p.inside = p.byPack[name]; p.inside != nil {
		return
	}
	p.inside = &logPackage{name: name}
	if len(p.packs) < logMaxNames {
		p.packs = append(p.packs, p.inside)
		p.byPack[name] = p.inside
	}
}

// list reads a line of served features:
//
//	FEATURE FEATURE
//	PACKAGE (consisting of: MEMBER MEMBER
//	MEMBER) FEATURE
//
// names divided by blanks and tabs, three or so a line.
func (p *logProcess) list(line string) {
	words := strings.Fields(line)
	for i := 0; i < len(words); i++ {
		word := words[i]
		if i+2 < len(words) && words[i+1] == "(consisting" && strings.HasPrefix(words[i+2], "of:") {
			p.pack(word)
			if words[i+2] = strings.TrimPrefix(words[i+2], "of:"); words[i+2] == "" {
				i++
			}
			i++
			continue
		}
		last := false
		if p.inside != nil {
			word, last = strings.CutSuffix(word, ")")
		}
		switch {
		case word == "":
		case p.inside != nil:
			p.inside.members.add(word)
		default:
			p.served.add(word)
		}
		if last {
			p.inside = nil
		}
	}
}
