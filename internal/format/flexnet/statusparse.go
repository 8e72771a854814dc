package flexnet

import (
	"errors"
	"io"
)

// ParseStatus reads the output of lmstat -a, -f, -s or -v. The error is for
// reading r and for a code page that does not exist; everything else that is
// wrong stands in Status.Error, in Section.Error and in the unread lines.
func ParseStatus(r io.Reader, o StatusOptions) (Status, error) {
	return Status{}, errors.New("not written yet")
}
