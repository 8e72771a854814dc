package sim

import "time"

// Days is how much of the past an estate tells unless it says otherwise: 13
// months.
const Days = 396

// New returns the estate of the demo: license servers of every manager at four
// sites, Citrix's first, as it stands at now.
func New(seed uint64, now time.Time) (*Estate, error) {
	e := &Estate{Seed: seed, Now: now.UTC().Truncate(time.Second), Days: Days}
	for _, site := range sites {
		zone, err := time.LoadLocation(site.zone)
		if err != nil {
			return nil, err
		}
		for _, s := range site.servers(e.Now) {
			s.Site, s.Zone = site.name, zone
			e.Add(s)
		}
	}
	return e, nil
}

// Begin returns the instant of the first reading of a server.
func (e *Estate) Begin() time.Time { return e.Now.AddDate(0, 0, -e.Days) }

var sites = []struct {
	name, zone string
	servers    func(now time.Time) []*Server
}{
	{"Hamburg", "Europe/Berlin", hamburg},
	{"London", "Europe/London", london},
	{"Boston", "America/New_York", boston},
	{"Pune", "Asia/Kolkata", pune},
}

// hamburg is the head office.
func hamburg(now time.Time) []*Server {
	cad := flexnet("cad-lic-01.ham.example.com", "11.19.4", "adskflex",
		counted("87594ACD_2026_0F", "1.000", 46, Office, Purchase{Installed: 60}),
		counted("87661AMECH_PP_2026_0F", "1.000", 34, Office, Purchase{Installed: 40}),
		counted("87600INVPROSA_2026_0F", "1.000", 17, Office, Purchase{Installed: 25}),
	)
	cad.Restart = now.AddDate(0, 0, -3).Truncate(24 * time.Hour).Add(9*time.Hour + 42*time.Minute)
	cad.Features[0].Borrowed = 2
	return []*Server{
		citrix("ctx-lic-01.ham.example.com",
			concurrent("XDT_PLT_CCS", 322, Purchase{Installed: 330, Overdraft: 30}),
			assigned("XDT_PLT_UD", 1238, Purchase{Installed: 1100}, Purchase{From: now.AddDate(0, -5, -3), Installed: 1320, Overdraft: 120}),
		),
		cad,
		flexnet("sim-lic-01.ham.example.com", "11.19.5", "MLM",
			counted("MATLAB", "57", 58, Office, Purchase{Installed: 70}),
			counted("SIMULINK", "57", 26, Office, Purchase{Installed: 35}),
			counted("Signal_Toolbox", "57", 12, Office, Purchase{Installed: 17}),
		),
		catia("plm-lic-01.ham.example.com"),
		altair("opt-lic-01.ham.example.com"),
		mathematica("calc-lic-01.ham.example.com"),
		tires("tire-lic-01.ham.example.com"),
		builds("build-lic-01.ham.example.com"),
	}
}

func london(now time.Time) []*Server {
	legacy := citrix("ctx-lic-02.lon.example.com", concurrent("MPS_ENT_CCU", 70, Purchase{Installed: 120}))
	legacy.SilentSince = now.AddDate(0, 0, -9).Add(-3 * time.Hour)
	cad := flexnet("cad-lic-01.lon.example.com", "11.18.3", "adskflex",
		counted("87594ACD_2026_0F", "1.000", 29, Office, Purchase{Installed: 30}),
		counted("87661AMECH_PP_2026_0F", "1.000", 11, Office, Purchase{Installed: 20}),
	)
	cad.Logged = true
	return []*Server{
		citrix("ctx-lic-01.lon.example.com",
			concurrent("XDT_PLT_CCS", 243, Purchase{Installed: 260}),
			assigned("XDT_PLT_UD", 402, Purchase{Installed: 450}),
		),
		legacy,
		cad,
		plant("plant-lic-01.lon.example.com"),
	}
}

