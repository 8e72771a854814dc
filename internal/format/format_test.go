package format_test

import (
	"testing"
	"unicode/utf16"

	"headroom/internal/format"
	"headroom/internal/formattest"
)

func TestFormatsAreToldApart(t *testing.T) {
	for text, want := range map[string]format.Format{
		"lmutil - Copyright (c) 1989-2023 Flexera. All Rights Reserved.\nFlexible License Manager status on Mon 3/2/2026 09:05\n": format.FlexNetStatus,
		"Users of cutter:  (Total of 10 licenses issued;  Total of 0 licenses in use)\n":                                          format.FlexNetStatus,
		"C:\\> lmutil lmstat -a\r\nlmutil - Copyright (c) 1989-2016\r\n":                                                          format.FlexNetStatus,
		"Feature                         Version     #licenses    Vendor        Expires\n_______\n":                               format.FlexNetTerms,
		"Users of cutter:  (Total of 1 license issued;  Total of 0 licenses in use)\nFeature   Version     #licenses    Vendor\n": format.FlexNetStatus,
		" 8:00:00 (lmgrd) -----------------------------------------------\n":                                                      format.FlexNetLog,
		"SERVER lic01 0011 27000\nVENDOR acme\nINCREMENT cutter acme 1.0 permanent 10 SIGN=0\n":                                   format.LicenseFile,
		"Dear all,\nplease find attached\n": format.Unknown,
		"":                                  format.Unknown,

		"License Administration Tool Version 6.425.4 Built on May 2, 2023, 6:45:36 PM.\nCannot connect to server a on port 1\n": format.DSLSStatus,
		"admin >\tSoftware version: 6.425.4\n    Server name: a   Server id: b\n":                                               format.DSLSStatus,
		"admin >Editor,EditorId,Feature,Model,Commercial Type\n":                                                                format.DSLSStatus,
		"PAC maxReleaseNumber:  8 maxReleaseDate:2025/9/26\n":                                                                   format.DSLSStatus,
		"Online help is available at\nhttp://reference.wolfram.com/network\nMathLM Version 11.2\n":                              format.MathLMStatus,
		"headroom|mathlm|1\nserver|14.1\n":                                                                                      format.MathLMStatus,
		"lic06 - root [04/Mar/2026:07:59:58] \"MathLM 14.1 executable launched\" \"/opt/mathlm\" -\r\n":                         format.MathLMLog,
		"10.0.0.7 - ann [4/Mar/2026:07:59:58 -0500] \"Writeback attempt\" \"Success\" -":                                        format.MathLMLog,
		"10.0.0.7 - ann [04/Mar/2026:07:59:58 -0500] \"GET / HTTP/1.1\" 200 17\n":                                               format.Unknown,
		"Using default server 31010@localhost\n*** ERROR failed to open server localhost\n":                                     format.LSDynaStatus,
		"PROGRAM          EXPIRATION CPUS  USED   FREE    MAX | QUEUE\n":                                                        format.LSDynaStatus,
		"olixtool 4.8.0 - OLicense XML Status Application\n":                                                                    format.OLicenseStatus,
		"  m;  FreeFloating;\t3;\t;\n    3 FloatsLockedBy:\n":                                                                   format.OLicenseStatus,
		"C:\\> rlmutil rlmstat -a\r\nSetting license file path to 5053@lic01\r\nrlmutil v16.0\r\n":                              format.RLMStatus,
		"\trlm status on lic01 (port 5053), up 00:28:24\n":                                                                      format.RLMStatus,
		"\n\tacme license pool status on lic01 (port 51001)\n":                                                                  format.RLMStatus,
		"03/03 12:44 (acme) Server started on lic01 (hostid: 0011223344aa) for:\n":                                              format.RLMLog,
		"\nRLM Report Log Format 0, version 10.0, authenticated\nISV: acme, RLM version 10.0 BL2\n":                             format.RLMReportLog,
		"LM-X End-user Utility v3.32\nCopyright (C) 2002-2010 X-Formation.\nThere are no license server(s) available.\n":        format.LMXStatus,
		"LM-X License Server on 6200@lic01:\n\nServer version: v5.1 Uptime: 3 day(s)\nFeature: f Version: 21.0 Vendor: V\n":     format.LMXStatus,
		"Feature: f Version: 21.0 Vendor: V\r\n\r\n7 of 2147483647 license(s) used:\r\n":                                        format.LMXStatus,
		"<?xml version=\"1.0\"?>\n<LM-X STAT_VERSION=\"3.32\">\n<LICENSE_PATH TYPE=\"NETWORK\"":                                 format.LMXStatus,
		"  Sentinel RMS Development Kit 9.1.0.0104 Application Monitor\r\n":                                                     format.SentinelStatus,
		" [Contacting SentinelLM server on host \"lic02\"]\n License type : \"Normal License.\"\n Feature name : \"plotter\"\n": format.SentinelStatus,
		" |- Feature Information\n   |- Feature name                   : \"MESHER\"\n":                                          format.SentinelStatus,
		"# Startup SentinelLM v7.00 Mon Mar  2 06:00:01 2026  1772427601 lic02 140 42\r\n":                                      format.SentinelLog,
		"2 0 MTI1 Mon Mar  2 08:12:40 2026  1772435560 MESHER 12.0 0 12 0 ann pc 9.7.0 12 -\n":                                  format.SentinelLog,
		"LicenseName=mesher Total=30 Used=4 Free=26 Reserved=0 Remote=no\n":                                                     format.SlurmStatus,
		"LicenseName=solver@lic1\n    Total=70 Used=12 Free=58 Remote=yes\n":                                                    format.SlurmStatus,
		"{\n  \"headroom_usage\": 1,\n  \"pools\": []}":                                                                         format.GenericStatus,
		"| id   | pool | claims | node_id | last_claimed_at |\n":                                                                format.RelayStatus,
		"id    claims  node_id  last_claimed_at\n":                                                                              format.RelayStatus,
	} {
		if got := format.Detect([]byte(text)); got != want {
			t.Errorf("Detect(%.40q) = %s, want %s", text, got, want)
		}
	}
}

