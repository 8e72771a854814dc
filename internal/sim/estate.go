package sim

import "time"

// Days is how much of the past an estate tells unless it says otherwise: 13
// months.
const Days = 396

// New returns the estate of the demo: twelve license servers at four sites
// with Citrix and engineering products, as it stands at now.
func New(seed uint64, now time.Time) (*Estate, error) {
	e := &Estate{Seed: seed, Now: now.UTC().Truncate(time.Second), Days: Days}
	for _, site := range sites {
		zone, err := time.LoadLocation(site.zone)
		if err != nil {
			return nil, err
		}
		for _, s := range site.servers(e.Now) {
			s.Site, s.Zone, s.Port, s.estate = site.name, zone, 27000, e
			e.Servers = append(e.Servers, s)
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

func hamburg(now time.Time) []*Server {
	return []*Server{
		citrix("ctx-lic-01.ham.example.com",
			counted("XDT_PLT_CCS", 322, Office, Purchase{Installed: 330, Overdraft: 30}),
			counted("XDT_PLT_UD", 1238, Assigned, Purchase{Installed: 1100}, Purchase{From: now.AddDate(0, -5, -3), Installed: 1320, Overdraft: 120}),
		),
		{
			Name: "cad-lic-01.ham.example.com", Version: "11.19.4", Daemon: "adskflex",
			Restart: now.AddDate(0, 0, -3).Truncate(24 * time.Hour).Add(9*time.Hour + 42*time.Minute),
			Features: []Feature{
				counted("87594ACD_2026_0F", 46, Office, Purchase{Installed: 60}),
				counted("87661PDSPRM_2026_0F", 34, Office, Purchase{Installed: 40}),
				counted("87600INVPROSA_2026_0F", 17, Office, Purchase{Installed: 25}),
			},
		},
		matlab("sim-lic-01.ham.example.com", 58, 70),
	}
}

func london(now time.Time) []*Server {
	legacy := citrix("ctx-lic-02.lon.example.com", counted("MPS_ENT_CCU", 70, Office, Purchase{Installed: 120}))
	legacy.SilentSince = now.AddDate(0, 0, -9).Add(-3 * time.Hour)
	return []*Server{
		citrix("ctx-lic-01.lon.example.com",
			counted("XDT_PLT_CCS", 205, Office, Purchase{Installed: 260}),
			counted("XDT_ENT_UD", 610, Assigned, Purchase{Installed: 750}),
		),
		legacy,
		{
			Name: "cad-lic-01.lon.example.com", Version: "11.18.3", Daemon: "adskflex",
			Features: []Feature{
				counted("87594ACD_2026_0F", 29, Office, Purchase{Installed: 30}),
				counted("87661PDSPRM_2026_0F", 11, Office, Purchase{Installed: 20}),
			},
		},
	}
}

func boston(now time.Time) []*Server {
	solver := &Server{
		Name: "fea-lic-01.bos.example.com", Version: "11.17.2", Daemon: "ansyslmd",
		FailFrom: now.AddDate(0, 0, -41).Truncate(time.Hour),
		FailTo:   now.AddDate(0, 0, -41).Truncate(time.Hour).Add(19 * time.Hour),
		Features: []Feature{
			counted("ansys", 9, Cluster, Purchase{Installed: 12}),
			counted("anshpc", 190, Cluster, Purchase{Installed: 256}),
		},
	}
	solver.Features[1].Each = 8
	return []*Server{
		citrix("ctx-lic-01.bos.example.com",
			counted("XDT_PLT_CCS", 168, Office, Purchase{Installed: 220}),
			counted("XDT_PLT_UD", 402, Assigned, Purchase{Installed: 450}),
		),
		solver,
		matlab("sim-lic-01.bos.example.com", 31, 50),
	}
}

func pune(now time.Time) []*Server {
	nx := &Server{
		Name: "plm-lic-01.pnq.example.com", Version: "11.19.0", Daemon: "ugslmd",
		Features: []Feature{
			counted("NX13100N", 38, Office, Purchase{Installed: 40}, Purchase{From: now.AddDate(0, -2, 0), Installed: 48}),
			counted("nx_masterfem", 6, Office, Purchase{Installed: 12}),
			{Name: "gateway", Version: "1.0", Expiry: "permanent", Uncounted: true, Shape: System},
		},
	}
	nx.Features[0].Reserved = 4
	return []*Server{
		citrix("ctx-lic-01.pnq.example.com",
			counted("XDT_PLT_CCS", 240, Office, Purchase{Installed: 300}),
			counted("XDT_ENT_UD", 355, Assigned, Purchase{Installed: 500}),
		),
		{
			Name: "cad-lic-01.pnq.example.com", Version: "11.18.3", Daemon: "adskflex",
			Features: []Feature{
				counted("87594ACD_2026_0F", 52, Office, Purchase{Installed: 80}),
				counted("87600INVPROSA_2026_0F", 6, Office, Purchase{Installed: 10}),
			},
		},
		nx,
	}
}

// citrix is a Citrix License Server: its products and the features that every
// one of them serves to itself.
func citrix(name string, products ...Feature) *Server {
	system := []Feature{
		counted("CITRIX", 2, System, Purchase{Installed: 10000}),
		counted("CTXLSDIAG", 0, System, Purchase{Installed: 10000}),
	}
	return &Server{Name: name, Version: "11.19.4", Daemon: "CITRIX", Features: append(system, products...)}
}

func matlab(name string, demand float64, installed int64) *Server {
	return &Server{
		Name: name, Version: "11.19.5", Daemon: "MLM",
		Features: []Feature{
			counted("MATLAB", demand, Office, Purchase{Installed: installed}),
			counted("SIMULINK", demand*0.45, Office, Purchase{Installed: installed / 2}),
			counted("Signal_Toolbox", demand*0.2, Office, Purchase{Installed: installed / 4}),
		},
	}
}

func counted(name string, demand float64, shape Shape, p ...Purchase) Feature {
	return Feature{Name: name, Version: "2026.0", Expiry: "31-dec-2027", Demand: demand, Shape: shape, Purchases: p}
}
