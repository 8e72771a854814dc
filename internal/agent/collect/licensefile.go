package collect

import (
	"errors"
	"fmt"
	"os"

	"headroom/internal/format/flexnet"
)

// maxLicenseFile bounds a license file; real ones have kilobytes.
const maxLicenseFile = 16 << 20

// readLicenseFile reads one license file.
func readLicenseFile(path, codePage string) (file flexnet.LicenseFile, err error) {
	f, err := os.Open(path)
	if err != nil {
		return file, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return file, err
	}
	if info.Size() > maxLicenseFile {
		return file, fmt.Errorf("%s has more than %d MiB", path, maxLicenseFile>>20)
	}
	return flexnet.ParseLicenseFile(f, codePage)
}