func boston(now time.Time) []*Server {
	solver := flexnet("fea-lic-01.bos.example.com", "11.17.2", "ansyslmd",
		counted("ansys", "9999.9999", 9, Cluster, Purchase{Installed: 12}),
		counted("anshpc", "9999.9999", 190, Cluster, Purchase{Installed: 256}),
	)
	solver.FailFrom = now.AddDate(0, 0, -41).Truncate(time.Hour)
	solver.FailTo = solver.FailFrom.Add(19 * time.Hour)
	solver.Features[1].Each = 8
	return []*Server{
		citrix("ctx-lic-01.bos.example.com",
			concurrent("XDT_ENT_CCS", 168, Purchase{Installed: 220}),
			assigned("XDT_ENT_UD", 610, Purchase{Installed: 750}),
		),
		solver,
		flow("cfd-lic-01.bos.example.com"),
		crash("crash-lic-01.bos.example.com"),
		cluster("hpc-ctl-01.bos.example.com"),
	}
}

func pune(now time.Time) []*Server {
	nx := flexnet("plm-lic-01.pnq.example.com", "11.19.0", "ugslmd",
		counted("NX13100N", "38.0", 38, Office, Purchase{Installed: 40}, Purchase{From: now.AddDate(0, -2, 0), Installed: 48}),
		counted("nx_masterfem", "38.0", 6, Office, Purchase{Installed: 12}),
		Feature{Name: "gateway", Version: "1.0", Uncounted: true, Shape: System},
	)
	nx.Features[0].Reserved = 4
	return []*Server{
		nx,
		traffic("traffic-lic-01.pnq.example.com"),
	}
}

// expires is when subscriptions end.
var expires = time.Date(2027, time.December, 31, 0, 0, 0, 0, time.UTC)

func counted(name, version string, demand float64, shape Shape, p ...Purchase) Feature {
	return Feature{Name: name, Version: version, Expiry: expires, Demand: demand, Shape: shape, Purchases: p}
}

func flexnet(name, version, daemon string, features ...Feature) *Server {
	return &Server{Name: name, Manager: "flexnet", Port: 27000, Version: version, Daemon: daemon, Features: features}
}

// citrix is a Citrix License Server: its products and the features that every
// one of them serves to itself.
func citrix(name string, products ...Feature) *Server {
	features := []Feature{
		counted("CITRIX", "2030.0101", 2, System, Purchase{Installed: 10000}),
		counted("CTXLSDIAG", "2030.0101", 0, System, Purchase{Installed: 10000}),
	}
	features[0].Variant, features[1].Variant = "2030.0101 SYS", "2030.0101 SYS"
	return &Server{
		Name: name, Manager: "citrix", Port: 27000, Version: "11.17.2.0 build 51000", Daemon: "CITRIX", Features: append(features, products...),
	}
}

// subscribed is the Subscription Advantage date of Citrix's products here.
const subscribed = "2027.1201"

func concurrent(name string, demand float64, p ...Purchase) Feature {
	f := counted(name, subscribed, demand, Office, p...)
	f.Variant = subscribed + " Retail"
	return f
}

func assigned(name string, demand float64, p ...Purchase) Feature {
	f := concurrent(name, demand, p...)
	f.Shape = Assigned
	return f
}

// flow is an RLM server with a solver for flows, paid in cores.
func flow(name string) *Server {
	s := &Server{
		Name: name, Manager: "rlm", Port: 5053, Version: "15.1", Daemon: "csci",
		Features: []Feature{
			counted("converge_super", "4.0", 190, Cluster, Purchase{Installed: 256}),
			counted("converge_gui", "4.0", 7, Office, Purchase{Installed: 10}),
		},
	}
	for i := range s.Features {
		s.Features[i].Variant = string(rune('1' + i))
	}
	s.Features[0].Each, s.Features[1].Reserved = 16, 2
	return s
}

