package series

import "errors"

// Split cuts a block into its head and its body, which are slices of it.
func Split(block []byte) (head, body []byte, err error) {
	if len(block) == 0 {
		return nil, nil, errors.New("empty day block")
	}
	n := len(block) / 2
	return block[:n:n], block[n:], nil
}