func TestFormatsAreFoundByTheirName(t *testing.T) {
	for _, f := range format.All {
		if got, ok := format.Parse(string(f)); got != f || !ok {
			t.Errorf("Parse(%q) = %s, %t", f, got, ok)
		}
	}
	if _, ok := format.Parse("unknown"); ok {
		t.Error("unknown can be asked for")
	}
}

func TestCapturesAreToldApart(t *testing.T) {
	for name, want := range map[string]format.Format{
		"dsls/error-cannot-connect.txt":                                         format.DSLSStatus,
		"dsls/getLicenseUsage-csv-6.425.4-tokens.txt":                           format.DSLSStatus,
		"dsls/text-all-6.425.0-german-dates-named-user-PLACEHOLDERS-FILLED.txt": format.DSLSStatus,
		"dsls/text-chinese-locale-dates-LINES.txt":                              format.DSLSStatus,
		"dsls/text-us-locale-dates-LINES.txt":                                   format.DSLSStatus,
		"lsdyna/lstc_qrun-error.txt":                                            format.LSDynaStatus,
		"lsdyna/lstc_qrun-r-shared-pool-in-use.txt":                             format.LSDynaStatus,
		"mathlm/mathlm-12.0-server-log-grant-and-return.log":                    format.MathLMLog,
		"mathlm/mathlm-12.0-server-log-start.log":                               format.MathLMLog,
		"mathlm/monitorlm-11.2-text-WHITESPACE-COLLAPSED.txt":                   format.MathLMStatus,
		"olicense/olixtool-4.8-error.txt":                                       format.OLicenseStatus,
		"olicense/olixtool-4.8-in-use-utf8.txt":                                 format.OLicenseStatus,
		"lmx/licstat-v3.32-altair-units-custom-share.txt":                       format.LMXStatus,
		"lmx/licstat-error-no-server.txt":                                       format.LMXStatus,
		"sentinel/lsmon-9.1-first-feature-no-clients.txt":                       format.SentinelStatus,
		"sentinel/lsmon-9.1-two-features-three-clients-ELIDED.txt":              format.SentinelStatus,
		"sentinel/usage-log-v7.00-four-lines.log":                               format.SentinelLog,
		"flexnet/lmstat-a-v11.7-triad-fqdn-10features.txt":                      format.FlexNetStatus,
		"flexnet/lmstat-i-expires-column-before-vendor.txt":                     format.FlexNetTerms,
		"flexnet/debuglog-v11.14-autodesk-14days-full.log":                      format.FlexNetLog,
		"flexnet/licensefile-vmware-increment-lines.lic":                        format.LicenseFile,
	} {
		if got := format.Detect(formattest.Sample(t, name)); got != want {
			t.Errorf("Detect(%s) = %s, want %s", name, got, want)
		}
	}
}

func TestCitrixFormatsAreToldApart(t *testing.T) {
	for text, want := range map[string]format.Format{
		"WARNING: x\r\nheadroom-citrix-1 {\"source\":\"wmi-pools\",\"rows\":[]}\r\n": format.CitrixAnswers,
		"\r\nPLD              : XDT_PLT_UD\r\nCount            : 5\r\n":              format.CitrixPrinted,
		"Count  DUP_GROUP  HOSTID  InUseCount  LicenseType  PLD         Overdraft\n": format.CitrixPrinted,
		"<<<citrix_licenses>>>\nXDT_PLT_UD\t5\t3\n":                                  format.CitrixPrinted,
		"Usage data is 3 minutes old. Next update in 12 minutes.\nUsers:\n":          format.CitrixUsers,
		"Datum;Feature;Verwendet\r\n24.10.2026;XDT_PLT_UD;5\r\n":                     format.CitrixHistory,
		"Date,Total\n2026-10-24,5\n":                                                 format.Unknown,
	} {
		if got := format.Detect([]byte(text)); got != want {
			t.Errorf("Detect(%.40q) = %s, want %s", text, got, want)
		}
	}
}

func TestUTF16IsRecognised(t *testing.T) {
	head := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune("License server status: 27000@lic01\n")) {
		head = append(head, byte(u), byte(u>>8))
	}
	if got := format.Detect(head); got != format.FlexNetStatus {
		t.Errorf("Detect = %s, want %s", got, format.FlexNetStatus)
	}
}