// altair is an LM-X server whose licenses are units, a thousand of them for
// each that is bought.
func altair(name string) *Server {
	s := &Server{
		Name: name, Manager: "lmx", Port: 6200, Version: "5.5.1", Daemon: "ALTAIR",
		Features: []Feature{counted("HyperWorks", "23.0", 240_000, Office, Purchase{Installed: 420_000})},
	}
	s.Features[0].Each, s.Features[0].Borrowed = 21_000, 1
	return s
}

// catia is a DSLS server with seats and with solver tokens, for which jobs
// wait.
func catia(name string) *Server {
	s := &Server{
		Name: name, Manager: "dsls", Port: 4084, Version: "6.427.2", Daemon: "Dassault Systemes",
		Features: []Feature{
			counted("MD2", "33", 27, Office, Purchase{Installed: 35}),
			counted("QXT", "427", 210, Cluster, Purchase{Installed: 150}),
		},
	}
	s.Features[1].Each, s.Features[1].Queues = 10, true
	return s
}

// plant is a Sentinel RMS server.
func plant(name string) *Server {
	s := &Server{
		Name: name, Manager: "sentinel", Port: 5093, Version: "9.7.0.0042",
		Features: []Feature{
			counted("AVEVA201", "", 19, Office, Purchase{Installed: 25}),
			counted("AVEVA551", "", 6, Office, Purchase{Installed: 10}),
		},
	}
	s.Features[0].Variant, s.Features[1].Variant = "1.0", "1.0"
	s.Features[0].Borrowed = 1
	return s
}

// mathematica is a MathLM server.
func mathematica(name string) *Server {
	s := &Server{
		Name: name, Manager: "mathlm", Port: 16286, Version: "14.1",
		Features: []Feature{
			counted("Mathematica", "14.1", 11, Office, Purchase{Installed: 20}),
			counted("MathKernel", "14.1", 16, Office, Purchase{Installed: 40}),
		},
	}
	s.Features[0].Variant, s.Features[1].Variant = "A", "A"
	return s
}

// crash is an LSTC server, from which LS-DYNA takes a license for each core.
func crash(name string) *Server {
	s := &Server{
		Name: name, Manager: "lsdyna", Port: 31010,
		Features: []Feature{counted("LICENSE GROUP", "", 520, Cluster, Purchase{Installed: 480})},
	}
	s.Features[0].Each, s.Features[0].Queues = 40, true
	return s
}

// tires is an OLicense server.
func tires(name string) *Server {
	return &Server{
		Name: name, Manager: "olicense", Port: 31212, Version: "4.8.0", Daemon: "cosin",
		Features: []Feature{counted("ftire_adams", "20251", 3, Office, Purchase{Installed: 6})},
	}
}

// cluster is a Slurm controller, which counts the licenses that jobs ask for.
func cluster(name string) *Server {
	s := &Server{
		Name: name, Manager: "slurm", Port: 6817, Version: "23.11.4",
		Features: []Feature{
			counted("abaqus", "", 110, Cluster, Purchase{Installed: 120}),
			counted("starccm", "", 9, Cluster, Purchase{Installed: 16}),
		},
	}
	s.Features[0].Each, s.Features[0].Queues = 5, true
	return s
}

// builds is a Keygen Relay, which lends a license to each build machine.
func builds(name string) *Server {
	return &Server{
		Name: name, Manager: "keygen-relay", Port: 6349,
		Features: []Feature{counted("build-agents", "", 26, Cluster, Purchase{Installed: 24})},
	}
}

// traffic is a license manager for which there is no reader: a script tells how
// its licenses are used.
func traffic(name string) *Server {
	s := &Server{
		Name: name, Manager: "generic", Port: 22350, Version: "8.20", Daemon: "codemeter",
		Features: []Feature{
			counted("PTV_Vissim", "", 8, Office, Purchase{Installed: 8}),
			counted("PTV_Visum", "", 5, Office, Purchase{Installed: 12}),
		},
	}
	s.Features[0].Borrowed, s.Features[1].Reserved = 1, 1
	return s
}
