package service

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// serviceSID is the identity that Windows derives from the name of a service,
// for rights on files.
func serviceSID(name string) string {
	h := sha1.New()
	for _, c := range utf16.Encode([]rune(strings.ToUpper(name))) {
		h.Write(binary.LittleEndian.AppendUint16(nil, c))
	}
	sum, sid := h.Sum(nil), "S-1-5-80"
	for i := 0; i < len(sum); i += 4 {
		sid += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(sum[i:]))
	}
	return sid
}
