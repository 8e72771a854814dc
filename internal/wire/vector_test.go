package wire

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"

	"github.com/dunglas/httpsfv"
)

// The key test-key-ed25519 of RFC 9421, Appendix B.1.4.
const vectorKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----`

// RFC 9421, Appendix B.2.6: our base and Ed25519 give the signature of the RFC,
// bit for bit.
func TestSignatureBaseIsThatOfTheRFC(t *testing.T) {
	const input = `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`
	const wantBase = `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`
	const wantSignature = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="

	block, _ := pem.Decode([]byte(vectorKey))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed.(ed25519.PrivateKey)
	if got, want := base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)), "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="; got != want {
		t.Fatalf("public key = %s, want %s", got, want)
	}
	d, err := httpsfv.UnmarshalDictionary([]string{input})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := d.Get("sig-b26")
	params, err := httpsfv.Marshal(m.(httpsfv.InnerList))
	if err != nil {
		t.Fatal(err)
	}
	base := signatureBase([]component{
		{"date", "Tue, 20 Apr 2021 02:07:55 GMT"},
		{"@method", "POST"},
		{"@path", "/foo"},
		{"@authority", "example.com"},
		{"content-type", "application/json"},
		{"content-length", "18"},
	}, params)
	if !bytes.Equal(base, []byte(wantBase)) {
		t.Errorf("base =\n%s\nwant\n%s", base, wantBase)
	}
	if got := base64.StdEncoding.EncodeToString(ed25519.Sign(key, base)); got != wantSignature {
		t.Errorf("signature = %s, want %s", got, wantSignature)
	}
}
