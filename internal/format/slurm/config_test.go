package slurm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/format/facts"
	"headroom/internal/format/slurm"
	"headroom/internal/license"
)

func TestControllerIsKnownByItsConfiguration(t *testing.T) {
	for text, want := range map[string]license.Server{
		"Configuration data as of 2026-03-03T09:15:42\nClusterName             = alps\nSlurmctldAddr           = (null)\n" +
			"SlurmctldHost[0]        = ctl1.example.com(10.0.0.7)\nSlurmctldHost[1]        = ctl2.example.com\n" +
			"SlurmctldPort           = 6817-6818\nSLURM_VERSION           = 24.05.3\n": {
			Manager: "slurm", Hosts: []string{"ctl1.example.com", "ctl2.example.com"}, Port: 6817, Version: "24.05.3",
		},
		"ControlMachine          = ctl\nSlurmctldPort           = 6817\nSLURM_VERSION           = 17.11.13\n": {
			Manager: "slurm", Hosts: []string{"ctl"}, Port: 6817, Version: "17.11.13",
		},
		"SlurmctldPort           = 70000\n":                               {Manager: "slurm"},
		"slurm_load_ctl_conf error: Unable to contact slurm controller\n": {Manager: "slurm"},
	} {
		got, err := slurm.ParseConfig(strings.NewReader(text), facts.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
