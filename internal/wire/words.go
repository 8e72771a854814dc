package wire

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strings"
)

// KeyID returns the name of a public key: the SHA-256 of its 32 bytes, base64url
// without padding.
func KeyID(publicKey []byte) string {
	h := sha256.Sum256(publicKey)
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// WordCount is how many words name a key.
const WordCount = 6

//go:embed words.txt
var wordFile string

// words are 512 short words, so that each stands for 9 bits. The list is part
// of the wire: hub and agent of different versions show the same words.
var words = strings.Fields(wordFile)

// Words returns six words that stand for a public key, to be compared by people
// on two screens: the first 54 bits of its SHA-256.
func Words(publicKey []byte) []string {
	h := sha256.Sum256(publicKey)
	var bits uint64
	for _, b := range h[:8] {
		bits = bits<<8 | uint64(b)
	}
	shown := make([]string, WordCount)
	for i := range shown {
		shown[i] = words[bits>>(64-9)]
		bits <<= 9
	}
	return shown
}
