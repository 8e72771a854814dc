package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A tool is a program of a license manager. It returns what the program prints
// at t about the server that it is called for. Beside the arguments that choose
// between what it can print it takes any.
type tool func(s *Server, t time.Time, args []string) (string, error)

// tools are the programs of each license manager, as files are called.
var tools = map[string]map[string]tool{
	"flexnet":      {"lmutil": (*Server).lmutil},
	"citrix":       {"powershell": (*Server).powershell, "udadmin": (*Server).udadmin},
	"rlm":          {"rlmutil": (*Server).rlmutil},
	"lmx":          {"lmxendutil": (*Server).lmxendutil},
	"dsls":         {"DSLicSrv": (*Server).dslicsrv},
	"sentinel":     {"lsmon": (*Server).lsmon},
	"mathlm":       {"monitorlm": (*Server).monitorlm},
	"lsdyna":       {"lstc_qrun": (*Server).qrun},
	"olicense":     {"olixtool": (*Server).olixtool},
	"slurm":        {"scontrol": (*Server).scontrol, "squeue": (*Server).squeue},
	"keygen-relay": {"relay": (*Server).relay},
	"generic":      {"license-usage": (*Server).licenseUsage},
}

// tells is what each license manager tells.
var tells = map[string]told{
	"flexnet":  {daemon: true, reserved: true, borrowed: true, queued: true, overdraft: true},
	"citrix":   {daemon: true, overdraft: true},
	"rlm":      {daemon: true, reserved: true},
	"lmx":      {daemon: true, borrowed: true},
	"dsls":     {daemon: true, queued: true},
	"sentinel": {reserved: true, borrowed: true, queued: true},
	"lsdyna":   {queued: true},
	"olicense": {daemon: true},
	"slurm":    {queued: true},
	"generic":  {daemon: true, reserved: true, borrowed: true, queued: true, overdraft: true},
}

// Tools returns what the programs of the server's license manager are called,
// in the order of the alphabet.
func (s *Server) Tools() []string { return slices.Sorted(maps.Keys(tools[s.Manager])) }

// IsTool reports whether any license manager has a program of that name.
func IsTool(program string) bool {
	for _, all := range tools {
		if all[program] != nil {
			return true
		}
	}
	return false
}

// Call returns what one of these programs prints when it is called at t. The
// error says that there is no such program, or that it cannot do what the
// arguments ask for.
func (s *Server) Call(t time.Time, program string, args ...string) (string, error) {
	run, ok := tools[s.Manager][program]
	if !ok {
		return "", fmt.Errorf("%s has no program %s", s.Name, program)
	}
	return run(s, t, args)
}

// wrongArgs says that a program cannot do what its arguments ask for.
func wrongArgs(program string, args []string) error {
	return fmt.Errorf("%s cannot do what %q asks for", program, strings.Join(args, " "))
}

// Server returns the server of that name, ignoring case.
func (e *Estate) Server(name string) (*Server, bool) {
	i := slices.IndexFunc(e.Servers, func(s *Server) bool { return strings.EqualFold(s.Name, name) })
	if i < 0 {
		return nil, false
	}
	return e.Servers[i], true
}

// short is the first label of the server's name.
func (s *Server) short() string {
	name, _, _ := strings.Cut(s.Name, ".")
	return name
}

// expires writes the day of an expiry in a layout, or what stands for none.
func (f *Feature) expires(layout, never string) string {
	if f.Expiry.IsZero() {
		return never
	}
	return f.Expiry.Format(layout)
}

// each visits the checkouts of all features at t.
func (s *Server) each(t time.Time, visit func(f *Feature, c Checkout)) {
	for i := range s.Features {
		for _, c := range s.Checkouts(&s.Features[i], t) {
			visit(&s.Features[i], c)
		}
	}
}
