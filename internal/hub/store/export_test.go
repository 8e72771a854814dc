package store

// EncodePack returns the heads and bodies of a pack of a part's first n license
// servers, each with the same head and body.
func EncodePack(part int64, n int, head, body []byte) (heads, bodies []byte) {
	blocks := make([]block, n)
	for i := range blocks {
		blocks[i] = block{server: part<<partBits + int64(i), version: 100_000, head: head, body: body}
	}
	return packKey{part: part}.encode(blocks)
}
