package format_test

import (
	"testing"
	"unicode/utf16"

	"headroom/internal/format"
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
